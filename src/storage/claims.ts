/**
 * Whose a key or a station's name is, decided once and for all. Enrolment asks beforehand, to give
 * every reason at once, but between its question and the pending row others may have got theirs.
 * Here the question is asked again behind a lock on the key or name: of any number of certificates
 * that contradict each other one is recorded.
 *
 * The lock is a row that is written, not only locked, so that a transaction whose snapshot is older
 * than its turn fails and is run again, whatever isolation level the database is set to.
 */

import type { Knex } from 'knex';
import { folded } from '../pki/names.ts';
import type { NameQuestion, PendingCertificate } from '../services/certificate-records.ts';
import type { WriteTransaction } from './database.ts';
import { isNameOfOther } from './name-search.ts';
import { rawRows } from './raw-rows.ts';
import type { CertificateRow, KeyClaimRow, NameClaimRow, StoredBoolean } from './rows.ts';
import { timeText } from './values.ts';

/**
 * Makes everybody else who certifies or blocks this key wait until the transaction ends. In SQLite
 * nobody else writes, and works of one transaction come one after the other.
 */
export async function lockKey(tx: WriteTransaction, spkiSha256: string): Promise<void> {
  if (tx.dialect === 'sqlite') return;
  await tx
    .knex<KeyClaimRow>('key_claims')
    .insert({ spki_sha256: spkiSha256 })
    .onConflict('spki_sha256')
    .merge();
}

const KEY_QUESTION = `
  SELECT EXISTS (SELECT 1 FROM blocked_keys WHERE spki_sha256 = ?) AS blocked,
    EXISTS (
      SELECT 1 FROM certificates
      WHERE spki_sha256 = ? AND state IN ('pending', 'issued', 'held')
        AND not_after >= ? AND subject <> ?
    ) AS in_use`;

/** Why a certificate must not be recorded because of its key, if so; locks the key. */
export async function keyConflict(
  tx: WriteTransaction,
  { spkiSha256, subject, createdAt }: PendingCertificate,
): Promise<'key-blocked' | 'key-in-use' | undefined> {
  await lockKey(tx, spkiSha256);
  const [answer] = await rawRows<{ blocked: StoredBoolean; in_use: StoredBoolean }>(
    tx,
    KEY_QUESTION,
    [spkiSha256, spkiSha256, timeText(createdAt), subject],
  );
  if (answer?.blocked) return 'key-blocked';
  return answer?.in_use ? 'key-in-use' : undefined;
}

/** Which of these keys are on the block list. */
export async function blockedOf(
  knex: Knex,
  spkis: readonly string[],
): Promise<(spkiSha256: string) => boolean> {
  const blocked: string[] = await knex('blocked_keys')
    .whereIn('spki_sha256', spkis)
    .pluck('spki_sha256');
  const found = new Set(blocked);
  return (spkiSha256) => found.has(spkiSha256);
}

/** A subject with certificates for a key, in force or about to be, and when the last one ends. */
type CertifiedSubject = Pick<CertificateRow, 'subject' | 'not_after'>;

/** Whose certificates with these keys are. */
export async function subjectsOf(
  knex: Knex,
  spkis: readonly string[],
): Promise<(spkiSha256: string) => readonly CertifiedSubject[]> {
  const rows: (CertifiedSubject & Pick<CertificateRow, 'spki_sha256'>)[] = await knex(
    'certificates',
  )
    .whereIn('spki_sha256', spkis)
    .whereIn('state', ['pending', 'issued', 'held'])
    .groupBy('spki_sha256', 'subject')
    .select('spki_sha256', 'subject')
    .max('not_after as not_after');
  return (spkiSha256) => rows.filter((row) => row.spki_sha256 === spkiSha256);
}

/** Whether a key is in a certificate, in force or about to be, with another subject. */
export const hasOther = (
  subjects: readonly CertifiedSubject[],
  subject: string,
  at: Date,
): boolean => subjects.some((one) => one.subject !== subject && one.not_after >= timeText(at));

/**
 * Whether the name of a station's certificate is that of another station. Locks every name that
 * the question is about: two stations that could take each other's name share one at least.
 */
export async function nameConflict(
  tx: WriteTransaction,
  { commonName, createdAt }: PendingCertificate,
  question: NameQuestion,
): Promise<boolean> {
  const { organizationId } = question;
  const names = commonName === undefined ? question.names : [...question.names, commonName];
  await lockNames(tx, organizationId, names);
  return isNameOfOther(tx.knex, { ...question, names, now: createdAt });
}

/** Makes everybody else who has to do with one of these names wait until the transaction ends. */
export async function lockNames(
  tx: WriteTransaction,
  organizationId: string,
  names: readonly string[],
): Promise<void> {
  // As with keys, nobody else writes in SQLite.
  if (tx.dialect === 'sqlite') return;
  // In one order for all, so that two of them do not wait for each other.
  const locked = [...new Set(names.map(folded))].sort();
  await tx
    .knex<NameClaimRow>('name_claims')
    .insert(locked.map((name) => ({ organization_id: organizationId, common_name: name })))
    .onConflict(['organization_id', 'common_name'])
    .merge();
}
