/**
 * How many Idempotency-Keys a principal may have on record at a time: each of them keeps an answer
 * for a day, and who may ask may choose as many as they like. The table is counted every few
 * seconds only; in between, the process counts what it takes and gives back itself. Others are
 * seen at the next count: a principal gets no more above the limit than they let through until then.
 */

import { ServiceError } from './errors.ts';
import type { IdempotencyStore } from './idempotency-records.ts';
import type { Monotonic } from './status-confirmation.ts';

export interface KeyLimit {
  /**
   * Before a key is taken that is not on record.
   * @throws ServiceError `idempotency-keys-used-up` when the principal has as many as it may have
   */
  take(principal: string): Promise<void>;
  /** One that was taken is not on record any more. */
  giveBack(principal: string): void;
}

const COUNTED_FOR_MILLISECONDS = 10_000;
/** Principals whose counts are remembered; forgetting them costs a count each. */
const PRINCIPALS = 10_000;

interface Counted {
  readonly since: number;
  readonly onRecord: Promise<number>;
  /** Taken since then, less what was given back. */
  taken: number;
}

/** @param limit keys of one principal; 0 for any number */
export function createKeyLimit(
  store: Pick<IdempotencyStore, 'countKeys'>,
  limit: number,
  monotonic: Monotonic,
): KeyLimit {
  if (limit === 0) return { take: async () => undefined, giveBack: () => undefined };
  const counts = new Map<string, Counted>();

  const count = (principal: string): Counted => {
    const now = monotonic();
    const known = counts.get(principal);
    if (known && now - known.since < COUNTED_FOR_MILLISECONDS) return known;
    if (counts.size >= PRINCIPALS) counts.clear();
    const onRecord = store.countKeys(principal, limit);
    const counted: Counted = { since: now, onRecord, taken: 0 };
    counts.set(principal, counted);
    // Those who wait for it hear of the failure; those who come later have it tried again.
    onRecord.catch(() => counts.get(principal) === counted && counts.delete(principal));
    return counted;
  };

  return {
    async take(principal) {
      const counted = count(principal);
      // Nothing comes between looking and taking: of those who wait for one count each sees the
      // ones before.
      if ((await counted.onRecord) + counted.taken >= limit) {
        throw new ServiceError(
          'idempotency-keys-used-up',
          `${limit} keys of yours are on record, and no more are kept`,
        );
      }
      counted.taken += 1;
    },
    giveBack(principal) {
      const counted = counts.get(principal);
      if (counted) counted.taken -= 1;
    },
  };
}
