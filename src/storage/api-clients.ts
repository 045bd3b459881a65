/** API clients in the database: making, listing, rotating and ending them. */

import type { ApiClient, ApiClientStore } from '../services/access-records.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database, WriteTransaction } from './database.ts';
import type { ApiClientRow } from './rows/access.ts';
import { optional, timeOf, timeText } from './values.ts';

export function apiClientStore(database: Database): ApiClientStore {
  const { reader } = database;
  return {
    createClient: ({ client, audit }) =>
      database.write(async (tx) => {
        await tx.knex<ApiClientRow>('api_clients').insert(clientRow(client));
        tx.appendAudit(audit);
      }),

    findClient: async (id) => {
      const row = await reader<ApiClientRow>('api_clients').where({ id }).first();
      return row && clientOf(row);
    },

    listClients: async ({ organizationId }, wanted) => {
      const query = reader<ApiClientRow>('api_clients');
      if (organizationId !== undefined) query.where({ organization_id: organizationId });
      const page = await pageOf<ApiClientRow>(query, wanted, byTime('created_at'));
      return { ...page, items: page.items.map(clientOf) };
    },

    rotateSecret: ({ clientId, from, secretSha256, oldUntil, audit }) =>
      database.write(async (tx) => {
        const rotated = await tx
          .knex<ApiClientRow>('api_clients')
          .where({ id: clientId, secret_sha256: from, disabled_at: null })
          .update({
            secret_sha256: secretSha256,
            old_secret_sha256: from,
            old_secret_until: timeText(oldUntil),
          });
        if (rotated !== 1) return 'changed';
        tx.appendAudit(audit);
        return 'rotated';
      }),

    disableClient: ({ clientId, keepOneOf, audit }) =>
      database.write(async (tx) => {
        const lasting = await lockLasting(tx, keepOneOf);
        const client = await tx
          .knex<ApiClientRow>('api_clients')
          .where({ id: clientId, disabled_at: null })
          .forUpdate()
          .first('roles');
        if (client === undefined) return 'unchanged';
        const isOne = rolesOf(client).some((role) => keepOneOf.includes(role));
        if (isOne && lasting.every((id) => id === clientId)) return 'last';
        await tx
          .knex<ApiClientRow>('api_clients')
          .where({ id: clientId })
          .update({ disabled_at: timeText(audit.at) });
        tx.appendAudit(audit);
        return 'disabled';
      }),
  };
}

/**
 * The enabled clients without end that have one of the roles. They stay locked, so that of two
 * that end each other at once the second sees what the first has done.
 */
async function lockLasting(tx: WriteTransaction, roles: readonly string[]): Promise<string[]> {
  const rows = await tx
    .knex<ApiClientRow>('api_clients')
    .whereNull('disabled_at')
    .whereNull('expires_at')
    .where((any) => {
      // Narrows what is read and locked; the names of roles have no wildcards in them.
      for (const role of roles) any.orWhere('roles', 'like', `%"${role}"%`);
    })
    .orderBy('id')
    .forUpdate()
    .select('id', 'roles');
  return rows
    .filter((row) => rolesOf(row).some((role) => roles.includes(role)))
    .map(({ id }) => id);
}

const rolesOf = ({ roles }: Pick<ApiClientRow, 'roles'>): string[] => JSON.parse(roles) as string[];

export const clientRow = (client: ApiClient): ApiClientRow => ({
  id: client.id,
  organization_id: client.organizationId,
  name: client.name,
  roles: JSON.stringify(client.roles),
  secret_sha256: client.secretSha256,
  created_at: timeText(client.createdAt),
  created_by: client.createdBy ?? null,
  old_secret_sha256: client.oldSecret?.sha256 ?? null,
  old_secret_until: client.oldSecret ? timeText(client.oldSecret.until) : null,
  expires_at: client.expiresAt ? timeText(client.expiresAt) : null,
  disabled_at: client.disabledAt ? timeText(client.disabledAt) : null,
  last_used_at: client.lastUsedAt ? timeText(client.lastUsedAt) : null,
});

export const clientOf = (row: ApiClientRow): ApiClient => ({
  id: row.id,
  organizationId: row.organization_id,
  name: row.name,
  roles: rolesOf(row),
  secretSha256: row.secret_sha256,
  createdAt: timeOf(row.created_at),
  ...optional('createdBy', row.created_by),
  ...(row.old_secret_sha256 === null || row.old_secret_until === null
    ? {}
    : { oldSecret: { sha256: row.old_secret_sha256, until: timeOf(row.old_secret_until) } }),
  ...optional('expiresAt', row.expires_at === null ? null : timeOf(row.expires_at)),
  ...optional('disabledAt', row.disabled_at === null ? null : timeOf(row.disabled_at)),
  ...optional('lastUsedAt', row.last_used_at === null ? null : timeOf(row.last_used_at)),
});
