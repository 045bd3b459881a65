/** Whose names are taken: among registered stations, and among certificates in force. */

import type { Knex } from 'knex';
import type { NameQuestion } from '../services/certificate-records.ts';
import type { CertificateRow, StationRow } from './rows.ts';
import { timeText } from './values.ts';

/** See `StationStore.isNameOfOther`. */
export async function isNameOfOther(
  knex: Knex,
  { organizationId, stationId, names, subjects, now }: NameQuestion & { readonly now: Date },
): Promise<boolean> {
  if (await hasName(knex, { organizationId, stationId, names })) return true;
  const certificate = await knex<CertificateRow>('certificates')
    .where({ organization_id: organizationId })
    .where((query) => inAnyCase(query, 'subject', subjects))
    .whereIn('state', ['pending', 'issued', 'held'])
    // A certificate that came without a station is somebody else's, too.
    .where((other) => other.whereNull('station_id').orWhereNot({ station_id: stationId }))
    .where('not_after', '>=', timeText(now))
    .first('id');
  return certificate !== undefined;
}

/** Whether a name is that of a station of the organization other than this one. */
export async function hasName(
  knex: Knex,
  { organizationId, stationId, names }: Omit<NameQuestion, 'subjects'>,
): Promise<boolean> {
  const row = await knex<StationRow>('stations')
    .where({ organization_id: organizationId })
    .whereNot({ id: stationId })
    .where((either) => {
      for (const column of ['id', 'serial_number', 'secc_id']) {
        either.orWhere((one) => inAnyCase(one, column, names));
      }
    })
    .first('id');
  return row !== undefined;
}

/**
 * Text with its ASCII letters in lower case, which is as far as lower() goes on both databases (in
 * PostgreSQL by collation "C").
 */
export const folded = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Whether a column has one of the values but for the case of its ASCII letters. */
function inAnyCase(query: Knex.QueryBuilder, column: string, values: readonly string[]): void {
  // As many places as there are values: nothing else is put into the text.
  const condition = `lower(??) IN (${values.map(() => '?').join(', ')})`;
  if (values.length === 0) query.whereRaw('1 = 0');
  else query.whereRaw(condition, [column, ...values.map(folded)]);
}
