/** Tokens and the first-start secret in the database. */

import type { AccessStore } from '../services/access-records.ts';
import { clientOf, clientRow } from './api-clients.ts';
import { certificateLoginStore } from './client-certificates.ts';
import type { Database } from './database.ts';
import type { AccessTokenRow, ApiClientRow, BootstrapRow } from './rows.ts';
import { timeOf, timeText } from './values.ts';

/** Clients that get a token again and again cost one write of it a minute. */
const LAST_USED_MILLISECONDS = 60_000;

type TokenWithClient = ApiClientRow & { readonly token_expires_at: string };

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

    createToken: ({ token, secretSha256, now }) =>
      database.write(async ({ knex }) => {
        const client = await knex<ApiClientRow>('api_clients')
          .where({ id: token.clientId, disabled_at: null })
          .where((either) =>
            either
              .where({ secret_sha256: secretSha256 })
              .orWhere((old) =>
                old
                  .where({ old_secret_sha256: secretSha256 })
                  .where('old_secret_until', '>=', timeText(token.expiresAt)),
              ),
          )
          .forUpdate()
          .first('last_used_at');
        if (client === undefined) return 'client-changed';
        await knex<AccessTokenRow>('access_tokens').insert({
          token_sha256: token.tokenSha256,
          client_id: token.clientId,
          expires_at: timeText(token.expiresAt),
        });
        const recently = timeText(new Date(now.getTime() - LAST_USED_MILLISECONDS));
        if (client.last_used_at === null || client.last_used_at <= recently) {
          await knex<ApiClientRow>('api_clients')
            .where({ id: token.clientId })
            .update({ last_used_at: timeText(now) });
        }
        return 'created';
      }),

    findToken: async (tokenSha256) => {
      const row: TokenWithClient | undefined = await reader('access_tokens as t')
        .join('api_clients as c', 'c.id', 't.client_id')
        .where('t.token_sha256', tokenSha256)
        .first('c.*', 't.expires_at as token_expires_at');
      if (row === undefined) return undefined;
      const client = clientOf(row);
      const expiresAt = timeOf(row.token_expires_at);
      return { token: { tokenSha256, clientId: client.id, expiresAt }, client };
    },

    deleteExpiredTokens: (now) =>
      database.write(({ knex }) =>
        knex<AccessTokenRow>('access_tokens').where('expires_at', '<', timeText(now)).delete(),
      ),
  };
}
