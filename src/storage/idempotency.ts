/** Idempotency-Keys and the answers kept for them. */

import type { IdempotencyStore, KeyScope } from '../services/idempotency-records.ts';
import type { Database } from './database.ts';
import type { IdempotencyKeyRow } from './rows/upkeep.ts';
import type { StoredInteger } from './rows.ts';
import { optional, timeOf, timeText } from './values.ts';

export function idempotencyStore(database: Database): IdempotencyStore {
  return {
    findKey: async (scope, now) => {
      const row = await database
        .reader<IdempotencyKeyRow>('idempotency_keys')
        .where(keyOf(scope))
        .where('expires_at', '>', timeText(now))
        .first();
      return (
        row && {
          requestSha256: row.request_sha256,
          ...(row.lease_until === null ? {} : { leaseUntil: timeOf(row.lease_until) }),
          ...(row.status === null ? {} : { answer: answerOf(row, row.status) }),
        }
      );
    },

    takeKey: ({ scope, requestSha256, lease, now, expiresAt }) =>
      database.write(async ({ knex }) => {
        const row: IdempotencyKeyRow = {
          ...keyOf(scope),
          request_sha256: requestSha256,
          lease_owner: lease.owner,
          lease_until: timeText(lease.until),
          expires_at: timeText(expiresAt),
          status: null,
          location: null,
          content_type: null,
          body: null,
          without_body: 0,
        };
        // One statement: of those who come at once the first inserts, and the others find a row
        // that they may not change. It tells by what it returns.
        const taken = await knex<IdempotencyKeyRow>('idempotency_keys')
          .insert(row)
          .onConflict(['principal', 'operation', 'key_sha256'])
          .merge()
          .whereRaw(
            `idempotency_keys.expires_at <= ? OR (idempotency_keys.status IS NULL
              AND idempotency_keys.lease_until <= ? AND idempotency_keys.request_sha256 = ?)`,
            [timeText(now), timeText(now), requestSha256],
          )
          .returning('lease_owner');
        return taken.length === 1 ? 'taken' : 'not-free';
      }),

    keepAnswer: (scope, leaseOwner, answer) =>
      database.write(async ({ knex }) => {
        const kept = await knex<IdempotencyKeyRow>('idempotency_keys')
          .where({ ...keyOf(scope), lease_owner: leaseOwner })
          .update({
            lease_owner: null,
            lease_until: null,
            status: answer.status,
            location: answer.location ?? null,
            content_type: answer.contentType ?? null,
            body: answer.body ?? null,
            without_body: answer.withoutBody ? 1 : 0,
          });
        return kept === 1 ? 'kept' : 'lease-lost';
      }),

    releaseKey: (scope, leaseOwner) =>
      database.write(async ({ knex }) => {
        await knex<IdempotencyKeyRow>('idempotency_keys')
          .where({ ...keyOf(scope), lease_owner: leaseOwner })
          .delete();
      }),

    // The primary key begins with the principal: its index is all that is read.
    countKeys: async (principal, upTo) => {
      const some = database
        .reader<IdempotencyKeyRow>('idempotency_keys')
        .where({ principal })
        .limit(upTo)
        .select('principal')
        .as('some');
      const [row] = await database.reader(some).count<{ count: StoredInteger }[]>({ count: '*' });
      return Number(row?.count ?? 0);
    },

    deleteExpiredKeys: (now) =>
      database.write(({ knex }) =>
        knex<IdempotencyKeyRow>('idempotency_keys')
          .where('expires_at', '<=', timeText(now))
          .delete(),
      ),
  };
}

const keyOf = ({ principal, operation, keySha256 }: KeyScope) => ({
  principal,
  operation,
  key_sha256: keySha256,
});

const answerOf = (row: IdempotencyKeyRow, status: NonNullable<IdempotencyKeyRow['status']>) => ({
  status: Number(status),
  ...optional('location', row.location),
  ...optional('contentType', row.content_type),
  ...optional('body', row.body),
  ...(Number(row.without_body) === 1 ? { withoutBody: true as const } : {}),
});
