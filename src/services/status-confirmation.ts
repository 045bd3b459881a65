/**
 * Hearing of status changes that other processes made. The database is asked for the issuers'
 * sequence numbers twice a second; as long as it answers, what the cache holds is confirmed. When
 * it has not answered for five seconds, nothing from memory may be said any more.
 */

import type { StatusStore } from './revocation-records.ts';
import type { StatusCache } from './status-cache.ts';

export const POLL_MILLISECONDS = 500;
export const CONFIRMATION_MILLISECONDS = 5_000;
const CHANGES_PER_READ = 1_000;

/** Milliseconds from an arbitrary start that never go back, unlike a clock. */
export type Monotonic = () => number;

export class StatusConfirmation {
  readonly #store: StatusStore;
  readonly #cache: StatusCache;
  readonly #monotonic: Monotonic;
  /** Up to which sequence number the changes of an issuer are known here. */
  readonly #sequences = new Map<string, number>();
  #confirmedAt: number;

  constructor(store: StatusStore, cache: StatusCache, monotonic: Monotonic) {
    this.#store = store;
    this.#cache = cache;
    this.#monotonic = monotonic;
    this.#confirmedAt = monotonic();
  }

  /** Whether what the cache holds may still be said. */
  get isFresh(): boolean {
    return this.#monotonic() - this.#confirmedAt <= CONFIRMATION_MILLISECONDS;
  }

  /**
   * Takes note of a sequence number that was read together with a status, and reads up on what
   * has changed since the last one known.
   * @returns false when later changes are known here already: the status may be out of date
   */
  async observe(issuerId: string, sequence: number): Promise<boolean> {
    const known = this.#sequences.get(issuerId);
    if (known === undefined) this.#sequences.set(issuerId, sequence);
    else if (sequence > known) await this.#catchUp(issuerId, known, sequence);
    return sequence >= (this.#sequences.get(issuerId) ?? 0);
  }

  /** Asks the database what has changed; to be called every {@link POLL_MILLISECONDS}. */
  async poll(): Promise<void> {
    // From before the question: the answer is not newer than that.
    const askedAt = this.#monotonic();
    const sequences = await this.#store.readSequences([...this.#sequences.keys()]);
    for (const [issuerId, sequence] of sequences) await this.observe(issuerId, sequence);
    this.#confirmedAt = askedAt;
  }

  async #catchUp(issuerId: string, known: number, sequence: number): Promise<void> {
    let from = known;
    for (;;) {
      const changes = await this.#store.readChanges(issuerId, from, CHANGES_PER_READ);
      for (const { serial, sequence } of changes) {
        this.#cache.evict(issuerId, serial);
        from = Math.max(from, sequence);
      }
      if (changes.length < CHANGES_PER_READ) break;
    }
    this.#sequences.set(issuerId, Math.max(from, sequence, this.#sequences.get(issuerId) ?? 0));
  }
}
