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
import type { NameQuestion, PendingCertificate } from '../services/certificate-records.ts';
import type { WriteTransaction } from './database.ts';
import { folded, isNameOfOther } from './name-search.ts';
import type { BlockedKeyRow, CertificateRow, KeyClaimRow, NameClaimRow } from './rows.ts';
import { timeText } from './values.ts';

/** Makes everybody else who certifies or blocks this key wait until the transaction ends. */
export async function lockKey(tx: WriteTransaction, spkiSha256: string): Promise<void> {
  await tx
    .knex<KeyClaimRow>('key_claims')
    .insert({ spki_sha256: spkiSha256 })
    .onConflict('spki_sha256')
    .merge();
}

/** Why a certificate must not be recorded because of its key, if so; locks the key. */
export async function keyConflict(
  tx: WriteTransaction,
  { spkiSha256, subject, createdAt }: PendingCertificate,
): Promise<'key-blocked' | 'key-in-use' | undefined> {
  await lockKey(tx, spkiSha256);
  if (await isBlocked(tx.knex, spkiSha256)) return 'key-blocked';
  if (await isOfOtherSubject(tx.knex, spkiSha256, subject, createdAt)) return 'key-in-use';
  return undefined;
}

/** Whether a key is on the block list. */
export async function isBlocked(knex: Knex, spkiSha256: string): Promise<boolean> {
  const row: unknown = await knex<BlockedKeyRow>('blocked_keys')
    .where({ spki_sha256: spkiSha256 })
    .first('spki_sha256');
  return row !== undefined;
}

/** Whether a key is in a certificate, in force or about to be, with another subject. */
export async function isOfOtherSubject(
  knex: Knex,
  spkiSha256: string,
  subject: string,
  at: Date,
): Promise<boolean> {
  const row: unknown = await knex<CertificateRow>('certificates')
    .where({ spki_sha256: spkiSha256 })
    .whereIn('state', ['pending', 'issued', 'held'])
    .where('not_after', '>=', timeText(at))
    .whereNot({ subject })
    .first('id');
  return row !== undefined;
}

/**
 * Whether the name of a station's certificate is that of another station. Locks every subject that
 * the question is about: two stations that could take each other's name share one at least.
 */
export async function nameConflict(
  tx: WriteTransaction,
  { subject, createdAt }: PendingCertificate,
  question: NameQuestion,
): Promise<boolean> {
  const { organizationId, subjects } = question;
  // In one order for all, so that two of them do not wait for each other.
  const locked = [...new Set([...subjects, subject].map(folded))].sort();
  await tx
    .knex<NameClaimRow>('name_claims')
    .insert(locked.map((text) => ({ organization_id: organizationId, folded_subject: text })))
    .onConflict(['organization_id', 'folded_subject'])
    .merge();
  return isNameOfOther(tx.knex, { ...question, now: createdAt });
}
