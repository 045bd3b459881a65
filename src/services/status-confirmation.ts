/**
 * Hearing of status changes that other processes made. The database is asked for the issuers'
 * sequence numbers twice a second; as long as it answers, what the cache holds is confirmed. When
 * it has not answered for five seconds, nothing from memory may be said any more.
 */

import type { StatusStore } from './revocation-records.ts';
import type { StatusCache } from './status-cache.ts';

export const POLL_MILLISECONDS = 500;
const CONFIRMATION_MILLISECONDS = 5_000;
const CHANGES_PER_READ = 1_000;

/** Milliseconds from an arbitrary start that never go back, unlike a clock. */
export type Monotonic = () => number;

export class StatusConfirmation {
  readonly #store: StatusStore;
  readonly #cache: Pick<StatusCache, 'evict'>;
  readonly #monotonic: Monotonic;
  /** Up to which sequence number the changes of an issuer are known here. */
  readonly #sequences = new Map<string, number>();
  /** Issuers to ask about. */
  readonly #watched = new Set<string>();
  #confirmedAt: number;

  constructor(store: StatusStore, cache: Pick<StatusCache, 'evict'>, monotonic: Monotonic) {
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
   * To be called before a status of this issuer is read. A poll that begins while the first one is
   * being read would otherwise confirm it without having asked.
   */
  watch(issuerId: string): void {
    this.#watched.add(issuerId);
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

  /** A change that this process made and has forgotten the old answers of: no need to read it up. */
  madeHere(issuerId: string, sequence: number): void {
    if (this.#sequences.get(issuerId) === sequence - 1) this.#sequences.set(issuerId, sequence);
  }

  /** Asks the database what has changed; to be called every {@link POLL_MILLISECONDS}. */
  async poll(): Promise<void> {
    // From before the question: the answer is not newer than that.
    const askedAt = this.#monotonic();
    const sequences = await this.#store.readSequences([...this.#watched]);
    for (const [issuerId, sequence] of sequences) await this.observe(issuerId, sequence);
    this.#confirmedAt = askedAt;
  }

  async #catchUp(issuerId: string, known: number, sequence: number): Promise<void> {
    let from = known;
    for (;;) {
      const changes = await this.#store.readChanges(issuerId, from, CHANGES_PER_READ);
      for (const { serial, sequence } of changes) {
        from = Math.max(from, sequence);
        // Others read up at the same time; each change counts once, or answers that are being
        // signed would be thrown away again and again.
        if (sequence <= (this.#sequences.get(issuerId) ?? 0)) continue;
        this.#cache.evict(issuerId, serial);
        this.#sequences.set(issuerId, sequence);
      }
      if (changes.length < CHANGES_PER_READ) break;
    }
    this.#sequences.set(issuerId, Math.max(from, sequence, this.#sequences.get(issuerId) ?? 0));
  }
}
