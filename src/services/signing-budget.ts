/**
 * How many answers may be signed on demand: so many at once and so many a second for each issuer,
 * so that strangers who ask with nonces or made-up serial numbers cannot take the key for
 * themselves (a token bucket).
 */

import type { Monotonic } from './status-confirmation.ts';

const BURST = 400;
const PER_SECOND = 200;

export class SigningBudget {
  readonly #monotonic: Monotonic;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(monotonic: Monotonic) {
    this.#monotonic = monotonic;
  }

  /** Takes one signature out of the issuer's budget; false when it is used up for now. */
  take(issuerId: string): boolean {
    const now = this.#monotonic();
    const { left, at } = this.#buckets.get(issuerId) ?? { left: BURST, at: now };
    const filled = Math.min(BURST, left + ((now - at) / 1000) * PER_SECOND);
    if (filled < 1) return false;
    this.#buckets.set(issuerId, { left: filled - 1, at: now });
    return true;
  }
}
