/** Suspending, resuming and ending a contract, with all certificates that it has. */

import {
  decideRelease,
  decideRevocation,
  type Status,
  type StatusDecision,
} from '../pki/lifecycle.ts';
import type { ContractState } from '../services/contract-records.ts';
import type { ChangedStatus, ContractStore } from '../services/contract-store.ts';
import { abandoned, abandonedColumns, followAbandoned } from './abandonment.ts';
import { broughtCertificatesOf } from './brought-certificates.ts';
import { certificatesOf, statusEntry, statusOf } from './contract-bundles.ts';
import type { WriteTransaction } from './database.ts';
import { lockIssuer } from './issuer-activation.ts';
import type { ContractRow } from './rows/plug-and-charge.ts';
import type { CertificateRow } from './rows.ts';
import { changeStatus } from './status-changes.ts';
import { timeOf, timeText } from './values.ts';

type Command = Parameters<ContractStore['changeState']>[0];

/** See `ContractStore.changeState`. Contracts are locked before issuers, those before certificates. */
export async function changeContractState(
  tx: WriteTransaction,
  command: Command,
): ReturnType<ContractStore['changeState']> {
  const { id, from, to, reason, audit } = command;
  const contract = await tx
    .knex<ContractRow>('contracts')
    .where({ id })
    .whereIn('state', [...from])
    .forUpdate()
    .first('changed_at', 'state');
  if (contract === undefined) return { outcome: 'stale' };
  const suspendedAt = contract.state === 'suspended' ? timeOf(contract.changed_at) : undefined;
  const statuses = await changeCertificates(tx, command, suspendedAt);
  await tx
    .knex<ContractRow>('contracts')
    .where({ id })
    .update({
      state: to,
      changed_at: timeText(audit.at),
      reason: reason ?? null,
      ...(to === 'ended' ? { is_default: false } : {}),
    });
  tx.appendAudit(audit);
  return { outcome: 'changed', statuses };
}

async function changeCertificates(
  tx: WriteTransaction,
  { id, to, keepsBrought = false, crlDue, audit }: Command,
  suspendedAt: Date | undefined,
): Promise<ChangedStatus[]> {
  const changed: ChangedStatus[] = [];
  // Nobody adds one: for that the contract would have to be locked.
  const certificates = [
    ...(await certificatesOf(tx, id)),
    ...(keepsBrought ? [] : await broughtCertificatesOf(tx, id)),
  ].sort((a, b) => byText(a.issuerId, b.issuerId));
  const issuers = [...new Set(certificates.map(({ issuerId }) => issuerId))];
  for (const issuerId of issuers) await lockIssuer(tx, issuerId);
  await abandonPendingAmong(tx, certificates, audit.at);
  for (const certificate of certificates) {
    const issuer = await lockIssuer(tx, certificate.issuerId);
    const from = await statusOf(tx, certificate.id);
    if (issuer === undefined || from === undefined) continue;
    const decision = decideFor(to, from, suspendedAt, audit.at);
    if (decision.kind !== 'change') continue;
    const step = { ...certificate, from, to: decision.to, crlDue };
    const sequence = await changeStatus(tx, issuer, step);
    if (sequence === undefined) continue;
    tx.appendAudit(statusEntry(certificate, id, audit, from, decision.to));
    changed.push({ issuerId: issuer.id, serial: certificate.serial, sequence });
  }
  return changed;
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** What becomes of a certificate. Nothing undoes what somebody has done to it for itself. */
function decideFor(
  to: ContractState,
  from: Status,
  suspendedAt: Date | undefined,
  at: Date,
): StatusDecision {
  switch (to) {
    case 'ended':
      return decideRevocation(from, 'cessationOfOperation', false, at);
    case 'suspended':
      return from.state === 'issued'
        ? decideRevocation(from, 'certificateHold', false, at)
        : { kind: 'unchanged' };
    case 'active':
      return from.revokedAt?.getTime() === suspendedAt?.getTime() && from.state === 'held'
        ? decideRelease(from)
        : { kind: 'unchanged' };
  }
}

/** Abandons the contracts of a car whose first bundle is being made. */
export async function abandonFirstBundles(
  tx: WriteTransaction,
  { pcid, standard }: Pick<ContractRow, 'pcid' | 'standard'>,
  at: Date,
): Promise<void> {
  const ids: string[] = await tx
    .knex('contract_bundles as b')
    .join('contracts as c', 'c.id', 'b.contract_id')
    .where({ 'c.pcid': pcid, 'c.standard': standard, 'c.state': 'pending' })
    .whereNotNull('b.certificate_id')
    .pluck('b.certificate_id');
  await abandonPendingAmong(
    tx,
    ids.map((id) => ({ id })),
    at,
  );
}

async function abandonPendingAmong(
  tx: WriteTransaction,
  certificates: readonly { readonly id: string }[],
  at: Date,
): Promise<void> {
  const ids = certificates.map(({ id }) => id);
  const rows = await tx
    .knex<CertificateRow>('certificates')
    .whereIn('id', ids)
    .where({ state: 'pending' })
    .update(abandoned)
    .returning([...abandonedColumns]);
  await followAbandoned(tx, rows, 'contract-stopped', at);
}
