/**
 * Trusting a root of somebody else where that needs a second person: what adds trust waits, what
 * takes it away, or only hands a root on, takes effect at once.
 */

import { z } from 'zod';
import type { Principal, ProposableAction } from './access-policy.ts';
import type { ActiveDeclarations } from './active-declarations.ts';
import { ServiceError } from './errors.ts';
import type { Proposal, ProposalApproval } from './proposal-records.ts';
import { type ProposalParts, type ProposalView, propose } from './proposals.ts';
import { type AnchorPurpose, anchorPurposes, type TrustAnchor } from './trust-anchor-records.ts';
import {
  inOrder,
  TRUST,
  type TrustAnchorParts,
  trustAnchor,
  trustableAnchor,
} from './trust-anchors.ts';

export interface TrustParts extends TrustAnchorParts, ProposalParts {
  readonly secondPerson: ReadonlySet<ProposableAction>;
  readonly declarations: Pick<ActiveDeclarations, 'requireActive'>;
}

const purposes = z.array(z.enum(anchorPurposes));
/** What stands in a proposal: what the root is for, and was when it was proposed. */
const trustCommand = z.strictObject({ certificateSha256: z.string(), before: purposes, purposes });

/**
 * Says what an anchor is for, or proposes it.
 * @throws ServiceError as `trustAnchor`; `declarations-superseded` for more trust: whether that
 *   needs a second person, the newest access policy says
 */
export async function trustOrPropose(
  parts: TrustParts,
  principal: Principal,
  id: string,
  wanted: readonly AnchorPurpose[],
): Promise<
  | { readonly outcome: 'trusted'; readonly anchor: TrustAnchor }
  | { readonly outcome: 'waiting'; readonly view: ProposalView }
> {
  const anchor = await trustableAnchor(parts, principal, id);
  const { purposes: before, sha256, organizationId } = anchor;
  const moreTrust = wanted.some((one) => one !== 'distribute' && !before.includes(one));
  if (moreTrust) await parts.declarations.requireActive();
  if (!moreTrust || !parts.secondPerson.has(TRUST)) {
    const current = { before };
    return { outcome: 'trusted', anchor: await trustAnchor(parts, principal, id, wanted, current) };
  }
  const command = { certificateSha256: sha256, before: [...before], purposes: inOrder(wanted) };
  const proposed = { organizationId, action: TRUST, subject: id, command };
  return { outcome: 'waiting', view: await propose(parts, principal, proposed) };
}

/**
 * See `TakeEffect`. An anchor that is for something else by now than when it was proposed stays
 * so: nobody has agreed to take that back.
 */
export async function trustAsProposed(
  parts: TrustAnchorParts,
  proposer: Principal,
  { id: proposalId, subject, organizationId, command }: Proposal,
  approval: ProposalApproval,
): Promise<'done' | 'not-waiting'> {
  const read = trustCommand.safeParse(command);
  const anchor = await trustableAnchor(parts, proposer, subject);
  if (
    !read.success ||
    anchor.organizationId !== organizationId ||
    anchor.sha256 !== read.data.certificateSha256
  ) {
    throw new ServiceError('proposal-changed', `${proposalId} is not about this trust anchor`);
  }
  const { before, purposes: to } = read.data;
  const done = await trustAnchor(parts, proposer, subject, to, { before, approval });
  return done === 'not-waiting' ? done : 'done';
}
