/** The common names of certificates, by which stations are kept apart. */

import type { Knex } from 'knex';
import { folded } from '../../pki/names.ts';
import type { Migration } from './migration.ts';

/**
 * A subject also says what the organization was called when it was certified. Names are therefore
 * looked up by the common name alone, folded as `names.ts` compares names.
 */
export const certifiedNames: Migration = {
  version: 11,
  name: 'certified-names',
  statements: ({ text, dialect, table }) => [
    `ALTER TABLE certificates ADD COLUMN common_name ${text} NOT NULL DEFAULT ''`,
    // The default is for the rows that are there. An older process that is still running shall
    // fail rather than write a certificate whose name nobody finds; SQLite has one process only.
    ...(dialect === 'postgres'
      ? [`ALTER TABLE certificates ALTER COLUMN common_name DROP DEFAULT`]
      : []),
    `CREATE INDEX certificates_common_name ON certificates (organization_id, common_name)`,
    `DROP INDEX certificates_subject`,

    // Nothing is lost: claims say nothing themselves (see migration 4).
    `DROP TABLE name_claims`,
    `CREATE TABLE name_claims (
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      common_name ${text} NOT NULL,
      PRIMARY KEY (organization_id, common_name)
    ) ${table}`,
  ],
  fill,
};

const ROWS_PER_UPDATE = 500;

async function fill(tx: Knex): Promise<void> {
  for (let after = ''; ; ) {
    const rows: { id: string; subject: string }[] = await tx('certificates')
      .where('id', '>', after)
      .orderBy('id')
      .limit(ROWS_PER_UPDATE)
      .select('id', 'subject');
    const last = rows.at(-1);
    if (last === undefined) return;
    const update = `UPDATE certificates SET common_name = named.column2
      FROM (VALUES ${rows.map(() => '(?, ?)').join(', ')}) AS named
      WHERE certificates.id = named.column1`;
    await tx.raw(
      update,
      rows.flatMap(({ id, subject }) => [id, folded(commonNameIn(subject))]),
    );
    after = last.id;
  }
}

/** The common name in the text that `nameText` makes of a subject; empty without exactly one. */
function commonNameIn(subject: string): string {
  const attributes = subject.match(/(?:\\.|[^\\,+])+/gsu) ?? [];
  const [name, another] = attributes.filter((attribute) => attribute.startsWith('CN='));
  if (name === undefined || another !== undefined) return '';
  // Runs of hex pairs, each the UTF-8 of what does not show; else the character itself.
  return name
    .slice('CN='.length)
    .replace(/(?:\\[0-9a-f]{2})+|\\(.)/gsu, (escaped: string, character?: string) =>
      character === undefined
        ? Buffer.from(escaped.replaceAll('\\', ''), 'hex').toString('utf8')
        : character,
    );
}
