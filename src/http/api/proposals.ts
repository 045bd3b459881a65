import type { Response } from 'express';
import { approveProposal, type ProposalApprovalParts } from '../../services/proposal-approval.ts';
import type { ProposalState } from '../../services/proposal-records.ts';
import {
  findProposal,
  listProposals,
  type ProposalView,
  rejectProposal,
  withdrawProposal,
} from '../../services/proposals.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type { Proposal, ProposalApproval, Rejection } from './types.ts';

export const proposalHandlers = (parts: ProposalApprovalParts) =>
  ({
    async listProposals(request, response, principal) {
      const { state, limit, cursor } = request.query as Record<string, string | undefined>;
      const page = await listProposals(parts, principal, {
        ...pageWanted({ limit, cursor }),
        ...(state === undefined ? {} : { state: state as ProposalState }),
      });
      response.json(pageBody(page, proposalBody));
    },

    async getProposal(request, response, principal) {
      const { id } = request.params as { id: string };
      response.json(proposalBody(await findProposal(parts, principal, id)));
    },

    async approveProposal(request, response, principal) {
      const { id } = request.params as { id: string };
      const { sha256 } = request.body as ProposalApproval;
      response.json(proposalBody(await approveProposal(parts, principal, id, sha256)));
    },

    async rejectProposal(request, response, principal) {
      const { id } = request.params as { id: string };
      const { reason } = request.body as Rejection;
      response.json(proposalBody(await rejectProposal(parts, principal, id, reason)));
    },

    async withdrawProposal(request, response, principal) {
      const { id } = request.params as { id: string };
      response.json(proposalBody(await withdrawProposal(parts, principal, id)));
    },
  }) satisfies Handlers;

/** The answer to what waits for a second person now. */
export function sendProposed(view: ProposalView, response: Response): void {
  response.status(202).location(`/v1/proposals/${view.proposal.id}`).json(proposalBody(view));
}

const proposalBody = ({ proposal, state }: ProposalView): Proposal => ({
  id: proposal.id,
  state,
  organization: proposal.organizationId,
  action: proposal.action,
  subject: proposal.subject,
  command: proposal.command as Proposal['command'],
  sha256: proposal.sha256,
  proposer: proposal.proposer,
  createdAt: proposal.createdAt.toISOString(),
  expiresAt: proposal.expiresAt.toISOString(),
  ...(proposal.decidedBy === undefined ? {} : { decidedBy: proposal.decidedBy }),
  ...(proposal.decidedAt === undefined ? {} : { decidedAt: proposal.decidedAt.toISOString() }),
  ...(state === 'approved' && proposal.certificateId !== undefined
    ? { certificate: proposal.certificateId }
    : {}),
  ...(proposal.reason === undefined ? {} : { rejectionReason: proposal.reason }),
});
