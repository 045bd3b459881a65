/**
 * Certifying another root where that needs a second person. The approval goes with the pending
 * certificate: one that comes to nothing after that, as when its process is killed, is abandoned
 * by whoever recovers, and the proposal waits again.
 */

import { z } from 'zod';
import { type Certificate, fingerprint } from '../pki/certificate.ts';
import { nameText } from '../pki/names.ts';
import { toPem } from '../pki/pem.ts';
import { type Principal, type ProposableAction, reaches } from './access-policy.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import {
  CROSS_CERTIFY,
  type CrossCertification,
  type CrossCertificationParts,
  crossCertification,
  crossCertify,
} from './cross-certification.ts';
import { ServiceError } from './errors.ts';
import type { Proposal, ProposalApproval } from './proposal-records.ts';
import { type ProposalParts, type ProposalView, propose } from './proposals.ts';

export interface CrossProposalParts extends CrossCertificationParts, ProposalParts {
  readonly secondPerson: ReadonlySet<ProposableAction>;
}

/** What stands in a proposal: the other root, and by whose key and what profile it is certified. */
const crossCommand = z.strictObject({
  certificate: z.string(),
  certificateSha256: z.string(),
  root: z.string(),
  notAfter: z.string(),
  issuer: z.string(),
  profile: z.string(),
  profileHash: z.string(),
});

const commandOf = ({ root, issuer, profile }: CrossCertification) => ({
  certificate: pemOf(root),
  certificateSha256: fingerprint(root.der),
  root: nameText(root.subject),
  notAfter: root.notAfter.toISOString(),
  issuer: issuer.issuer.id,
  profile: profile.name,
  profileHash: profile.hash,
});

/** However the caller has wrapped it, the same root is the same proposal. */
const pemOf = ({ der }: Certificate): string => toPem('CERTIFICATE', der);

/**
 * Certifies another root by an authority that the caller reaches, or proposes it.
 * @param pem the other root's own certificate
 * @throws ServiceError as `crossCertification` and `crossCertify`
 */
export async function crossCertifyOrPropose(
  parts: CrossProposalParts,
  principal: Principal,
  authority: Authority,
  pem: string,
): Promise<
  | { readonly outcome: 'issued'; readonly certificateId: string }
  | { readonly outcome: 'waiting'; readonly view: ProposalView }
> {
  const wanted = await crossCertification(parts, principal, authority, pem);
  if (parts.secondPerson.has(CROSS_CERTIFY)) {
    const { organizationId, id: subject } = authority;
    const proposed = { organizationId, action: CROSS_CERTIFY, subject, command: commandOf(wanted) };
    return { outcome: 'waiting', view: await propose(parts, principal, proposed) };
  }
  const issued = await crossCertify(parts, principal, authority, wanted);
  if (issued === 'not-waiting') throw new Error('nothing waited for a second person');
  return { outcome: 'issued', ...issued };
}

/**
 * See `TakeEffect`. With another key of the authority, or another profile, than when it was
 * proposed, it would be another certificate than its approver has seen.
 */
export async function crossCertifyAsProposed(
  parts: CrossCertificationParts & { readonly authorities: AuthorityStore },
  proposer: Principal,
  { id: proposalId, subject, organizationId, command }: Proposal,
  approval: ProposalApproval,
): Promise<'done' | 'not-waiting'> {
  const read = crossCommand.safeParse(command);
  const authority = await parts.authorities.findAuthority(subject);
  if (!authority || !reaches(parts.access, proposer, authority.organizationId)) {
    throw new ServiceError('not-found', `there is no authority ${subject}`);
  }
  if (!read.success || authority.organizationId !== organizationId) {
    throw new ServiceError('proposal-changed', `${proposalId} is not about this authority`);
  }
  const proposed = read.data;
  const wanted = await crossCertification(parts, proposer, authority, proposed.certificate);
  const current = commandOf(wanted);
  if (current.certificateSha256 !== proposed.certificateSha256) {
    throw new ServiceError('proposal-changed', `${proposalId} is about another root than it says`);
  }
  if (current.issuer !== proposed.issuer) {
    throw new ServiceError('conflict', `${subject} signs with another key by now`);
  }
  if (current.profile !== proposed.profile || current.profileHash !== proposed.profileHash) {
    throw new ServiceError('conflict', `${proposed.profile} is another profile by now`);
  }
  const issued = await crossCertify(parts, proposer, authority, wanted, approval);
  return issued === 'not-waiting' ? issued : 'done';
}
