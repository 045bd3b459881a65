/** Organizations in the database. */

import type {
  Organization,
  OrganizationChange,
  OrganizationRole,
  OrganizationStore,
} from '../services/organizations.ts';
import type { Database, WriteTransaction } from './database.ts';
import type { AuthorityRow, IssuerRow, OrganizationRow } from './rows.ts';
import { sharedRead } from './shared-reads.ts';
import { optional, timeText } from './values.ts';

export function organizationStore(database: Database): OrganizationStore {
  const { reader } = database;
  const findOrganization = sharedRead(async (ids) => {
    const rows: OrganizationRow[] = await reader('organizations').whereIn('id', ids);
    const found = new Map(rows.map((row) => [row.id, row]));
    return (id) => found.get(id);
  });
  return {
    createOrganization: ({ organization, audit }) =>
      database.write(async (tx) => {
        const inserted = await tx
          .knex<OrganizationRow>('organizations')
          .insert({
            id: organization.id,
            name: organization.name,
            country: organization.country ?? null,
            roles: JSON.stringify(organization.roles),
            stations_on_first_sight: organization.stationsOnFirstSight ?? false,
            wmis: JSON.stringify(organization.wmis ?? []),
            providers: JSON.stringify(organization.providers ?? []),
            operators: JSON.stringify(organization.operators ?? []),
            created_at: timeText(audit.at),
            updated_at: timeText(audit.at),
          })
          .onConflict('id')
          .ignore()
          .returning('id');
        if (inserted.length === 0) return 'exists';
        tx.appendAudit(audit);
        return 'created';
      }),

    changeOrganization: ({ id, change, audit }) =>
      database.write(async (tx) => {
        const rows = () => tx.knex<OrganizationRow>('organizations').where({ id });
        const row = await rows().forUpdate().first();
        if (row === undefined) return 'missing';
        const { name = row.name, country = row.country } = change;
        const isRenamed = row.name !== name || row.country !== country;
        if (isRenamed && (await hasAwaitingIssuer(tx, id))) return 'authority-awaiting';
        const changed = { ...changedColumns(change), updated_at: timeText(audit.at) };
        await rows().update(changed);
        tx.appendAudit(audit);
        return organizationOf({ ...row, ...changed });
      }),

    findOrganization: async (id) => {
      const row = await findOrganization(id);
      return row && organizationOf(row);
    },

    listOrganizations: async () =>
      (await reader<OrganizationRow>('organizations').orderBy('id')).map(organizationOf),

    isOperatorTaken: async (operator) => {
      const lists: string[] = await reader<OrganizationRow>('organizations')
        .whereLike('operators', `%${JSON.stringify(operator)}%`)
        .pluck('operators');
      // What is looked for by its likeness is no more than like it.
      return lists.some((list) => (JSON.parse(list) as string[]).includes(operator));
    },
  };
}

async function hasAwaitingIssuer(tx: WriteTransaction, organizationId: string): Promise<boolean> {
  const row: unknown = await tx
    .knex<IssuerRow>('issuers')
    .whereIn(
      'authority_id',
      tx.knex<AuthorityRow>('authorities').where({ organization_id: organizationId }).select('id'),
    )
    .where({ state: 'awaiting-certificate' })
    .first('id');
  return row !== undefined;
}

/** The columns of the details that are given, and of no others. */
const changedColumns = ({
  name,
  country,
  roles,
  stationsOnFirstSight,
  wmis,
  providers,
  operators,
}: OrganizationChange) => ({
  ...(name === undefined ? {} : { name }),
  ...(country === undefined ? {} : { country }),
  ...(roles === undefined ? {} : { roles: JSON.stringify(roles) }),
  ...(stationsOnFirstSight === undefined ? {} : { stations_on_first_sight: stationsOnFirstSight }),
  ...(wmis === undefined ? {} : { wmis: JSON.stringify(wmis) }),
  ...(providers === undefined ? {} : { providers: JSON.stringify(providers) }),
  ...(operators === undefined ? {} : { operators: JSON.stringify(operators) }),
});

const organizationOf = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  ...optional('country', row.country),
  roles: JSON.parse(row.roles) as OrganizationRole[],
  ...(row.stations_on_first_sight ? { stationsOnFirstSight: true } : {}),
  ...listOf('wmis', row.wmis),
  ...listOf('providers', row.providers),
  ...listOf('operators', row.operators),
});

/** Organizations without any have no list. */
function listOf<K extends 'wmis' | 'providers' | 'operators'>(key: K, stored: string) {
  const list = JSON.parse(stored) as string[];
  return (list.length > 0 ? { [key]: list } : {}) as { [P in K]?: string[] };
}
