/**
 * Token buckets by key: so much at once, so much a second. Pure: the time is an argument. At most
 * so many keys are remembered; of more, those that have taken nothing for longest are forgotten,
 * which fills their buckets.
 */

export interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
  /** How many keys are remembered. */
  readonly keys: number;
}

export class TokenBuckets {
  readonly #allowance: Allowance;
  /** In the order in which they were last taken from. */
  readonly #buckets = new Map<string, { readonly left: number; readonly at: number }>();

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /**
   * Takes one out of a bucket.
   * @param now milliseconds of a clock that never goes back
   * @returns 0, or how many milliseconds later there will be one to take
   */
  take(key: string, now: number): number {
    const { burst, perSecond, keys } = this.#allowance;
    const { left, at } = this.#buckets.get(key) ?? { left: burst, at: now };
    const filled = Math.min(burst, left + (Math.max(0, now - at) / 1000) * perSecond);
    if (filled < 1) return ((1 - filled) / perSecond) * 1000;
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: filled - 1, at: now });
    if (this.#buckets.size > keys) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return 0;
  }

  get size(): number {
    return this.#buckets.size;
  }
}
