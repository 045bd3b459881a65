/** Organizations in the database. */

import type {
  Organization,
  OrganizationRole,
  OrganizationStore,
} from '../services/organizations.ts';
import type { Database } from './database.ts';
import type { OrganizationRow } from './rows.ts';
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
    putOrganization: (organization, at) =>
      database.write(async ({ knex }) => {
        await knex<OrganizationRow>('organizations')
          .insert({
            id: organization.id,
            name: organization.name,
            country: organization.country ?? null,
            roles: JSON.stringify(organization.roles),
            stations_on_first_sight: organization.stationsOnFirstSight ?? false,
            created_at: timeText(at),
            updated_at: timeText(at),
          })
          .onConflict('id')
          .merge(['name', 'country', 'roles', 'stations_on_first_sight', 'updated_at']);
      }),

    findOrganization: async (id) => {
      const row = await findOrganization(id);
      return row && organizationOf(row);
    },

    listOrganizations: async () =>
      (await reader<OrganizationRow>('organizations').orderBy('id')).map(organizationOf),
  };
}

const organizationOf = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  ...optional('country', row.country),
  roles: JSON.parse(row.roles) as OrganizationRole[],
  ...(row.stations_on_first_sight ? { stationsOnFirstSight: true } : {}),
});
