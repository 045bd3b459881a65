/**
 * Revoking an authority where that needs a second person, since everything below it ends with it. A
 * stolen key must not wait for anybody: for `keyCompromise` and `cACompromise` it takes effect at
 * once. So does revoking a cross-certificate, which only ends trust in somebody else's root.
 */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { RevocationReason } from '../pki/revocation-reasons.ts';
import { type Principal, type ProposableAction, reaches } from './access-policy.ts';
import type { ActiveDeclarations } from './active-declarations.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { ServiceError } from './errors.ts';
import type { Proposal, ProposalApproval } from './proposal-records.ts';
import { type ProposalParts, type ProposalView, propose } from './proposals.ts';
import {
  type DecidedChange,
  decideToRevoke,
  REVOKE_AUTHORITY,
  type RevocationParts,
  revoke,
  type StatusChange,
} from './revocation.ts';

export interface RevocationProposalParts extends RevocationParts, ProposalParts {
  readonly secondPerson: ReadonlySet<ProposableAction>;
  readonly declarations: Pick<ActiveDeclarations, 'requireActive'>;
}

/** What became of a wish to revoke. */
export type RevocationOutcome =
  | { readonly outcome: 'changed'; readonly change: StatusChange }
  | { readonly outcome: 'waiting'; readonly view: ProposalView };

/** What stands in a proposal: the certificate, whose authority it is, and its status until now. */
const revocationCommand = z.strictObject({
  certificateSha256: z.string(),
  name: z.string(),
  profile: z.string(),
  authority: z.string().optional(),
  before: z.enum(['issued', 'held', 'revoked']),
  reason: z.enum([
    ...(['unspecified', 'affiliationChanged', 'superseded'] as const),
    ...(['cessationOfOperation', 'privilegeWithdrawn'] as const),
  ]),
});

/**
 * Revokes or holds a certificate, or proposes to.
 * @throws ServiceError as `revoke`; `declarations-superseded` where it could need a second person:
 *   whether it does, the newest access policy says
 */
export async function revokeOrPropose(
  parts: RevocationProposalParts,
  principal: Principal,
  certificateId: string,
  reason: RevocationReason,
): Promise<RevocationOutcome> {
  const wanted = await decideToRevoke(parts, principal, certificateId, reason);
  const endsAuthority = wanted.isAuthority && wanted.decision.kind === 'change';
  const isUrgent = isCompromise(reason);
  const mayWait = endsAuthority && !isUrgent && wanted.profile?.kind !== 'cross-ca';
  if (mayWait) await parts.declarations.requireActive();
  if (mayWait && parts.secondPerson.has(REVOKE_AUTHORITY)) {
    const proposed = {
      organizationId: organizationOf(parts, principal, wanted),
      action: REVOKE_AUTHORITY,
      subject: certificateId,
      command: await commandOf(parts, wanted, reason),
    };
    return { outcome: 'waiting', view: await propose(parts, principal, proposed) };
  }
  const isException = endsAuthority && isUrgent && parts.secondPerson.has(REVOKE_AUTHORITY);
  const basis = isException ? { withoutSecondPerson: true as const } : {};
  return {
    outcome: 'changed',
    change: await revoke(parts, principal, certificateId, reason, basis),
  };
}

const isCompromise = (reason: RevocationReason): boolean =>
  reason === 'keyCompromise' || reason === 'cACompromise';

/**
 * Whose second person is to agree: of the organization that the proposer acts for, be it that of
 * the authority or that of the one above.
 */
function organizationOf(
  { access }: RevocationParts,
  principal: Principal,
  { record, issuerOrganizationId }: DecidedChange,
): string {
  const isOwn = reaches(access, principal, record.organizationId);
  return isOwn ? record.organizationId : (issuerOrganizationId ?? record.organizationId);
}

async function commandOf(
  parts: RevocationParts,
  { record, from }: DecidedChange,
  reason: RevocationReason,
) {
  const issuerId = await parts.revocations.issuerOfCertificate(record.id);
  const issuer = issuerId === undefined ? undefined : await parts.authorities.findIssuer(issuerId);
  return {
    certificateSha256: sha256Of(record),
    name: record.subject,
    profile: record.profile,
    ...(issuer ? { authority: issuer.authorityId } : {}),
    before: from.state,
    reason,
  };
}

const sha256Of = ({ der }: CertificateRecord): string =>
  createHash('sha256')
    .update(der ?? new Uint8Array())
    .digest('hex');

/** See `TakeEffect`. What somebody else has revoked in between stays as that one said. */
export async function revokeAsProposed(
  parts: RevocationParts,
  proposer: Principal,
  { id: proposalId, subject, organizationId, command }: Proposal,
  approval: ProposalApproval,
): Promise<'done' | 'not-waiting'> {
  const read = revocationCommand.safeParse(command);
  if (!read.success) {
    throw new ServiceError('proposal-changed', `${proposalId} is not about revoking an authority`);
  }
  const { reason, before, certificateSha256 } = read.data;
  const wanted = await decideToRevoke(parts, proposer, subject, reason);
  if (
    sha256Of(wanted.record) !== certificateSha256 ||
    organizationOf(parts, proposer, wanted) !== organizationId
  ) {
    throw new ServiceError('proposal-changed', `${proposalId} is not about this certificate`);
  }
  if (wanted.from.state !== before) {
    throw new ServiceError('conflict', `${subject} is ${wanted.from.state} by now`);
  }
  const done = await revoke(parts, proposer, subject, reason, { approval });
  return done === 'not-waiting' ? done : 'done';
}
