/** Enrolment requests as rows, and who holds a repeat key. */

import type { Violation } from '../pki/violations.ts';
import type { EnrolmentRequest } from '../services/certificate-records.ts';
import type { WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import type { CertificateRow, EnrolmentRequestRow } from './rows.ts';
import { blob, bytesOf, optional, timeOf, timeText } from './values.ts';

export const requestRow = (request: EnrolmentRequest): EnrolmentRequestRow => ({
  id: request.id,
  organization_id: request.organizationId,
  authority_id: request.authorityId,
  profile: request.profile,
  requester: request.requester,
  channel: request.channel,
  csr: blob(request.csr),
  state: request.state,
  created_at: timeText(request.createdAt),
  repeat_key: request.repeatKey ?? null,
  repeat_until: textOrNull(request.repeatUntil),
  certificate_id: request.certificateId ?? null,
  violations: request.violations === undefined ? null : JSON.stringify(request.violations),
  station_id: request.stationId ?? null,
  subject: request.subject ?? null,
  not_after: textOrNull(request.notAfter),
  renews: request.renews ?? null,
  approve_until: textOrNull(request.approveUntil),
  decided_by: request.decidedBy ?? null,
  decided_at: textOrNull(request.decidedAt),
  rejection_reason: request.rejectionReason ?? null,
});

const textOrNull = (time: Date | undefined): string | null =>
  time === undefined ? null : timeText(time);

const timeOrNull = (text: string | null): Date | null => (text === null ? null : timeOf(text));

export const requestOf = (row: EnrolmentRequestRow): EnrolmentRequest => ({
  id: row.id,
  organizationId: row.organization_id,
  authorityId: row.authority_id,
  profile: row.profile,
  requester: row.requester,
  channel: row.channel,
  csr: bytesOf(row.csr),
  state: row.state,
  createdAt: timeOf(row.created_at),
  ...optional('repeatKey', row.repeat_key),
  ...optional('repeatUntil', timeOrNull(row.repeat_until)),
  ...optional('certificateId', row.certificate_id),
  ...optional(
    'violations',
    row.violations === null ? null : (JSON.parse(row.violations) as Violation[]),
  ),
  ...optional('stationId', row.station_id),
  ...optional('subject', row.subject),
  ...optional('notAfter', timeOrNull(row.not_after)),
  ...optional('renews', row.renews),
  ...optional('approveUntil', timeOrNull(row.approve_until)),
  ...optional('decidedBy', row.decided_by),
  ...optional('decidedAt', timeOrNull(row.decided_at)),
  ...optional('rejectionReason', row.rejection_reason),
});

/** How often a repeat key may change hands under us before the work is run again from the start. */
const MAX_TAKEOVERS = 3;

/**
 * Inserts a request. Its repeat key is decided by the unique index: concurrent inserts of one key
 * wait for each other, and all but one find the winner's row.
 * @returns the request on record when the key belongs to one that is not over; nothing is inserted
 */
export async function insertRequest(
  tx: WriteTransaction,
  request: EnrolmentRequest,
): Promise<EnrolmentRequest | undefined> {
  const row = requestRow(request);
  if (row.repeat_key === null) {
    await tx.knex<EnrolmentRequestRow>('enrolment_requests').insert(row);
    return undefined;
  }
  for (let attempt = 0; attempt < MAX_TAKEOVERS; attempt += 1) {
    const inserted = await tx
      .knex<EnrolmentRequestRow>('enrolment_requests')
      .insert(row)
      .onConflict('repeat_key')
      .ignore()
      .returning('id');
    if (inserted.length === 1) return undefined;
    // Locked: of several processes that find it over, one takes the key, the others look again.
    const holder = await tx
      .knex<EnrolmentRequestRow>('enrolment_requests')
      .where({ repeat_key: row.repeat_key })
      .forUpdate()
      .first();
    if (holder === undefined) continue;
    if (!(await isOver(tx, holder, row.created_at))) return requestOf(holder);
    await tx
      .knex<EnrolmentRequestRow>('enrolment_requests')
      .where({ id: holder.id })
      .update({ repeat_key: null });
  }
  throw new StorageError('run-again', 'a repeat key changed hands too often');
}

/** Whether a request does not answer repeats any more, at a time given as stored text. */
async function isOver(
  tx: WriteTransaction,
  holder: EnrolmentRequestRow,
  at: string,
): Promise<boolean> {
  if (holder.state === 'refused' || holder.state === 'abandoned') return true;
  if (holder.state === 'waiting-for-approval' || holder.state === 'rejected') {
    return holder.approve_until === null || holder.approve_until < at;
  }
  if (holder.repeat_until !== null && holder.repeat_until < at) return true;
  if (holder.certificate_id === null) return false;
  const certificate = await tx
    .knex<CertificateRow>('certificates')
    .where({ id: holder.certificate_id })
    .first('state', 'not_after');
  if (certificate === undefined) return true;
  const holds = certificate.state === 'issued' || certificate.state === 'pending';
  return !holds || certificate.not_after < at;
}
