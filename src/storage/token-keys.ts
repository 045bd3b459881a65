/** The keys that access tokens are signed with, in the database. */

import type { TokenKey, TokenKeyStore } from '../services/token-key-records.ts';
import type { Database } from './database.ts';
import type { TokenKeyRow } from './rows/access.ts';
import { blob, bytesOf, timeOf, timeText } from './values.ts';

export function tokenKeyStore(database: Database): TokenKeyStore {
  return {
    listTokenKeys: async () =>
      (await database.reader<TokenKeyRow>('token_keys').orderBy('generation', 'desc')).map(keyOf),

    createTokenKey: ({ key, audit }) =>
      database.write(async (tx) => {
        const added = await tx
          .knex<TokenKeyRow>('token_keys')
          .insert({
            generation: key.generation,
            key_id: key.keyId,
            spki: blob(key.spki),
            envelope: blob(key.envelope),
            created_at: timeText(key.createdAt),
            signs_from: timeText(key.signsFrom),
          })
          .onConflict('generation')
          .ignore()
          .returning('generation');
        if (added.length !== 1) return 'exists';
        tx.appendAudit(audit);
        return 'created';
      }),

    removeTokenKey: ({ keyId, audit }) =>
      database.write(async (tx) => {
        const removed = await tx.knex<TokenKeyRow>('token_keys').where({ key_id: keyId }).delete();
        if (removed !== 1) return 'missing';
        tx.appendAudit(audit);
        return 'removed';
      }),
  };
}

const keyOf = (row: TokenKeyRow): TokenKey => ({
  generation: Number(row.generation),
  keyId: row.key_id,
  spki: bytesOf(row.spki),
  envelope: bytesOf(row.envelope),
  createdAt: timeOf(row.created_at),
  signsFrom: timeOf(row.signs_from),
});
