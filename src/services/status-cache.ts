/**
 * Ready-signed OCSP answers in memory. What makes it safe is the version of each issuer: every
 * change of a status that this process hears of raises it, and an answer only enters under the
 * version that held when its status was read. A signer that was slow, or paused, comes too late.
 */

export interface ReadyAnswer {
  readonly der: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** What it says of its certificate. */
  readonly says: 'good' | 'revoked';
}

/** Serial numbers with ready answers, over all issuers. One takes about 1 KiB. */
const MAX_SERIALS = 100_000;

export class StatusCache {
  /** By issuer and serial, then by the exact CertID; least recently asked first. */
  readonly #answers = new Map<string, Map<string, ReadyAnswer>>();
  readonly #versions = new Map<string, number>();
  readonly #maxSerials: number;

  constructor(maxSerials = MAX_SERIALS) {
    this.#maxSerials = maxSerials;
  }

  get size(): number {
    return this.#answers.size;
  }

  /** To be remembered before a status is read. */
  version(issuerId: string): number {
    return this.#versions.get(issuerId) ?? 0;
  }

  /** An answer that has lived less than half its validity; older ones are signed anew. */
  find(issuerId: string, serial: string, certId: string, now: Date): ReadyAnswer | undefined {
    const key = `${issuerId}/${serial}`;
    const answers = this.#answers.get(key);
    const answer = answers?.get(certId);
    if (!answers || !answer) return undefined;
    const age = now.getTime() - answer.thisUpdate.getTime();
    const life = answer.nextUpdate.getTime() - answer.thisUpdate.getTime();
    if (age < 0 || age > life / 2) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, answers);
    return answer;
  }

  /** @returns whether it was taken: only under the version at which its status was read */
  put(
    issuerId: string,
    serial: string,
    certId: string,
    answer: ReadyAnswer,
    version: number,
  ): boolean {
    if (version !== this.version(issuerId)) return false;
    const key = `${issuerId}/${serial}`;
    const answers = this.#answers.get(key) ?? new Map<string, ReadyAnswer>();
    answers.set(certId, answer);
    this.#answers.delete(key);
    this.#answers.set(key, answers);
    if (this.#answers.size > this.#maxSerials) {
      const [oldest] = this.#answers.keys();
      if (oldest !== undefined) this.#answers.delete(oldest);
    }
    return true;
  }

  /** Forgets a serial number whose status has changed. */
  evict(issuerId: string, serial: string): void {
    this.#versions.set(issuerId, this.version(issuerId) + 1);
    this.#answers.delete(`${issuerId}/${serial}`);
  }

  /** Forgets everything about an issuer's certificates. */
  evictIssuer(issuerId: string): void {
    this.#versions.set(issuerId, this.version(issuerId) + 1);
    for (const key of this.#answers.keys()) {
      if (key.startsWith(`${issuerId}/`)) this.#answers.delete(key);
    }
  }
}
