/** Answers that are kept for a repeated `Idempotency-Key`, and the port that stores them. */

import type { Lease } from './certificate-records.ts';

/** What a key counts for: one caller and one operation. */
export interface KeyScope {
  /** As audit entries name it: `client:<id>`. */
  readonly principal: string;
  readonly operation: string;
  /** SHA-256 of the key, hex: what clients choose as keys is theirs. */
  readonly keySha256: string;
}

/** An answer as it is given again: without secrets, which are said once. */
export interface KeptAnswer {
  readonly status: number;
  readonly location?: string;
  readonly contentType?: string;
  /** Undefined for an answer without one. */
  readonly body?: string;
  /** The body was larger than what is kept. */
  readonly withoutBody?: true;
}

/** A key that is on record and not over. */
export interface IdempotencyRecord {
  /** SHA-256 over what was asked, hex. */
  readonly requestSha256: string;
  /** Until when the process that works on it is believed to be alive. */
  readonly leaseUntil?: Date;
  /** Present once there is one. */
  readonly answer?: KeptAnswer;
}

export interface IdempotencyStore {
  /** @returns undefined for a key that was never seen, or that is over */
  findKey(scope: KeyScope, now: Date): Promise<IdempotencyRecord | undefined>;
  /**
   * Takes a key that nobody has, that is over, or whose owner let the lease of the same request
   * run out. Of any number of callers one gets it.
   */
  takeKey(command: {
    readonly scope: KeyScope;
    readonly requestSha256: string;
    readonly lease: Lease;
    readonly now: Date;
    readonly expiresAt: Date;
  }): Promise<'taken' | 'not-free'>;
  /** @returns `lease-lost`, and nothing changed, when the key is not this owner's any more */
  keepAnswer(
    scope: KeyScope,
    leaseOwner: string,
    answer: KeptAnswer,
  ): Promise<'kept' | 'lease-lost'>;
  /** Gives a key back, as if it had never been sent. */
  releaseKey(scope: KeyScope, leaseOwner: string): Promise<void>;
  /**
   * How many keys a principal has on record, whatever for, those among them that are over and not
   * deleted yet.
   * @returns `upTo` at most: no more is looked at
   */
  countKeys(principal: string, upTo: number): Promise<number>;
  /** @returns how many keys there were whose time had passed */
  deleteExpiredKeys(now: Date): Promise<number>;
}
