/** What evpki promises about statuses, looked up in the tables, the log, CRLs and OCSP. */

import { expect } from 'vitest';
import { findCertificate } from '../../src/services/certificates.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import type { BlockedKeyRow, CertificateRow } from '../../src/storage/rows.ts';
import type { PublishedStatus } from './issuing-process.ts';
import type { Change } from './killed-process.ts';
import { ocspStatuses, type ServedCrl } from './served-status.ts';
import type { Services } from './services.ts';
import { demoCpo } from './stations.ts';

type Row = Pick<CertificateRow, 'id' | 'serial' | 'state' | 'revocation_reason' | 'spki_sha256'>;

/**
 * Every certificate of this issuer has the status that its last change gave it: the last one that
 * was acknowledged, or the one that was begun after it; and everybody is told the same.
 */
export async function expectStatuses(
  services: Services,
  issuer: { readonly id: string; readonly certificate: Uint8Array },
  changes: readonly Change[],
  crl: ServedCrl,
  when: string,
): Promise<void> {
  const rows: Row[] = await services.database
    .reader<CertificateRow>('certificates')
    .where({ issuer_id: issuer.id })
    .whereIn('state', ['issued', 'held', 'revoked']);
  const recorded = await recordedChanges(services);
  const begun = groupedBy(changes.filter(({ event }) => event === 'changing'));
  const done = groupedBy(changes.filter(({ event }) => event === 'changed'));
  const ids = new Set(rows.map(({ id }) => id));
  expect(
    [...begun.keys()].filter((id) => !ids.has(id)),
    when,
  ).toEqual([]);
  for (const row of rows) {
    const log = recorded.get(row.id) ?? [];
    const all = begun.get(row.id) ?? [];
    const acknowledged = done.get(row.id) ?? [];
    // Each change stands in the log once, and nothing else does.
    const may = [acknowledged, all].map((list) => list.join());
    expect(may, `${when}: ${row.id}`).toContain(log.join());
    expect(statusOf(row), `${when}: ${row.id}`).toBe(log.at(-1) ?? 'good');
  }
  for (const id of done.keys()) {
    const { record } = await findCertificate(services, demoCpo, id);
    const shown = record.state === 'issued' ? 'good' : record.revocationReason;
    expect(shown, `${when}: ${id}`).toBe(recorded.get(id)?.at(-1));
  }
  const listed = rows.filter((row) => statusOf(row) !== 'good').map(({ serial }) => serial);
  expect([...crl.serials].sort(), when).toEqual(listed.sort());
  const serials = rows.map(({ serial }) => serial);
  expect(await ocspStatuses(services, issuer.certificate, serials), when).toEqual(
    rows.map(statusOf).map((status) => (status === 'good' ? status : `revoked ${status}`)),
  );
}

/** A key is blocked if, and only if, a certificate of it is revoked as compromised. */
export async function expectKeysBlocked(
  { database: { reader }, certificates }: Services,
  when: string,
): Promise<void> {
  const rows: Row[] = await reader<CertificateRow>('certificates').select();
  const compromised = rows
    .filter(({ state }) => state === 'revoked')
    .filter((row) => ['keyCompromise', 'cACompromise'].includes(statusOf(row)))
    .map((row) => row.spki_sha256);
  const blocked: string[] = await reader<BlockedKeyRow>('blocked_keys').pluck('spki_sha256');
  expect(blocked.sort(), when).toEqual(compromised.sort());
  const keys = rows.map((row) => row.spki_sha256);
  const found = await Promise.all(keys.map((key) => certificates.isBlockedKey(key)));
  const answers = keys.filter((_, index) => found[index]);
  expect(answers.sort(), when).toEqual(compromised);
}

const statusOf = ({ state, revocation_reason: reason }: Row): string =>
  state === 'issued' ? 'good' : (reason ?? `${state} without a reason`);

/** By certificate, what the log says to have become of it, in order. */
async function recordedChanges({ database: { reader } }: Services): Promise<Map<string, string[]>> {
  const entries: AuditEntryRow[] = await reader<AuditEntryRow>('audit_entries')
    .whereIn('action', ['certificate.held', 'certificate.released', 'certificate.revoked'])
    .orderBy('sequence');
  return groupedBy(
    entries.map(({ subject, action, details }) => {
      const { reason } = JSON.parse(details) as { readonly reason?: PublishedStatus };
      return { certificateId: subject, to: action === 'certificate.released' ? 'good' : reason };
    }),
  );
}

function groupedBy(
  changes: readonly { readonly certificateId: string; readonly to?: string | undefined }[],
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { certificateId, to = '' } of changes) {
    groups.set(certificateId, [...(groups.get(certificateId) ?? []), to]);
  }
  return groups;
}
