/** Giving up pending certificates: their serial numbers stay taken, nobody gets them. */

import type { WriteTransaction } from './database.ts';
import { issuersFrom } from './issuer-chain.ts';
import { reopenProposals } from './proposals.ts';
import type { ContractBundleRow, ContractRow } from './rows/plug-and-charge.ts';
import type { CertificateRow, EnrolmentRequestRow } from './rows.ts';

/** What an abandoned row looks like. */
export const abandoned = { state: 'abandoned', lease_owner: null, lease_until: null } as const;

/** The columns that the audit entry of an abandoned certificate is made of. */
export const abandonedColumns = ['id', 'organization_id', 'issuer_id', 'serial'] as const;
export type AbandonedRow = Pick<CertificateRow, (typeof abandonedColumns)[number]>;

/**
 * Abandons the requests that these certificates were to answer. One that was approved waits again:
 * neither the requester nor the approver has done anything wrong.
 */
export async function abandonRequests(
  tx: WriteTransaction,
  certificateIds: readonly string[],
): Promise<void> {
  const answered = () =>
    tx
      .knex<EnrolmentRequestRow>('enrolment_requests')
      .whereIn('certificate_id', certificateIds)
      .where({ state: 'issuing' });
  await answered().whereNotNull('approve_until').update({
    state: 'waiting-for-approval',
    certificate_id: null,
    repeat_until: null,
    decided_by: null,
    decided_at: null,
  });
  await answered().update({ state: 'abandoned' });
}

/** Takes back the bundles that these certificates were for, and the contracts they began with. */
export async function removeBundles(
  tx: WriteTransaction,
  certificateIds: readonly string[],
): Promise<void> {
  const bundles = () =>
    tx.knex<ContractBundleRow>('contract_bundles').whereIn('certificate_id', certificateIds);
  const removed: string[] = await bundles().pluck('contract_id');
  if (removed.length === 0) return;
  await bundles().delete();
  await tx
    .knex<ContractRow>('contracts')
    .whereIn('id', removed)
    .where({ state: 'pending' })
    .delete();
}

/** The requests, proposals and audit entries of certificates that evpki itself has abandoned. */
export async function followAbandoned(
  tx: WriteTransaction,
  rows: readonly AbandonedRow[],
  reason: 'lease-expired' | 'issuer-revoked' | 'key-blocked' | 'contract-stopped',
  at: Date,
): Promise<void> {
  if (rows.length === 0) return;
  const ids = rows.map((row) => row.id);
  await abandonRequests(tx, ids);
  await reopenProposals(tx, ids);
  await removeBundles(tx, ids);
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
 * Abandons what an issuer, or one below it, is signing at this moment. The issuer is locked, and
 * revoked in the same transaction: nothing is pending afterwards, so nothing is issued any more.
 */
export async function abandonPendingOf(
  tx: WriteTransaction,
  issuerId: string,
  at: Date,
): Promise<void> {
  const issuers = await issuersFrom(tx, issuerId);
  await abandonPending(tx, 'issuer_id', issuers, 'issuer-revoked', at);
}

/** Abandons what is being certified for a key, which is locked and blocked. */
export const abandonPendingFor = (
  tx: WriteTransaction,
  spkiSha256: string,
  at: Date,
): Promise<void> => abandonPending(tx, 'spki_sha256', [spkiSha256], 'key-blocked', at);

async function abandonPending(
  tx: WriteTransaction,
  column: 'issuer_id' | 'spki_sha256',
  values: readonly string[],
  reason: Parameters<typeof followAbandoned>[2],
  at: Date,
): Promise<void> {
  const rows: AbandonedRow[] = await tx
    .knex<CertificateRow>('certificates')
    .whereIn(column, values)
    .where({ state: 'pending' })
    .update(abandoned)
    .returning([...abandonedColumns]);
  await followAbandoned(tx, rows, reason, at);
}
