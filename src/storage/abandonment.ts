/** Giving up pending certificates: their serial numbers stay taken, nobody gets them. */

import type { WriteTransaction } from './database.ts';
import type { CertificateRow, EnrolmentRequestRow } from './rows.ts';

/** What an abandoned row looks like. */
export const abandoned = { state: 'abandoned', lease_owner: null, lease_until: null } as const;

/** The columns that the audit entry of an abandoned certificate is made of. */
export const abandonedColumns = ['id', 'organization_id', 'issuer_id', 'serial'] as const;
export type AbandonedRow = Pick<CertificateRow, (typeof abandonedColumns)[number]>;

/** Abandons the requests that these certificates were to answer. */
export const abandonRequests = (tx: WriteTransaction, certificateIds: readonly string[]) =>
  tx
    .knex<EnrolmentRequestRow>('enrolment_requests')
    .whereIn('certificate_id', certificateIds)
    .where({ state: 'issuing' })
    .update({ state: 'abandoned' });

/** The requests and audit entries of certificates that evpki itself has abandoned. */
export async function followAbandoned(
  tx: WriteTransaction,
  rows: readonly AbandonedRow[],
  reason: 'lease-expired' | 'issuer-revoked',
  at: Date,
): Promise<void> {
  if (rows.length === 0) return;
  await abandonRequests(
    tx,
    rows.map((row) => row.id),
  );
  for (const row of rows) {
    tx.appendAudit({
      at,
      organizationId: row.organization_id,
      actor: 'evpki',
      action: 'certificate.abandoned',
      subject: row.id,
      details: { issuer: row.issuer_id, serial: row.serial, reason },
    });
  }
}

/**
 * Abandons what an issuer is signing at this moment. The issuer is locked, and revoked in the same
 * transaction: nothing is pending afterwards, so nothing is issued any more.
 */
export async function abandonPendingOf(
  tx: WriteTransaction,
  issuerId: string,
  at: Date,
): Promise<void> {
  const rows: AbandonedRow[] = await tx
    .knex<CertificateRow>('certificates')
    .where({ issuer_id: issuerId, state: 'pending' })
    .update(abandoned)
    .returning([...abandonedColumns]);
  await followAbandoned(tx, rows, 'issuer-revoked', at);
}
