/**
 * Proposals: what `secondPerson` of policies/access.yaml lists does not take effect when somebody
 * asks for it, but once somebody else agrees (docs/adr/0030-dual-control.md). Made, looked at,
 * rejected and taken back here; approved in proposal-approval.ts.
 */

import { canonicalJson, type Json } from '../pki/canonical-json.ts';
import type { CertificateKind, Profile } from '../pki/profile.ts';
import {
  type AccessPolicy,
  APPROVE_PROPOSALS,
  type Principal,
  type ProposableAction,
  reaches,
  reachesEveryOrganization,
  requireKind,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import {
  type Proposal,
  type ProposalState,
  type ProposalStore,
  type ProposedCommand,
  proposalHash,
  proposalStateAt,
} from './proposal-records.ts';
import type { RandomBytes } from './serial-numbers.ts';

/** How long a proposal waits: over a weekend and a public holiday, and not until it is forgotten. */
const WAITING_DAYS = 7;
/** How often somebody else may decide, and lose it again, while we do. */
export const ATTEMPTS = 5;

export interface ProposalParts {
  readonly proposals: ProposalStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** A proposal and what it is at the moment. */
export interface ProposalView {
  readonly proposal: Proposal;
  readonly state: ProposalState;
}

/**
 * Has something wait for a second person. Its use case has checked it as far as it can be.
 * @returns the one that waits already when its proposer asks the same again
 */
export async function propose(
  parts: ProposalParts,
  principal: Principal,
  wanted: Pick<ProposedCommand, 'organizationId' | 'action' | 'subject'> & {
    readonly command: Json;
  },
): Promise<ProposalView> {
  const createdAt = parts.clock();
  const proposed: ProposedCommand = {
    ...wanted,
    id: newId('prp', parts.random),
    proposer: principal.actor,
    createdAt,
    expiresAt: new Date(createdAt.getTime() + WAITING_DAYS * 86_400_000),
  };
  const proposal: Proposal = { ...proposed, sha256: proposalHash(proposed), state: 'waiting' };
  const audit = proposalAudit(proposal, createdAt, principal, 'made', {
    command: canonicalJson(proposal.command),
    expiresAt: proposal.expiresAt.toISOString(),
  });
  const recorded = await parts.proposals.recordProposal({ proposal, audit });
  return viewOf(recorded.outcome === 'repeat' ? recorded.proposal : proposal, createdAt);
}

/** @throws ServiceError `not-found`, also for proposals of organizations out of reach */
export async function findProposal(
  parts: Pick<ProposalParts, 'proposals' | 'access' | 'clock'>,
  principal: Principal,
  id: string,
): Promise<ProposalView> {
  const proposal = await parts.proposals.findProposal(id);
  if (!proposal || !reaches(parts.access, principal, proposal.organizationId)) {
    throw new ServiceError('not-found', `there is no proposal ${id}`);
  }
  return viewOf(proposal, parts.clock());
}

/**
 * A page of proposals, newest first.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned
 */
export async function listProposals(
  parts: Pick<ProposalParts, 'proposals' | 'access' | 'clock'>,
  principal: Principal,
  wanted: PageWanted & { readonly state?: ProposalState },
): Promise<Page<ProposalView>> {
  const { state } = wanted;
  const now = parts.clock();
  const filter = {
    now,
    ...(state === undefined ? {} : { state }),
    ...(reachesEveryOrganization(parts.access, principal)
      ? {}
      : { organizationId: principal.organizationId }),
  };
  const page = await readPage(wanted, (position) =>
    parts.proposals.listProposals(filter, position),
  );
  return { ...page, items: page.items.map((proposal) => viewOf(proposal, now)) };
}

/** A proposal that the principal's role lets it decide on. */
export async function decidable(
  parts: Pick<ProposalParts, 'proposals' | 'profiles' | 'access' | 'clock'>,
  principal: Principal,
  id: string,
): Promise<ProposalView> {
  const view = await findProposal(parts, principal, id);
  const kind = kindToDecideOn(parts, view.proposal);
  requireKind(parts.access, principal, APPROVE_PROPOSALS, kind);
  return view;
}

/**
 * The kind of certificates that a role has to be for which decides on it: that of the profile that
 * its command names, where it is not the same for all.
 */
const kindOf: Readonly<Record<ProposableAction, CertificateKind | 'of its profile'>> = {
  'trust-anchors:trust': 'root-ca',
  'authorities:grant': 'of its profile',
  'authorities:cross-certify': 'cross-ca',
  'authorities:revoke': 'of its profile',
  'authorities:export': 'sub-ca',
};

/** Undefined, which only those are for who are for every kind, where nobody knows the profile. */
function kindToDecideOn(
  { profiles }: Pick<ProposalParts, 'profiles'>,
  { action, command }: Proposal,
): CertificateKind | undefined {
  const kind = kindOf[action];
  if (kind !== 'of its profile') return kind;
  const { profile } = command as { readonly profile?: Json };
  return typeof profile === 'string' ? profiles.get(profile)?.kind : undefined;
}

/**
 * Rejects a proposal for good. It may be one's own: nobody else has to agree to leave things as
 * they are.
 * @throws ServiceError `not-found`; `not-permitted`; `conflict` for what does not wait, but for one
 *   that was rejected for the same reason
 */
export async function rejectProposal(
  parts: ProposalParts,
  principal: Principal,
  id: string,
  reason: string,
): Promise<ProposalView> {
  const end = async (proposal: Proposal): Promise<boolean> => {
    const at = parts.clock();
    const audit = proposalAudit(proposal, at, principal, 'rejected', { reason });
    const command = { id, state: 'rejected', by: principal.actor, at, reason, audit } as const;
    return (await parts.proposals.endProposal(command)) === 'ended';
  };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const view = await decidable(parts, principal, id);
    if (view.state === 'rejected' && view.proposal.reason === reason) return view;
    requireWaiting(view);
    if (await end(view.proposal)) return findProposal(parts, principal, id);
  }
  throw others(id);
}

/**
 * Takes back a proposal of one's own.
 * @throws ServiceError `not-found`; `conflict` for what does not wait, but for one that was taken
 *   back before; `not-permitted` for somebody else's
 */
export async function withdrawProposal(
  parts: ProposalParts,
  principal: Principal,
  id: string,
): Promise<ProposalView> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const view = await findProposal(parts, principal, id);
    const isOwn = view.proposal.proposer === principal.actor;
    if (isOwn && view.state === 'withdrawn') return view;
    requireWaiting(view);
    if (!isOwn) throw new ServiceError('not-permitted', `${id} is a proposal of somebody else`);
    const at = parts.clock();
    const audit = proposalAudit(view.proposal, at, principal, 'withdrawn');
    const command = { id, state: 'withdrawn', by: principal.actor, at, audit } as const;
    const ended = await parts.proposals.endProposal(command);
    if (ended === 'ended') return findProposal(parts, principal, id);
  }
  throw others(id);
}

/** @throws ServiceError `conflict` saying what became of it */
export function requireWaiting({ proposal, state }: ProposalView): void {
  if (state !== 'waiting') throw new ServiceError('conflict', `${proposal.id} ${sentences[state]}`);
}

const sentences: Readonly<Record<Exclude<ProposalState, 'waiting'>, string>> = {
  issuing: 'was approved and is being carried out',
  approved: 'was approved and has taken effect',
  rejected: 'was rejected',
  withdrawn: 'was taken back by its proposer',
  expired: 'has waited too long',
};

export const others = (id: string) => new ServiceError('conflict', `others keep deciding on ${id}`);

const viewOf = (proposal: Proposal, now: Date): ProposalView => ({
  proposal,
  state: proposalStateAt(proposal, now),
});

export const proposalAudit = (
  { id, organizationId, action, subject, sha256, proposer }: Proposal,
  at: Date,
  { actor }: Pick<Principal, 'actor'>,
  what: 'made' | 'approved' | 'rejected' | 'withdrawn',
  details: AuditEvent['details'] = {},
): AuditEvent => ({
  at,
  organizationId,
  actor,
  action: `proposal.${what}`,
  subject: id,
  details: { action, about: subject, sha256, proposer, ...details },
});
