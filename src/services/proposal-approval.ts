/**
 * Approving a proposal: what its approver has seen is what is on record, whoever proposed it may
 * still do it, policy runs once more, and it takes effect in the transaction that approves it. Of
 * any number of decisions at once, the database lets one stand.
 */

import { type ViolationCode, violation } from '../pki/violations.ts';
import { isEnabled, principalOf } from './access.ts';
import { inRolesFor, type Principal, type ProposableAction, permits } from './access-policy.ts';
import type { ApiClientStore } from './access-records.ts';
import { grantAsProposed } from './authority-grant-proposals.ts';
import type { GrantParts } from './authority-grants.ts';
import { makersOf } from './client-makers.ts';
import type { CrossCertificationParts } from './cross-certification.ts';
import { crossCertifyAsProposed } from './cross-certification-proposals.ts';
import { type ErrorCode, ServiceError } from './errors.ts';
import { type ExportParts, exportAsProposed } from './exports.ts';
import { type Proposal, type ProposalApproval, proposalHash } from './proposal-records.ts';
import {
  ATTEMPTS,
  decidable,
  findProposal,
  others,
  type ProposalParts,
  type ProposalView,
  proposalAudit,
  requireWaiting,
} from './proposals.ts';
import type { RevocationParts } from './revocation.ts';
import { revokeAsProposed } from './revocation-proposals.ts';
import { trustAsProposed } from './trust-anchor-proposals.ts';
import type { TrustAnchorParts } from './trust-anchors.ts';

/** Those of every action that can be proposed. */
export interface ProposalApprovalParts
  extends ProposalParts,
    Omit<TrustAnchorParts, 'organizations'>,
    GrantParts,
    RevocationParts,
    CrossCertificationParts,
    ExportParts {
  readonly clients: Pick<ApiClientStore, 'findClient'>;
  readonly certificates: RevocationParts['certificates'];
  readonly organizations: GrantParts['organizations'];
}

/**
 * Carries out a proposal as its proposer, with what is true now.
 * @returns `not-waiting`, and nothing done, when somebody has decided on it in between
 */
export type TakeEffect = (
  parts: ProposalApprovalParts,
  proposer: Principal,
  proposal: Proposal,
  approval: ProposalApproval,
) => Promise<'done' | 'not-waiting'>;

const effects: Readonly<Record<ProposableAction, TakeEffect>> = {
  'trust-anchors:trust': trustAsProposed,
  'authorities:grant': grantAsProposed,
  'authorities:cross-certify': crossCertifyAsProposed,
  'authorities:revoke': revokeAsProposed,
  'authorities:export': exportAsProposed,
};

/** By what the use case of a proposal says when its proposer may not, or cannot, any more. */
const refusals: { readonly [code in ErrorCode]?: ViolationCode } = {
  'not-permitted': 'proposer-not-permitted',
  'not-found': 'proposal-outdated',
  conflict: 'proposal-outdated',
  'export-refused': 'proposal-outdated',
  'authority-not-active': 'proposal-outdated',
  'root-refused': 'proposal-outdated',
};

/**
 * Approves a proposal, which takes effect with it; the same again by the same changes nothing.
 * @param sha256 of the proposal that the approver has seen
 * @throws ServiceError `not-found`; `not-permitted`; `approval-own-request` for one's own;
 *   `approver-not-independent` for that of a client that one has made, or was made by;
 *   `proposal-changed` when it is not the one that was made and seen; `conflict` for what does not
 *   wait; `proposal-refused` with the reasons for what its proposer may not have any more: it goes
 *   on waiting; `declarations-superseded`; `not-ready` while what one has approved is being issued
 */
export async function approveProposal(
  parts: ProposalApprovalParts,
  principal: Principal,
  id: string,
  sha256: string,
): Promise<ProposalView> {
  await parts.declarations.requireActive();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const view = await decidable(parts, principal, id);
    const { proposal } = view;
    if (proposal.proposer === principal.actor) {
      throw new ServiceError('approval-own-request', `${id} is a proposal of your own`);
    }
    requireSame(proposal, sha256);
    const makers = await requireIndependent(parts, principal, proposal);
    const isMine = proposal.decidedBy === principal.actor;
    if (view.state === 'approved' && isMine) return view;
    if (view.state === 'issuing' && isMine) throw notReady(id);
    requireWaiting(view);
    const outcome = await takeEffect(parts, principal, proposal, makers);
    if (outcome === 'done') return findProposal(parts, principal, id);
    // Somebody else has decided in between: look again.
  }
  throw others(id);
}

const notReady = (id: string) =>
  new ServiceError('not-ready', `the certificate that ${id} comes to is being issued`);

/** What is approved is what was made, and what the approver has seen. */
function requireSame(proposal: Proposal, seen: string): void {
  const { id, sha256 } = proposal;
  if (proposalHash(proposal) !== sha256) {
    throw new ServiceError('proposal-changed', `${id} is not on record as it was made`);
  }
  if (seen !== sha256) {
    throw new ServiceError('proposal-changed', `${id} has another sha256 than you have seen`);
  }
}

/** Who made the two, for the log: of two that one person has made, nobody can tell here. */
interface Makers {
  readonly proposerMadeBy?: string;
  readonly approverMadeBy?: string;
}

/** Whoever made the other one has had its secret in hand: the two may be one person. */
async function requireIndependent(
  parts: ProposalApprovalParts,
  { actor }: Principal,
  { id, proposer }: Proposal,
): Promise<Makers> {
  const [ofProposer, ofApprover] = await Promise.all([
    makersOf(parts, proposer),
    makersOf(parts, actor),
  ]);
  if (ofProposer.includes(actor)) throw notIndependent(id, `you have made ${proposer}`);
  if (ofApprover.includes(proposer)) throw notIndependent(id, `${proposer} has made you`);
  return {
    ...optionally('proposerMadeBy', ofProposer[0]),
    ...optionally('approverMadeBy', ofApprover[0]),
  };
}

const optionally = (name: keyof Makers, value: string | undefined): Makers =>
  value === undefined ? {} : { [name]: value };

const notIndependent = (id: string, why: string) =>
  new ServiceError(
    'approver-not-independent',
    `${why}, directly or through others, so ${id} is as good as your own`,
  );

async function takeEffect(
  parts: ProposalApprovalParts,
  principal: Principal,
  proposal: Proposal,
  makers: Makers,
): Promise<'done' | 'not-waiting'> {
  const proposer = await proposerNow(parts, proposal);
  const at = parts.clock();
  const { id: proposalId, sha256 } = proposal;
  const audit = proposalAudit(proposal, at, principal, 'approved', { ...makers });
  try {
    return await effects[proposal.action](parts, proposer, proposal, {
      ...{ proposalId, sha256, by: principal.actor, at, audit },
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const code = refusals[error.code];
    if (code === undefined) throw error;
    throw refused(proposal, code, error.message, error.violations);
  }
}

/**
 * Whoever proposed, in those of its roles of today that permit it. Whoever was shut out, perhaps
 * for what it asked for, gets nothing by having asked before.
 */
async function proposerNow(
  { clients, clock, access }: ProposalApprovalParts,
  proposal: Proposal,
): Promise<Principal> {
  const { proposer, action } = proposal;
  const [kind, id = ''] = proposer.split(':', 2);
  const client = kind === 'client' ? await clients.findClient(id) : undefined;
  if (!client || !isEnabled(client, clock())) {
    const message = `${proposer}, which proposed, has been disabled or has expired`;
    throw refused(proposal, 'proposer-ended', message);
  }
  const principal = principalOf(client);
  if (!permits(access, principal, action)) {
    const message = `none of the roles of ${proposer}, which proposed, permits ${action} any more`;
    throw refused(proposal, 'proposer-not-permitted', message);
  }
  return inRolesFor(access, principal, action);
}

const refused = (
  { id }: Proposal,
  code: ViolationCode,
  message: string,
  reasons: ServiceError['violations'] = [],
) =>
  new ServiceError('proposal-refused', `${id} cannot take effect: ${message}`, [
    violation(code, message),
    ...reasons,
  ]);
