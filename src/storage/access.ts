/** Clients as they prove who they are, and the first-start secret, in the database. */

import type { AccessStore } from '../services/access-records.ts';
import { clientOf, clientRow } from './api-clients.ts';
import { certificateLoginStore } from './client-certificates.ts';
import type { Database } from './database.ts';
import type { ApiClientRow, BootstrapRow } from './rows/access.ts';
import { timeOf, timeText } from './values.ts';

export function accessStore(database: Database): AccessStore {
  const { reader } = database;
  return {
    ...certificateLoginStore(database),

    putBootstrap: (secretSha256, expiresAt, audit) =>
      database.write(async (tx) => {
        const stored = await tx
          .knex<BootstrapRow>('bootstrap')
          .insert({
            id: 1,
            secret_sha256: secretSha256,
            expires_at: timeText(expiresAt),
            used_at: null,
          })
          .onConflict('id')
          .merge(['secret_sha256', 'expires_at'])
          .whereNull('bootstrap.used_at')
          .returning('id');
        if (stored.length !== 1) return 'used';
        tx.appendAudit(audit);
        return 'stored';
      }),

    findBootstrap: async () => {
      const row = await reader<BootstrapRow>('bootstrap').where({ id: 1 }).first();
      if (row === undefined) return undefined;
      if (row.used_at !== null) return 'used';
      return { secretSha256: row.secret_sha256, expiresAt: timeOf(row.expires_at) };
    },

    createFirstClient: ({ client, audit }) =>
      database.write(async (tx) => {
        const used = await tx
          .knex<BootstrapRow>('bootstrap')
          .where({ id: 1, used_at: null })
          .update({ used_at: timeText(audit.at) });
        if (used !== 1) return 'used';
        await tx.knex<ApiClientRow>('api_clients').insert(clientRow(client));
        tx.appendAudit(audit);
        return 'created';
      }),

    findClient: async (id) => {
      const row = await reader<ApiClientRow>('api_clients').where({ id }).first();
      return row && clientOf(row);
    },
  };
}
