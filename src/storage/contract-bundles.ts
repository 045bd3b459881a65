/** Bundles of contracts in the database, written together with the rows of their certificates. */

import { decideRevocation, type Status } from '../pki/lifecycle.ts';
import type { AuditEvent } from '../services/audit.ts';
import type { PendingCertificate } from '../services/certificate-records.ts';
import type { Bundle, BundleToIssue, SealedBundle } from '../services/contract-records.ts';
import type { ChangedStatus } from '../services/contract-store.ts';
import { belowRevoked } from './below-revoked.ts';
import { type BundleCertificate, broughtKey, statesOfBrought } from './brought-certificates.ts';
import { isCarFull, makeDefault } from './contract-ranks.ts';
import { contractRow } from './contract-rows.ts';
import type { Database, WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import { lockIssuer } from './issuer-activation.ts';
import { isStillRegistered } from './provisioning-locks.ts';
import { rawRows } from './raw-rows.ts';
import type { ContractBundleRow, ContractRow } from './rows/plug-and-charge.ts';
import type { CertificateRow } from './rows.ts';
import { changeStatus } from './status-changes.ts';
import { blob, bytesOf, optional, timeOf, timeText } from './values.ts';

/**
 * What stands against a bundle for a contract and its car. Neither can change until the end of the
 * transaction; cars are locked before contracts.
 */
export async function bundleObstacle(
  tx: WriteTransaction,
  { bundle, contract, registrationId }: BundleToIssue,
): Promise<'vehicle-changed' | 'car-full' | 'contract-not-active' | undefined> {
  if (!(await isStillRegistered(tx, registrationId))) return 'vehicle-changed';
  if (contract !== undefined) return (await isCarFull(tx, contract)) ? 'car-full' : undefined;
  const found = await tx
    .knex<ContractRow>('contracts')
    .where({ id: bundle.contractId, state: 'active' })
    .forUpdate()
    .first('id');
  return found === undefined ? 'contract-not-active' : undefined;
}

/**
 * Writes a bundle, and the contract that begins with it, behind its certificate's pending row.
 * @returns what stands against it; then nothing is written
 */
export async function insertBundle(
  tx: WriteTransaction,
  { bundle, contract }: BundleToIssue,
  certificate: Pick<PendingCertificate, 'id' | 'notBefore' | 'notAfter'>,
): Promise<'contract-exists' | 'bundle-outrun' | undefined> {
  if (contract !== undefined) {
    const inserted = await tx
      .knex<ContractRow>('contracts')
      .insert({ ...contractRow(contract), state: 'pending' })
      .onConflict()
      .ignore()
      .returning('id');
    if (inserted.length === 0) return 'contract-exists';
  }
  const { id: certificateId, notBefore, notAfter } = certificate;
  const row = { ...bundleRow(bundle, { notBefore, notAfter }), certificate_id: certificateId };
  return (await insertRow(tx, row)) ? undefined : 'bundle-outrun';
}

/** @returns false, and nothing written, when the contract has a bundle of this generation */
export async function insertRow(tx: WriteTransaction, row: ContractBundleRow): Promise<boolean> {
  const inserted = await tx
    .knex<ContractBundleRow>('contract_bundles')
    .insert(row)
    .onConflict(['contract_id', 'generation'])
    .ignore()
    .returning('id');
  return inserted.length > 0;
}

/** What follows when the certificate of a bundle is issued. */
export async function beginBundle(
  tx: WriteTransaction,
  { bundle, contract, makesDefault, audit }: BundleToIssue,
  certificateId: string,
): Promise<void> {
  const row = await tx
    .knex<ContractBundleRow>('contract_bundles')
    .where({ id: bundle.id, certificate_id: certificateId })
    .first('id');
  if (row === undefined) {
    throw new StorageError('inconsistent', `${certificateId} is not for the bundle ${bundle.id}`);
  }
  if (contract !== undefined) {
    const begun = await tx
      .knex<ContractRow>('contracts')
      .where({ id: contract.id, state: 'pending' })
      .update({ state: 'active' });
    if (begun !== 1) {
      throw new StorageError('inconsistent', `the contract ${contract.id} does not begin now`);
    }
    if (makesDefault) await makeDefault(tx, contract);
  }
  for (const event of audit) {
    tx.appendAudit({ ...event, details: { ...event.details, certificate: certificateId } });
  }
}

/** Revokes, as superseded, the certificates of the bundles before this one. */
export async function revokeFormer(
  tx: WriteTransaction,
  { bundle, revokesFormer }: BundleToIssue,
  audit: AuditEvent,
): Promise<void> {
  const former = await certificatesOf(tx, bundle.contractId, bundle.generation);
  await supersede(tx, former, bundle.contractId, revokesFormer ?? { crlDue: audit.at }, audit);
}

/**
 * Revokes certificates of a contract as superseded.
 * @param certificates in the order in which their issuers are to be locked
 */
export async function supersede(
  tx: WriteTransaction,
  certificates: readonly BundleCertificate[],
  contractId: string,
  { crlDue }: { readonly crlDue: Date },
  { at, actor }: Pick<AuditEvent, 'at' | 'actor'>,
): Promise<ChangedStatus[]> {
  const changed: ChangedStatus[] = [];
  const issuers = [...new Set(certificates.map(({ issuerId }) => issuerId))];
  for (const issuerId of issuers) await lockIssuer(tx, issuerId);
  for (const certificate of certificates) {
    const issuer = await lockIssuer(tx, certificate.issuerId);
    const from = await statusOf(tx, certificate.id);
    if (issuer === undefined || from === undefined) continue;
    const decision = decideRevocation(from, 'superseded', false, at);
    if (decision.kind !== 'change') continue;
    const step = { id: certificate.id, serial: certificate.serial, from, to: decision.to, crlDue };
    const sequence = await changeStatus(tx, issuer, step);
    tx.appendAudit(statusEntry(certificate, contractId, { at, actor }, from, decision.to));
    if (sequence === undefined) continue;
    changed.push({ issuerId: issuer.id, serial: certificate.serial, sequence });
  }
  return changed;
}

/**
 * The certificates that evpki has issued for a contract, or is issuing, in the order in which
 * their issuers are to be locked.
 * @param before only those of generations below this one
 */
export async function certificatesOf(
  tx: WriteTransaction,
  contractId: string,
  before?: number,
): Promise<BundleCertificate[]> {
  const query = tx
    .knex('contract_bundles as b')
    .join('certificates as c', 'c.id', 'b.certificate_id')
    .where('b.contract_id', contractId)
    .orderBy('c.issuer_id')
    .orderBy('b.generation')
    .select<Pick<CertificateRow, 'id' | 'organization_id' | 'issuer_id' | 'serial'>[]>(
      ...['c.id', 'c.organization_id', 'c.issuer_id', 'c.serial'],
    );
  if (before !== undefined) query.where('b.generation', '<', before);
  const rows = await query;
  return rows.flatMap((row) =>
    row.issuer_id === null
      ? []
      : [
          {
            ...{ id: row.id, organizationId: row.organization_id },
            ...{ issuerId: row.issuer_id, serial: row.serial },
          },
        ],
  );
}

/** The status of a certificate, which is locked; undefined for what is not issued. */
export async function statusOf(tx: WriteTransaction, id: string): Promise<Status | undefined> {
  const row = await tx
    .knex<CertificateRow>('certificates')
    .where({ id })
    .forUpdate()
    .first('state', 'revocation_reason', 'revoked_at');
  if (row === undefined || row.state === 'pending' || row.state === 'abandoned') return undefined;
  return {
    state: row.state,
    ...optional('reason', row.revocation_reason),
    ...optional('revokedAt', row.revoked_at === null ? null : timeOf(row.revoked_at)),
  };
}

/** The entry of a certificate whose status has changed because of its contract. */
export function statusEntry(
  certificate: BundleCertificate,
  contractId: string,
  { at, actor }: Pick<AuditEvent, 'at' | 'actor'>,
  from: Status,
  to: Status,
): AuditEvent {
  const what = { issued: 'released', held: 'held', revoked: 'revoked' }[to.state];
  return {
    ...{ at, actor, organizationId: certificate.organizationId, subject: certificate.id },
    action: `certificate.${what}`,
    details: {
      ...{ issuer: certificate.issuerId, serial: certificate.serial, from: from.state },
      ...(to.reason === undefined ? {} : { reason: to.reason }),
      contract: contractId,
    },
  };
}

/** A row without the certificate. */
export const bundleRow = (
  bundle: SealedBundle,
  { notBefore, notAfter }: Pick<Bundle, 'notBefore' | 'notAfter'>,
): ContractBundleRow => ({
  id: bundle.id,
  contract_id: bundle.contractId,
  generation: bundle.generation,
  certificate_id: null,
  certificate: null,
  not_before: timeText(notBefore),
  not_after: timeText(notAfter),
  sub_certificates: JSON.stringify(
    bundle.subCertificates.map((der) => blob(der).toString('base64')),
  ),
  dh_public_key: blob(bundle.dhPublicKey),
  encrypted_private_key: blob(bundle.encryptedPrivateKey),
  curve: bundle.curve,
  recipient_sha256: bundle.recipientSha256,
  reason: bundle.reason,
  created_at: timeText(bundle.createdAt),
});

/** Those that have a certificate, newest first. */
export async function listBundles(
  database: Pick<Database, 'reader' | 'dialect'>,
  contractId: string,
): Promise<Bundle[]> {
  const at = { knex: database.reader, dialect: database.dialect };
  const rows = await rawRows<BundleWithCertificate>(at, BUNDLES, [contractId, contractId]);
  const brought = rows.flatMap(({ certificate }) => certificate ?? []);
  const states = brought.length > 0 ? await statesOfBrought(database, brought) : undefined;
  return rows.flatMap((row) => {
    const known = row.certificate && states?.get(broughtKey(row.certificate));
    const bundle = bundleOf(known ? { ...row, certificate_state: known.state } : row);
    if (!bundle) return [];
    return [known ? { ...bundle, authorityRevoked: known.authorityRevoked } : bundle];
  });
}

const BUNDLES = `${belowRevoked(`
    SELECT c.id, c.issuer_id
    FROM contract_bundles b JOIN certificates c ON c.id = b.certificate_id
    WHERE b.contract_id = ?`)}
  SELECT b.*, c.der AS issued_der, c.state AS certificate_state, r.id AS revoked_below_id
  FROM contract_bundles b
  LEFT JOIN certificates c ON c.id = b.certificate_id
  LEFT JOIN below_revoked r ON r.id = b.certificate_id
  WHERE b.contract_id = ?
  ORDER BY b.generation DESC`;

type BundleWithCertificate = ContractBundleRow & {
  issued_der: Buffer | null;
  certificate_state: CertificateRow['state'] | null;
  revoked_below_id: string | null;
};

function bundleOf(row: BundleWithCertificate): Bundle | undefined {
  const state = row.certificate_state ?? 'issued';
  const certificate = row.certificate ?? row.issued_der;
  if (certificate === null || state === 'pending' || state === 'abandoned') return undefined;
  const subCertificates = (JSON.parse(row.sub_certificates) as string[]).map((text) =>
    bytesOf(Buffer.from(text, 'base64')),
  );
  return {
    id: row.id,
    contractId: row.contract_id,
    generation: Number(row.generation),
    ...optional('certificateId', row.certificate_id),
    certificate: bytesOf(certificate),
    subCertificates,
    dhPublicKey: bytesOf(row.dh_public_key),
    encryptedPrivateKey: bytesOf(row.encrypted_private_key),
    curve: row.curve,
    recipientSha256: row.recipient_sha256,
    reason: row.reason,
    createdAt: timeOf(row.created_at),
    notBefore: timeOf(row.not_before),
    notAfter: timeOf(row.not_after),
    certificateState: state,
    authorityRevoked: row.revoked_below_id !== null,
  };
}
