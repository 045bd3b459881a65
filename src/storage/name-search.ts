/** Whose names are taken: among registered stations, and among certificates in force. */

import type { Knex } from 'knex';
import { parseEvseId } from '../identifiers/evse-id.ts';
import { folded } from '../pki/names.ts';
import type { NameQuestion } from '../services/certificate-records.ts';
import type { CertificateRow, StationEvseRow, StationRow } from './rows.ts';
import { timeText } from './values.ts';

/** See `StationStore.isNameOfOther`. */
export async function isNameOfOther(
  knex: Knex,
  { organizationId, stationId, names, now }: NameQuestion & { readonly now: Date },
): Promise<boolean> {
  if (await hasName(knex, { organizationId, stationId, names })) return true;
  const certificate = await knex<CertificateRow>('certificates')
    .where({ organization_id: organizationId })
    .whereIn('common_name', names.map(folded))
    .whereIn('state', ['pending', 'issued', 'held'])
    // A certificate that came without a station is somebody else's, too.
    .where((other) => other.whereNull('station_id').orWhereNot({ station_id: stationId }))
    .where('not_after', '>=', timeText(now))
    .first('id');
  return certificate !== undefined;
}

/** The columns of a station that name it and nothing else. */
const nameColumns = ['id', 'serial_number', 'secc_id'] as const;

/** Whether a name is that of a station of the organization other than this one. */
export async function hasName(
  knex: Knex,
  { organizationId, stationId, names }: NameQuestion,
): Promise<boolean> {
  // For an OR, SQLite goes through all the stations of the organization; and so it does for the id
  // alone when the primary key has all that is wanted, which is why it is another column.
  const columns = nameColumns.map((column) =>
    knex<StationRow>('stations')
      .where({ organization_id: organizationId })
      .whereNot({ id: stationId })
      .where((one) => inAnyCase(one, column, names))
      .select('created_at'),
  );
  const rows: unknown[] = await knex.unionAll(columns).limit(1);
  return rows.length > 0;
}

/**
 * The stations of an organization that are called so, in any case; or, if none is, those with an
 * EVSE of this id. At most two: whoever asks wants one.
 */
export async function stationsNamed(
  knex: Knex,
  organizationId: string,
  name: string,
): Promise<string[]> {
  const called = nameColumns.map((column) =>
    knex<StationRow>('stations')
      .where({ organization_id: organizationId })
      .where((one) => inAnyCase(one, column, [name]))
      .select('id'),
  );
  const rows: { id: string }[] = await knex.unionAll(called).limit(4);
  if (rows.length > 0) return [...new Set(rows.map(({ id }) => id))];
  const evse = parseEvseId(name);
  if (!evse.ok) return [];
  return knex<StationEvseRow>('station_evses')
    .where({ organization_id: organizationId, evse_id: evse.value.normal })
    .limit(2)
    .pluck('station_id');
}

/**
 * Text with its ASCII letters in lower case, which is as far as lower() goes on both databases (in
 * PostgreSQL by collation "C"), and as far as the registered names of stations have letters.
 */
const lowerCase = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Whether a column has one of the values but for the case of its ASCII letters. */
function inAnyCase(query: Knex.QueryBuilder, column: string, values: readonly string[]): void {
  // As many places as there are values: nothing else is put into the text.
  const condition = `lower(??) IN (${values.map(() => '?').join(', ')})`;
  if (values.length === 0) query.whereRaw('1 = 0');
  else query.whereRaw(condition, [column, ...values.map(lowerCase)]);
}
