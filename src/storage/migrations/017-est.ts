/** What EST asks: secrets of those who have no credentials yet, and stations by their EVSEs. */

import type { Knex } from 'knex';
import { parseEvseId } from '../../identifiers/evse-id.ts';
import type { Migration } from './migration.ts';

export const est: Migration = {
  version: 17,
  name: 'est',
  statements: ({ text, table }) => [
    // certificate_id is what a secret was used for: while that is pending nobody else may use it,
    // and once it is abandoned everybody may again.
    `CREATE TABLE enrolment_secrets (
      id ${text} PRIMARY KEY,
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      label ${text} NOT NULL,
      common_name ${text} NOT NULL,
      secret_sha256 ${text} NOT NULL UNIQUE,
      created_by ${text} NOT NULL,
      created_at ${text} NOT NULL,
      expires_at ${text} NOT NULL,
      withdrawn_at ${text},
      certificate_id ${text} REFERENCES certificates (id)
    ) ${table}`,
    `CREATE INDEX enrolment_secrets_listing ON enrolment_secrets (created_at, id)`,
    `CREATE INDEX enrolment_secrets_certificate ON enrolment_secrets (certificate_id)`,

    // In the form to compare: upper case without asterisks.
    `CREATE TABLE station_evses (
      organization_id ${text} NOT NULL,
      evse_id ${text} NOT NULL,
      station_id ${text} NOT NULL,
      PRIMARY KEY (organization_id, evse_id, station_id),
      FOREIGN KEY (organization_id, station_id) REFERENCES stations (organization_id, id)
    ) ${table}`,
    `CREATE INDEX station_evses_station ON station_evses (organization_id, station_id)`,
  ],
  fill,
};

const ROWS_PER_INSERT = 100;

async function fill(tx: Knex): Promise<void> {
  type Listed = { organization_id: string; id: string; evse_ids: string };
  let after: [string, string] = ['', ''];
  for (;;) {
    const stations: Listed[] = await tx('stations')
      .whereRaw('(organization_id, id) > (?, ?)', after)
      .orderBy('organization_id')
      .orderBy('id')
      .limit(ROWS_PER_INSERT)
      .select('organization_id', 'id', 'evse_ids');
    const last = stations.at(-1);
    if (last === undefined) return;
    for (const { organization_id, id, evse_ids } of stations) {
      const names = (JSON.parse(evse_ids) as string[]).flatMap((name) => {
        const evse = parseEvseId(name);
        return evse.ok ? [evse.value.normal] : [];
      });
      const rows = [...new Set(names)].map((evse_id) => ({
        organization_id,
        evse_id,
        station_id: id,
      }));
      if (rows.length > 0) await tx('station_evses').insert(rows);
    }
    after = [last.organization_id, last.id];
  }
}
