/** Organizations in the database. */

import type {
  Organization,
  OrganizationRole,
  OrganizationStore,
} from '../services/organizations.ts';
import type { Database } from './database.ts';
import type { OrganizationRow } from './rows.ts';
import { optional, timeText } from './values.ts';

export function organizationStore(database: Database): OrganizationStore {
  const { reader } = database;
  return {
    putOrganization: (organization, at) =>
      database.write(async (tx) => {
        const { knex } = tx;
        const existing = await knex<OrganizationRow>('organizations')
          .where({ id: organization.id })
          .forUpdate()
          .first();
        const present = existing && factsOf(organizationOf(existing));
        const wanted = factsOf(organization);
        // Declarations are applied at every start, and mostly say what was so before.
        if (JSON.stringify(present) === JSON.stringify(wanted)) return;
        tx.appendAudit({
          at,
          organizationId: organization.id,
          actor: 'evpki',
          action: present ? 'organization.changed' : 'organization.created',
          subject: organization.id,
          details: wanted,
        });
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
      const row = await reader<OrganizationRow>('organizations').where({ id }).first();
      return row && organizationOf(row);
    },

    listOrganizations: async () =>
      (await reader<OrganizationRow>('organizations').orderBy('id')).map(organizationOf),
  };
}

const factsOf = ({ name, country, roles, stationsOnFirstSight }: Organization) => ({
  name,
  country: country ?? null,
  roles,
  stationsOnFirstSight: stationsOnFirstSight ?? false,
});

const organizationOf = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  ...optional('country', row.country),
  roles: JSON.parse(row.roles) as OrganizationRole[],
  ...(row.stations_on_first_sight ? { stationsOnFirstSight: true } : {}),
});
