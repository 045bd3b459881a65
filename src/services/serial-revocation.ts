/**
 * Revocation by serial number. Of an authority whose key was handed out, a number can be revoked
 * that nobody here has seen a certificate of: what its holder has signed, or a thief of its key.
 */

import { decideRevocation } from '../pki/lifecycle.ts';
import type { RevocationReason } from '../pki/revocation-reasons.ts';
import { type Principal, requireKind } from './access-policy.ts';
import type { Authority } from './authority-records.ts';
import { leavesOf } from './certificate-imports.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { summaryOf } from './certificates.ts';
import { ServiceError } from './errors.ts';
import type { ExportStore } from './export-records.ts';
import { newId } from './ids.ts';
import { CRL_DELAY_MILLISECONDS, REVOKE, type StatusChange } from './revocation.ts';
import {
  type RevocationOutcome,
  type RevocationProposalParts,
  revokeOrPropose,
} from './revocation-proposals.ts';

const ATTEMPTS = 5;

export interface SerialRevocationParts extends RevocationProposalParts {
  readonly exports: Pick<ExportStore, 'revokeUnseen'>;
}

/**
 * Revokes the certificate of this serial number, whatever is known of it, or proposes to: that of an
 * authority needs a second person by this name as by any other.
 * @param authority one that the caller reaches
 * @param serial hex, in any case
 * @throws ServiceError `not-found` for a number that an authority whose key is here has not given;
 *   `revocation-refused` for a hold of what nobody has seen; and as
 *   `revokeOrPropose`
 */
export async function revokeSerial(
  parts: SerialRevocationParts,
  principal: Principal,
  authority: Authority,
  serial: string,
  reason: RevocationReason,
): Promise<RevocationOutcome> {
  const wanted = serial.toLowerCase().replace(/^0+(?=.)/, '');
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const issuers = await parts.authorities.listIssuers(authority.id);
    for (const { id } of issuers) {
      const found = await parts.certificates.findBySerial(id, wanted);
      if (found) return revokeOrPropose(parts, principal, found.id, reason);
    }
    const issuer = issuers.find(({ certificateId }) => certificateId !== undefined);
    const record = issuer && (await unseen(parts, authority, issuer.certificateId, wanted));
    if (!issuer || !record) {
      throw new ServiceError('not-found', `${authority.id} has given no serial number ${wanted}`);
    }
    const change = await revokeUnseen(parts, principal, issuer.id, record, reason);
    if (change) return { outcome: 'changed', change };
    // Its certificate has been imported in between.
  }
  throw new ServiceError('conflict', `the status of ${serial} keeps changing`);
}

/** What stands for the certificate: it may last as long as its issuer. */
async function unseen(
  parts: SerialRevocationParts,
  authority: Authority,
  certificateId: string | undefined,
  serial: string,
): Promise<CertificateRecord | undefined> {
  const leaves = leavesOf(parts.profiles, authority);
  const own =
    certificateId === undefined
      ? undefined
      : await parts.certificates.findCertificate(certificateId);
  if (!leaves || !own) return undefined;
  return {
    ...{ id: newId('crt', parts.random), organizationId: authority.organizationId },
    ...{ serial, state: 'issued', subject: '', spkiSha256: '', createdAt: parts.clock() },
    ...{ profile: leaves.name, profileHash: leaves.hash },
    ...{ notBefore: own.notBefore, notAfter: own.notAfter },
  };
}

async function revokeUnseen(
  parts: SerialRevocationParts,
  principal: Principal,
  issuerId: string,
  record: CertificateRecord,
  reason: RevocationReason,
): Promise<StatusChange | undefined> {
  requireKind(parts.access, principal, REVOKE, parts.profiles.get(record.profile)?.kind);
  const now = parts.clock();
  const decision = decideRevocation({ state: 'issued' }, reason, false, now);
  if (decision.kind !== 'change' || decision.to.state === 'held') {
    const why =
      'message' in decision ? decision.message : 'what nobody has seen cannot be put on hold';
    throw new ServiceError('revocation-refused', why);
  }
  const { id, serial, organizationId, profile, profileHash, notBefore, notAfter } = record;
  const result = await parts.exports.revokeUnseen({
    issuerId,
    record: { id, serial, organizationId, profile, profileHash, notBefore, notAfter },
    to: decision.to,
    crlDue: new Date(now.getTime() + CRL_DELAY_MILLISECONDS),
    audit: {
      ...{ at: now, organizationId, actor: principal.actor },
      ...{ action: 'certificate.revoked', subject: id },
      details: { issuer: issuerId, serial, from: 'unseen', reason },
    },
  });
  if (result.outcome === 'seen') return undefined;
  const { sequence } = result;
  parts.statusChanged(issuerId, serial, sequence);
  const written = await parts.certificates.findCertificate(id);
  return { certificate: summaryOf(written ?? record, now), issuerId, sequence };
}
