/** Charging stations in the database. */

import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { parseEvseId } from '../identifiers/evse-id.ts';
import type { ChainPolicy } from '../ocpp/certificate-signed.ts';
import type { OmittedType } from '../ocpp/certificate-types.ts';
import { InvalidCursor } from '../services/pages.ts';
import type { SecurityProfile, Station, StationStore } from '../services/station-records.ts';
import { lockNames } from './claims.ts';
import { pageOf, type SortKey } from './cursor.ts';
import type { Database, WriteTransaction } from './database.ts';
import { hasName, isNameOfOther, stationsNamed } from './name-search.ts';
import type { StationEvseRow, StationRow } from './rows.ts';
import { optional, timeOf, timeText } from './values.ts';

export function stationStore(database: Database): StationStore {
  const { reader } = database;
  return {
    registerStation: ({ station, seen, audit }) =>
      database.write(async (tx) => {
        const row = stationRow(station);
        if (seen && !(await isStillNamed(tx, row.organization_id, seen))) return 'exists';
        const existing = await stationIn(tx, row);
        if (existing !== undefined) return 'exists';
        if (await nameIsTaken(tx, row)) return 'name-taken';
        const inserted = await tx
          .knex<StationRow>('stations')
          .insert(row)
          // Whoever was faster: by its identity, or else by one of its names.
          .onConflict()
          .ignore()
          .returning('id');
        if (inserted.length === 0) {
          return (await stationIn(tx, row)) === undefined ? 'name-taken' : 'exists';
        }
        await insertEvses(tx, station);
        tx.appendAudit(audit);
        return 'registered';
      }),

    changeStation: ({ station, enrolment, from, audit }) =>
      database.write(async (tx) => {
        const row = stationRow(station);
        const present = await stationIn(tx, row);
        if (present === undefined) return 'missing';
        if (from && !isDeepStrictEqual(registered(stationOf(present)), registered(from))) {
          return 'stale';
        }
        if (await nameIsTaken(tx, row)) return 'name-taken';
        const { organization_id, id, created_at: _, last_seen_at: __, ...details } = row;
        const { enrolment: ___, ...others } = details;
        const changes = enrolment === undefined ? others : { ...others, enrolment };
        await tx.knex<StationRow>('stations').where({ organization_id, id }).update(changes);
        await tx
          .knex<StationEvseRow>('station_evses')
          .where({ organization_id, station_id: id })
          .delete();
        await insertEvses(tx, station);
        tx.appendAudit(audit);
        return 'changed';
      }),

    recordSeen: (organizationId, id, at) =>
      database.write(async ({ knex }) => {
        await knex<StationRow>('stations')
          .where({ organization_id: organizationId, id })
          .update({ last_seen_at: timeText(at) });
      }),

    findStation: async (organizationId, id) => {
      const row = await reader<StationRow>('stations')
        .where({ organization_id: organizationId, id })
        .first();
      return row && stationOf(row);
    },

    findStationNamed: async (organizationId, name) => {
      const id = await oneNamed(reader, organizationId, name);
      if (id === undefined) return undefined;
      const row = await reader<StationRow>('stations')
        .where({ organization_id: organizationId, id })
        .first();
      return row && stationOf(row);
    },

    listStations: async ({ organizationId }, wanted) => {
      const query = reader<StationRow>('stations');
      if (organizationId !== undefined) query.where({ organization_id: organizationId });
      const page = await pageOf<StationRow>(query, wanted, byRegistration);
      return { ...page, items: page.items.map(stationOf) };
    },

    isNameOfOther: (question) => isNameOfOther(reader, question),
  };
}

const stationIn = (tx: WriteTransaction, { organization_id, id }: StationRow) =>
  tx.knex<StationRow>('stations').where({ organization_id, id }).forUpdate().first();

/** What is registered, without when it was and when the station was seen. */
const registered = ({ createdAt: _, lastSeenAt: __, ...rest }: Station) => rest;

async function oneNamed(
  knex: Knex,
  organizationId: string,
  name: string,
): Promise<string | undefined> {
  const [id, another] = await stationsNamed(knex, organizationId, name);
  return another === undefined ? id : undefined;
}

async function isStillNamed(
  tx: WriteTransaction,
  organizationId: string,
  { name, id }: { readonly name: string; readonly id: string | undefined },
): Promise<boolean> {
  const evse = parseEvseId(name);
  await lockNames(tx, organizationId, [evse.ok ? evse.value.normal : name]);
  return (await oneNamed(tx.knex, organizationId, name)) === id;
}

async function insertEvses(tx: WriteTransaction, station: Station): Promise<void> {
  const { organizationId: organization_id, id: station_id } = station;
  const names = station.evseIds.flatMap((text) => {
    const evse = parseEvseId(text);
    return evse.ok ? [evse.value.normal] : [];
  });
  const rows = [...new Set(names)].map((evse_id) => ({ organization_id, evse_id, station_id }));
  if (rows.length > 0) await tx.knex<StationEvseRow>('station_evses').insert(rows);
}

const nameIsTaken = (tx: WriteTransaction, row: StationRow): Promise<boolean> =>
  hasName(tx.knex, {
    organizationId: row.organization_id,
    stationId: row.id,
    names: [row.id, row.serial_number, row.secc_id].filter((name) => name !== null),
  });

/** Identities have no slash, and neither have ids of organizations. */
const byRegistration: SortKey<StationRow> = {
  columns: ['created_at', 'organization_id', 'id'],
  positionOf: (row) => ({ createdAt: row.created_at, id: `${row.organization_id}/${row.id}` }),
  valuesAt: ({ createdAt, id }) => {
    const [organizationId, stationId, ...more] = id.split('/');
    if (organizationId === undefined || stationId === undefined || more.length > 0) {
      throw new InvalidCursor();
    }
    return [createdAt, organizationId, stationId];
  },
};

const stationRow = (station: Station): StationRow => ({
  organization_id: station.organizationId,
  id: station.id,
  serial_number: station.serialNumber ?? null,
  secc_id: station.seccId ?? null,
  evse_ids: JSON.stringify(station.evseIds),
  certificate_type: station.certificateType ?? null,
  security_profile: station.securityProfile ?? null,
  chain_includes_root: station.chain?.includeRoot ?? null,
  chain_maximum_size: station.chain?.maximumSize ?? null,
  enrolment: station.enrolment ?? 'allowed',
  created_at: timeText(station.createdAt),
  last_seen_at: station.lastSeenAt === undefined ? null : timeText(station.lastSeenAt),
});

const stationOf = (row: StationRow): Station => ({
  id: row.id,
  organizationId: row.organization_id,
  ...optional('serialNumber', row.serial_number),
  ...optional('seccId', row.secc_id),
  evseIds: JSON.parse(row.evse_ids) as string[],
  ...optional('certificateType', row.certificate_type as OmittedType | null),
  ...optional(
    'securityProfile',
    row.security_profile === null ? null : (Number(row.security_profile) as SecurityProfile),
  ),
  ...optional('chain', chainOf(row)),
  ...(row.enrolment === 'refused' ? { enrolment: row.enrolment } : {}),
  createdAt: timeOf(row.created_at),
  ...optional('lastSeenAt', row.last_seen_at === null ? null : timeOf(row.last_seen_at)),
});

function chainOf(row: StationRow): ChainPolicy | undefined {
  const { chain_includes_root: includes, chain_maximum_size: size } = row;
  if (includes === null && size === null) return undefined;
  return {
    ...optional('includeRoot', includes === null ? null : Boolean(includes)),
    ...optional('maximumSize', size === null ? null : Number(size)),
  };
}
