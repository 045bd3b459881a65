/** Proposals in the database, and the approval that is written with what it lets take effect. */

import type { Knex } from 'knex';
import { canonicalJson, type Json } from '../pki/canonical-json.ts';
import type { Proposal, ProposalApproval, ProposalStore } from '../services/proposal-records.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database, WriteTransaction } from './database.ts';
import type { CertificateRow, OrganizationRow } from './rows.ts';
import { optional, timeOf, timeText } from './values.ts';

/** The columns as the drivers return them. */
interface ProposalRow {
  id: string;
  organization_id: string;
  action: Proposal['action'];
  subject: string;
  /** Canonical JSON. */
  command: string;
  /** Of all that is proposed, hex. */
  sha256: string;
  proposer: string;
  created_at: string;
  expires_at: string;
  state: Proposal['state'];
  decided_by: string | null;
  decided_at: string | null;
  reason: string | null;
  certificate_id: string | null;
}

/** With the state of the certificate that it has come to. */
interface FoundRow extends ProposalRow {
  certificate_state: CertificateRow['state'] | null;
}

/** Null without a certificate. */
const CERTIFICATE_STATE = `(
  SELECT certificates.state FROM certificates WHERE certificates.id = proposals.certificate_id)`;
const CERTIFICATE_STATE_NAMED = `${CERTIFICATE_STATE} AS certificate_state`;
const IS_ISSUING = `${CERTIFICATE_STATE} = 'pending'`;
const IS_NOT_ISSUING = `COALESCE(${CERTIFICATE_STATE}, '') <> 'pending'`;

export function proposalStore(database: Database): ProposalStore {
  const { reader } = database;
  const found = () =>
    reader<FoundRow>('proposals').select('*', reader.raw(CERTIFICATE_STATE_NAMED));
  return {
    recordProposal: ({ proposal, audit }) =>
      database.write(async (tx) => {
        const { organizationId, action, subject, command, proposer, createdAt } = proposal;
        // Proposals of one organization are made one after the other.
        await tx
          .knex<OrganizationRow>('organizations')
          .where({ id: organizationId })
          .forUpdate()
          .first('id');
        const same = await waiting(tx, createdAt)
          .where({ organization_id: organizationId, action, subject, proposer })
          .where({ command: canonicalJson(command) })
          .first();
        if (same) return { outcome: 'repeat', proposal: proposalOf(same) };
        await tx.knex<ProposalRow>('proposals').insert(proposalRow(proposal));
        tx.appendAudit(audit);
        return { outcome: 'recorded' };
      }),

    endProposal: ({ id, by, at, audit, ...end }) =>
      database.write(async (tx) => {
        const ended = await waiting(tx, at)
          .where({ id })
          .update({
            state: end.state,
            decided_by: by,
            decided_at: timeText(at),
            reason: end.state === 'rejected' ? end.reason : null,
          });
        if (ended === 0) return 'not-waiting';
        tx.appendAudit(audit);
        return 'ended';
      }),

    findProposal: async (id) => {
      const row: FoundRow | undefined = await found().where({ id }).first();
      return row && proposalOf(row);
    },

    listProposals: async (filter, wanted) => {
      const query = found();
      narrow(query, filter);
      const page = await pageOf<FoundRow>(query, wanted, byTime('created_at'));
      return { ...page, items: page.items.map(proposalOf) };
    },
  };
}

/**
 * Locks a proposal that is about to take effect: of several that decide on it at once, the row's
 * lock lets one do so.
 * @returns whether it waits, and is the one that was read
 */
export async function lockWaiting(
  tx: WriteTransaction,
  { proposalId, sha256, at }: ProposalApproval,
): Promise<boolean> {
  const row = await waiting(tx, at).where({ id: proposalId, sha256 }).forUpdate().first('id');
  return row !== undefined;
}

/** Locks a proposal that takes effect in a further step, if it is approved. */
export async function lockApproved(tx: WriteTransaction, id: string): Promise<boolean> {
  const row = await tx
    .knex<ProposalRow>('proposals')
    .where({ id, state: 'approved' })
    .forUpdate()
    .first('id');
  return row !== undefined;
}

/**
 * Approves a proposal that this transaction has locked.
 * @param certificateId the certificate that it comes to, if it does to one
 */
export async function recordApproved(
  tx: WriteTransaction,
  { proposalId, by, at, audit }: ProposalApproval,
  certificateId: string | null = null,
): Promise<void> {
  await tx
    .knex<ProposalRow>('proposals')
    .where({ id: proposalId })
    .update({
      state: 'approved',
      decided_by: by,
      decided_at: timeText(at),
      certificate_id: certificateId,
    });
  tx.appendAudit(audit);
}

/**
 * Has the proposals wait again that these abandoned certificates were to come of: neither the
 * proposer nor the approver has done anything wrong.
 */
export async function reopenProposals(
  tx: WriteTransaction,
  certificateIds: readonly string[],
): Promise<void> {
  await tx
    .knex<ProposalRow>('proposals')
    .whereIn('certificate_id', certificateIds)
    .update({ state: 'waiting', decided_by: null, decided_at: null, certificate_id: null });
}

const waiting = (tx: WriteTransaction, at: Date) =>
  tx
    .knex<ProposalRow>('proposals')
    .where({ state: 'waiting' })
    .where('expires_at', '>=', timeText(at));

function narrow(
  query: Knex.QueryBuilder,
  { organizationId, state, now }: Parameters<ProposalStore['listProposals']>[0],
): void {
  if (organizationId !== undefined) query.where('organization_id', organizationId);
  switch (state) {
    case undefined:
      return;
    case 'waiting':
      query.where({ state }).where('expires_at', '>=', timeText(now));
      return;
    case 'expired':
      query.where({ state: 'waiting' }).where('expires_at', '<', timeText(now));
      return;
    case 'issuing':
      query.where({ state: 'approved' }).whereRaw(IS_ISSUING);
      return;
    case 'approved':
      query.where({ state }).whereRaw(IS_NOT_ISSUING);
      return;
    default:
      query.where({ state });
  }
}

const proposalRow = (proposal: Proposal): ProposalRow => ({
  id: proposal.id,
  organization_id: proposal.organizationId,
  action: proposal.action,
  subject: proposal.subject,
  command: canonicalJson(proposal.command),
  sha256: proposal.sha256,
  proposer: proposal.proposer,
  created_at: timeText(proposal.createdAt),
  expires_at: timeText(proposal.expiresAt),
  state: proposal.state,
  decided_by: proposal.decidedBy ?? null,
  decided_at: proposal.decidedAt ? timeText(proposal.decidedAt) : null,
  reason: proposal.reason ?? null,
  certificate_id: proposal.certificateId ?? null,
});

const proposalOf = (row: ProposalRow & Partial<FoundRow>): Proposal => ({
  id: row.id,
  organizationId: row.organization_id,
  action: row.action,
  subject: row.subject,
  command: JSON.parse(row.command) as Json,
  sha256: row.sha256,
  proposer: row.proposer,
  createdAt: timeOf(row.created_at),
  expiresAt: timeOf(row.expires_at),
  state: row.state,
  ...optional('decidedBy', row.decided_by),
  ...(row.decided_at === null ? {} : { decidedAt: timeOf(row.decided_at) }),
  ...optional('reason', row.reason),
  ...optional('certificateId', row.certificate_id),
  ...(row.certificate_state === 'pending' ? { isIssuing: true } : {}),
});
