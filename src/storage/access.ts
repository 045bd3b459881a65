/** API clients, tokens and the first-start secret in the database. */

import type { AccessStore, ApiClient } from '../services/access-records.ts';
import type { Database } from './database.ts';
import type { AccessTokenRow, ApiClientRow, BootstrapRow } from './rows.ts';
import { timeOf, timeText } from './values.ts';

export function accessStore(database: Database): AccessStore {
  const { reader } = database;
  return {
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

    createClient: ({ client, audit }) =>
      database.write(async (tx) => {
        await tx.knex<ApiClientRow>('api_clients').insert(clientRow(client));
        tx.appendAudit(audit);
      }),

    findClient: async (id) => {
      const row = await reader<ApiClientRow>('api_clients').where({ id }).first();
      return row && clientOf(row);
    },

    createToken: (token) =>
      database.write(async ({ knex }) => {
        await knex<AccessTokenRow>('access_tokens').insert({
          token_sha256: token.tokenSha256,
          client_id: token.clientId,
          expires_at: timeText(token.expiresAt),
        });
      }),

    findToken: async (tokenSha256) => {
      const row = await reader<AccessTokenRow>('access_tokens')
        .where({ token_sha256: tokenSha256 })
        .first();
      return (
        row && {
          tokenSha256: row.token_sha256,
          clientId: row.client_id,
          expiresAt: timeOf(row.expires_at),
        }
      );
    },

    deleteExpiredTokens: (now) =>
      database.write(({ knex }) =>
        knex<AccessTokenRow>('access_tokens').where('expires_at', '<', timeText(now)).delete(),
      ),
  };
}

const clientRow = (client: ApiClient): ApiClientRow => ({
  id: client.id,
  organization_id: client.organizationId,
  name: client.name,
  roles: JSON.stringify(client.roles),
  secret_sha256: client.secretSha256,
  created_at: timeText(client.createdAt),
});

const clientOf = (row: ApiClientRow): ApiClient => ({
  id: row.id,
  organizationId: row.organization_id,
  name: row.name,
  roles: JSON.parse(row.roles) as string[],
  secretSha256: row.secret_sha256,
  createdAt: timeOf(row.created_at),
});
