/** What waits for a second person, the hash that an approval is bound to, and the port that stores it. */

import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../pki/canonical-json.ts';
import type { ProposableAction } from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Page, PageWanted } from './pages.ts';

/** What somebody has asked for that takes effect once somebody else agrees. */
export interface ProposedCommand {
  readonly id: string;
  /** Whose thing it is about, and in whose log it stands. */
  readonly organizationId: string;
  readonly action: ProposableAction;
  /** The id of what it is about, such as that of a trust anchor. */
  readonly subject: string;
  /** What is to be done, and to what as it was then; no secrets. */
  readonly command: Json;
  /** As audit entries name it. */
  readonly proposer: string;
  readonly createdAt: Date;
  /** The last moment at which it can be approved. */
  readonly expiresAt: Date;
}

export interface Proposal extends ProposedCommand {
  /** Of all that is proposed, as it was when it was made; see `proposalHash`. */
  readonly sha256: string;
  readonly state: 'waiting' | 'approved' | 'rejected' | 'withdrawn';
  readonly decidedBy?: string;
  readonly decidedAt?: Date;
  /** Why it was rejected. */
  readonly reason?: string;
  /** The certificate that it has come to, or comes to while it `isIssuing`. */
  readonly certificateId?: string;
  /** Approved, and what it has come to is being signed: it waits again if that comes to nothing. */
  readonly isIssuing?: true;
}

/** What a proposal is at a moment: `issuing` and `expired` are derived, never stored. */
export const proposalStates = [
  'waiting',
  'issuing',
  'approved',
  'rejected',
  'withdrawn',
  'expired',
] as const;
export type ProposalState = (typeof proposalStates)[number];

export const proposalStateAt = (
  { state, expiresAt, isIssuing }: Proposal,
  now: Date,
): ProposalState => {
  if (state === 'waiting' && expiresAt < now) return 'expired';
  return isIssuing ? 'issuing' : state;
};

/** SHA-256, hex, of the canonical JSON of everything that is proposed, by whom and until when. */
export const proposalHash = (proposed: ProposedCommand): string =>
  createHash('sha256')
    .update(
      canonicalJson({
        id: proposed.id,
        organization: proposed.organizationId,
        action: proposed.action,
        subject: proposed.subject,
        command: proposed.command,
        proposer: proposed.proposer,
        createdAt: proposed.createdAt.toISOString(),
        expiresAt: proposed.expiresAt.toISOString(),
      }),
    )
    .digest('hex');

/**
 * That a second person agrees. It goes along with the command that takes effect, or with the first
 * one where there are several: the store writes both in one transaction, or neither.
 */
export interface ProposalApproval {
  readonly proposalId: string;
  /** Of the row that was read: one that is another by now is not approved. */
  readonly sha256: string;
  readonly by: string;
  readonly at: Date;
  readonly audit: AuditEvent;
}

/** What the audit entry of an effect says of the agreement to it. */
export const agreedBy = ({ proposalId, by }: ProposalApproval) => ({
  proposal: proposalId,
  approvedBy: by,
});

export interface ProposalStore {
  /**
   * Adds one, unless the same proposer waits for the same already: then that one is returned.
   */
  recordProposal(command: {
    readonly proposal: Proposal;
    readonly audit: AuditEvent;
  }): Promise<
    { readonly outcome: 'recorded' } | { readonly outcome: 'repeat'; readonly proposal: Proposal }
  >;

  /**
   * Ends one without effect.
   * @returns `not-waiting`, and nothing changed, when it is decided or was for too long
   */
  endProposal(
    command: {
      readonly id: string;
      readonly by: string;
      readonly at: Date;
      readonly audit: AuditEvent;
    } & ({ readonly state: 'rejected'; readonly reason: string } | { readonly state: 'withdrawn' }),
  ): Promise<'ended' | 'not-waiting'>;

  findProposal(id: string): Promise<Proposal | undefined>;

  /**
   * Newest first.
   * @param filter.state at the moment `now`
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listProposals(
    filter: {
      readonly organizationId?: string;
      readonly state?: ProposalState;
      readonly now: Date;
    },
    page: PageWanted,
  ): Promise<Page<Proposal>>;
}
