/**
 * Granting an authority to another organization where that needs a second person. A grant that is
 * there already changes nothing, and one is withdrawn at once.
 */

import { z } from 'zod';
import type { Principal, ProposableAction } from './access-policy.ts';
import type { ActiveDeclarations } from './active-declarations.ts';
import type { AuthorityGrant } from './authority-grant-records.ts';
import {
  GRANT,
  type GrantParts,
  grantAuthority,
  grantableTo,
  grantEvent,
} from './authority-grants.ts';
import { ServiceError } from './errors.ts';
import { agreedBy, type Proposal, type ProposalApproval } from './proposal-records.ts';
import { type ProposalParts, type ProposalView, propose } from './proposals.ts';

export interface GrantProposalParts extends GrantParts, ProposalParts {
  readonly secondPerson: ReadonlySet<ProposableAction>;
  readonly declarations: Pick<ActiveDeclarations, 'requireActive'>;
}

/** What stands in a proposal; `profile` is that of the authority. */
const grantCommand = z.strictObject({
  organization: z.string(),
  profile: z.string(),
  before: z.literal('not-granted'),
});

/**
 * Grants an authority, or proposes it.
 * @throws ServiceError as `grantAuthority`; `declarations-superseded`: whether it needs a second
 *   person, the newest access policy says
 */
export async function grantOrPropose(
  parts: GrantProposalParts,
  principal: Principal,
  authorityId: string,
  organizationId: string,
): Promise<
  | { readonly outcome: 'granted'; readonly grant: AuthorityGrant; readonly created: boolean }
  | { readonly outcome: 'waiting'; readonly view: ProposalView }
> {
  const authority = await grantableTo(parts, principal, authorityId, organizationId);
  const grant = await parts.grants.findGrant(authorityId, organizationId);
  if (grant) return { outcome: 'granted', grant, created: false };
  await parts.declarations.requireActive();
  if (!parts.secondPerson.has(GRANT)) {
    const granted = await grantAuthority(parts, principal, authorityId, organizationId);
    return { outcome: 'granted', ...granted };
  }
  const { organizationId: owner, profile } = authority;
  const before = 'not-granted';
  const command = { organization: organizationId, profile, before };
  const proposed = { organizationId: owner, action: GRANT, subject: authorityId, command };
  return { outcome: 'waiting', view: await propose(parts, principal, proposed) };
}

/** See `TakeEffect`. What somebody else has granted in between is not granted once more. */
export async function grantAsProposed(
  parts: GrantParts,
  proposer: Principal,
  { id: proposalId, subject, organizationId: owner, command }: Proposal,
  approval: ProposalApproval,
): Promise<'done' | 'not-waiting'> {
  const read = grantCommand.safeParse(command);
  if (!read.success) {
    throw new ServiceError('proposal-changed', `${proposalId} is not about a grant`);
  }
  const { organization: grantedTo, profile } = read.data;
  const authority = await grantableTo(parts, proposer, subject, grantedTo);
  if (authority.organizationId !== owner || authority.profile !== profile) {
    throw new ServiceError('proposal-changed', `${proposalId} is not about this authority`);
  }
  const event = grantEvent(authority, grantedTo, 'granted', proposer.actor, approval.at);
  const outcome = await parts.grants.putGrant({
    authorityId: subject,
    organizationId: grantedTo,
    audit: { ...event, details: { ...event.details, ...agreedBy(approval) } },
    approval,
  });
  if (outcome === 'exists') {
    throw new ServiceError('conflict', `${subject} was granted to ${grantedTo} in between`);
  }
  return outcome === 'granted' ? 'done' : outcome;
}
