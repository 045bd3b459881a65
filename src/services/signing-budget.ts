/**
 * How much strangers may make us do: so much at once and so much a second for each purpose, so
 * that those who ask with nonces, made-up serial numbers or long lists cannot take the key and the
 * database for themselves (token buckets).
 */

import type { Monotonic } from './status-confirmation.ts';

interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** Signatures on demand, for each issuer and kind of question. */
const SIGNATURES: Allowance = { burst: 400, perSecond: 200 };
/** Statuses read from the database, over all issuers. */
export const STATUS_READS: Allowance = { burst: 4_000, perSecond: 2_000 };

export class SigningBudget {
  readonly #monotonic: Monotonic;
  readonly #allowance: Allowance;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(monotonic: Monotonic, allowance: Allowance = SIGNATURES) {
    this.#monotonic = monotonic;
    this.#allowance = allowance;
  }

  /** Takes what something costs out of a purpose's budget; false when it is used up for now. */
  take(purpose: string, cost = 1): boolean {
    const { burst, perSecond } = this.#allowance;
    const now = this.#monotonic();
    const { left, at } = this.#buckets.get(purpose) ?? { left: burst, at: now };
    const filled = Math.min(burst, left + ((now - at) / 1000) * perSecond);
    if (filled < cost) return false;
    this.#buckets.set(purpose, { left: filled - cost, at: now });
    return true;
  }
}
