/**
 * Revocation: ending a certificate before its time, holding it, and lifting a hold. When a call
 * returns, the change is durable and this process's OCSP answers show it; a CRL follows by itself.
 */

import { fingerprint } from '../pki/certificate.ts';
import {
  decideRelease,
  decideRevocation,
  type Status,
  type StatusDecision,
} from '../pki/lifecycle.ts';
import type { Profile } from '../pki/profile.ts';
import type { RevocationReason } from '../pki/revocation-reasons.ts';
import {
  type Principal,
  type ProposableAction,
  permits,
  reaches,
  requireKind,
} from './access-policy.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { type CertificateParts, type CertificateSummary, summaryOf } from './certificates.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { agreedBy, type ProposalApproval } from './proposal-records.ts';
import type { RevocationStore } from './revocation-records.ts';

/** A CRL follows a revocation within this time; revocations in between share one. */
export const CRL_DELAY_MILLISECONDS = 5_000;
const ATTEMPTS = 5;
export const REVOKE = 'certificates:revoke';
/** The action of those who may end an authority, which ends everything below it. */
export const REVOKE_AUTHORITY = 'authorities:revoke' as const satisfies ProposableAction;

export interface RevocationParts extends CertificateParts {
  readonly revocations: RevocationStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly clock: Clock;
  /** Told of every change once it is durable, before the call returns; and told again is harmless. */
  readonly statusChanged: (issuerId: string, serial: string, sequence?: number) => void;
}

export interface StatusChange {
  /** The certificate as it is now. */
  readonly certificate: CertificateSummary;
  readonly issuerId: string;
  /** The issuer's sequence number that covers the change; undefined when nothing changed. */
  readonly sequence?: number;
}

/**
 * Revokes a certificate, or holds it with the reason `certificateHold`. It asks no second person:
 * that is for `revokeOrPropose`, and what that one has agreed to comes as an approval.
 * @param basis what it was decided on
 * @returns `not-waiting`, and nothing changed, when its approval is for what waits no more
 * @throws ServiceError `not-found`; `revocation-refused` for a reason that is none for it;
 *   `conflict` when its present status does not allow the change; `not-permitted` naming the kind
 *   of certificates that no role of the caller's is for
 */
export function revoke(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  reason: RevocationReason,
  basis?: { readonly withoutSecondPerson?: true },
): Promise<StatusChange>;
export function revoke(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  reason: RevocationReason,
  basis: { readonly approval: ProposalApproval },
): Promise<StatusChange | 'not-waiting'>;
export function revoke(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  reason: RevocationReason,
  basis: RevocationBasis = {},
): Promise<StatusChange | 'not-waiting'> {
  const decide = revoking(parts, reason);
  return change(parts, principal, certificateId, actionOf(reason), decide, basis);
}

interface RevocationBasis {
  /** It takes effect at once although it is listed as what needs a second person. */
  readonly withoutSecondPerson?: true;
  readonly approval?: ProposalApproval;
}

/**
 * What revoking a certificate for this reason would mean now.
 * @throws ServiceError as `revoke`
 */
export const decideToRevoke = (
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  reason: RevocationReason,
): Promise<DecidedChange> => decided(parts, principal, certificateId, revoking(parts, reason));

const revoking =
  ({ clock }: RevocationParts, reason: RevocationReason): Decide =>
  (status, isAuthority) =>
    decideRevocation(status, reason, isAuthority, clock());

/**
 * Revokes a certificate as `revoke` does, unless it is that of an authority: whoever means a
 * subscriber is not to end an authority by having the wrong one of a chain at hand.
 * @throws ServiceError as `revoke`, and `revocation-refused` for the certificate of an authority
 */
export async function revokeLeaf(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  reason: RevocationReason,
): Promise<StatusChange> {
  const decide: Decide = (status, isAuthority) =>
    isAuthority
      ? { kind: 'reason-refused', message: 'it is the certificate of an authority' }
      : decideRevocation(status, reason, false, parts.clock());
  return atOnce(await change(parts, principal, certificateId, actionOf(reason), decide, {}));
}

function atOnce(done: StatusChange | 'not-waiting'): StatusChange {
  if (done === 'not-waiting') throw new Error('nothing waited for a second person');
  return done;
}

/**
 * Lifts a hold.
 * @throws ServiceError `not-found`; `not-permitted`; `conflict` when the certificate is revoked
 */
export async function release(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
): Promise<StatusChange> {
  const action = 'certificate.released';
  return atOnce(await change(parts, principal, certificateId, action, decideRelease, {}));
}

type Decide = (status: Status, isAuthority: boolean) => StatusDecision;

/** A change of a certificate's status that nothing speaks against. */
export interface DecidedChange {
  readonly record: CertificateRecord;
  readonly issuerId: string;
  /** Whose authority has signed it. */
  readonly issuerOrganizationId?: string;
  readonly from: Status;
  /** That of the certificate, if it is still known. */
  readonly profile: Profile | undefined;
  readonly isAuthority: boolean;
  readonly decision: Extract<StatusDecision, { readonly kind: 'change' | 'unchanged' }>;
}

async function decided(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  decide: Decide,
): Promise<DecidedChange> {
  const { record, ...issuer } = await revocable(parts, principal, certificateId);
  const { issuerId } = record;
  const from = changeableStatus(record);
  if (issuerId === undefined || !from) {
    throw new ServiceError('conflict', `${certificateId} is not a certificate that evpki issued`);
  }
  const profile = parts.profiles.get(record.profile);
  requireKind(parts.access, principal, REVOKE, profile?.kind);
  // One of a profile that is not declared any more is none the less the end of all below it.
  const isAuthority = profile
    ? profile.extensions.basicConstraints?.ca === true
    : (await parts.revocations.issuerOfCertificate(certificateId)) !== undefined;
  if (isAuthority && !permits(parts.access, principal, REVOKE_AUTHORITY)) {
    throw new ServiceError('not-permitted', `none of your roles permits ${REVOKE_AUTHORITY}`);
  }
  const decision = decide(from, isAuthority);
  if (decision.kind === 'conflict') throw new ServiceError('conflict', decision.message);
  if (decision.kind === 'reason-refused') {
    throw new ServiceError('revocation-refused', decision.message);
  }
  return { record, issuerId, ...issuer, from, profile, isAuthority, decision };
}

const actionOf = (reason: RevocationReason): string =>
  reason === 'certificateHold' ? 'certificate.held' : 'certificate.revoked';

async function change(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
  action: string,
  decide: Decide,
  { approval, withoutSecondPerson }: RevocationBasis,
): Promise<StatusChange | 'not-waiting'> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const found = await decided(parts, principal, certificateId, decide);
    const { record, issuerId, issuerOrganizationId, from, profile, isAuthority, decision } = found;
    if (decision.kind === 'unchanged') {
      // An approval was for a change: whoever has made it meanwhile needed none.
      if (approval) throw new ServiceError('conflict', `${certificateId} is ${from.state} already`);
      // It may be news here: another process changed it, or COMMIT was not confirmed before.
      parts.statusChanged(issuerId, record.serial);
      return { certificate: summaryOf(record, parts.clock()), issuerId };
    }
    const now = parts.clock();
    const revokesIssuerId = isAuthority
      ? await parts.revocations.issuerOfCertificate(certificateId)
      : undefined;
    const result = await parts.revocations.recordStatusChange({
      certificateId,
      from,
      to: decision.to,
      blockKey: decision.blocksKey,
      ...(revokesIssuerId === undefined ? {} : { revokesIssuerId }),
      crlDue: new Date(now.getTime() + CRL_DELAY_MILLISECONDS),
      audit: {
        at: now,
        organizationId: record.organizationId,
        ...(issuerOrganizationId === undefined ? {} : { counterpart: issuerOrganizationId }),
        actor: principal.actor,
        action,
        subject: certificateId,
        details: {
          issuer: issuerId,
          serial: record.serial,
          from: from.state,
          ...(decision.to.reason === undefined ? {} : { reason: decision.to.reason }),
          ...(decision.blocksKey ? { blocksKey: true } : {}),
          // The issuer that ends with this certificate.
          ...(revokesIssuerId === undefined ? {} : { ofIssuer: revokesIssuerId }),
          ...(revokesIssuerId === issuerId ? rootDetails(record, profile) : {}),
          ...(approval ? agreedBy(approval) : {}),
          ...(withoutSecondPerson ? { withoutSecondPerson } : {}),
        },
      },
      ...(approval ? { approval } : {}),
    });
    if (result.outcome === 'not-waiting') return result.outcome;
    if (result.outcome === 'changed') {
      parts.statusChanged(issuerId, record.serial, result.sequence);
      const changed = await parts.certificates.findCertificate(certificateId);
      const certificate = summaryOf(changed ?? record, parts.clock());
      return { certificate, issuerId, sequence: result.sequence };
    }
    // Somebody else changed it in between: decide again on what it is now.
  }
  throw new ServiceError('conflict', `the status of ${certificateId} keeps changing`);
}

/** Of a root what all pools have said of it, so that everybody can be told that they do no more. */
const rootDetails = ({ der, subject }: CertificateRecord, profile: Profile | undefined) =>
  der === undefined || profile?.rootType === undefined
    ? {}
    : { rootType: profile.rootType, sha256: fingerprint(der), name: subject };

/**
 * The certificate, for its own organization and for that of the authority that signed it: whoever
 * answers for a signature can take it back (RFC 5280 3.3).
 */
async function revocable(
  parts: RevocationParts,
  principal: Principal,
  certificateId: string,
): Promise<{ record: CertificateRecord; issuerOrganizationId?: string }> {
  const record = await parts.certificates.findCertificate(certificateId);
  const issuer =
    record?.issuerId === undefined
      ? undefined
      : await parts.authorities.findIssuer(record.issuerId);
  const authority = issuer && (await parts.authorities.findAuthority(issuer.authorityId));
  const mayReach = [record?.organizationId, authority?.organizationId].some(
    (organization) => organization !== undefined && reaches(parts.access, principal, organization),
  );
  if (!record || !mayReach) {
    throw new ServiceError('not-found', `there is no certificate ${certificateId}`);
  }
  return { record, ...(authority ? { issuerOrganizationId: authority.organizationId } : {}) };
}

function changeableStatus(record: CertificateRecord): Status | undefined {
  const { state, revocationReason: reason, revokedAt } = record;
  if (state !== 'issued' && state !== 'held' && state !== 'revoked') return undefined;
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(revokedAt === undefined ? {} : { revokedAt }),
  };
}
