/**
 * A process that approves proposals is killed: each of them waits and has no effect, or is approved
 * and has it, and the log says either or neither.
 */

import { expect, test } from 'vitest';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import type { Proposal } from '../../src/services/proposal-records.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, kills } from '../support/chance.ts';
import { storeClient } from '../support/clients.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type History, killing, newHistory } from '../support/kill-histories.ts';
import type { Ending } from '../support/killed-process.ts';
import { inside, recovered } from '../support/next-process.ts';
import type { PreparedDatabase } from '../support/prepared-databases.ts';
import { allListed, approver, proposer } from '../support/proposing.ts';
import { type Services, start } from '../support/services.ts';

/** With how often a process of `batch` passes each at least. */
const points: [string, number][] = [
  ['recordProposal:before', 12],
  ['recordProposal:after', 12],
  ['changePurposes:before', 3],
  ['changePurposes:after', 3],
  ['putGrant:before', 3],
  ['putGrant:after', 3],
  ['recordPending:before', 6],
  ['recordPending:after', 6],
  ['sign:before', 6],
  ['sign:after', 6],
  ['recordIssued:before', 6],
  ['recordIssued:after', 6],
  ['recordStatusChange:before', 3],
  ['recordStatusChange:after', 3],
  ['status-work:after', 3],
  ['status-COMMIT:before', 3],
  ['status-COMMIT:sent', 3],
  ['work:after', 30],
  ['COMMIT:before', 12],
  ['COMMIT:sent', 12],
];

interface ProposalHistory extends History {
  /** The ids of proposals that somebody was told to be approved. */
  readonly approved: string[];
}

/** Everything that can wait for a second person does. */
const options = { declarations: allListed(demoDeclarations()) };

const approvingProposals = {
  task: 'proposals',
  batch: { callers: 4, requestsEach: 4 },
  prepare: async (services: Services) => {
    await start(services);
    await storeClient(services, proposer);
  },
  options,
  begin: (database: PreparedDatabase) => ({ ...newHistory(database), approved: [] }),
  examine,
} as const;

killing('proposals', approvingProposals, ({ backend, withHistory, killAt, killAfter }) => {
  test.each(points)('S3 killed at %s', { timeout: 120_000 }, async (point, most) => {
    const draw = drawing(`${backend} proposals ${point}`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < kills; kill += 1) {
        await killAt(history, { point, passing: draw(most) });
      }
      await approveTheRest(history);
    });
  });

  test('S3 killed at random moments', { timeout: 300_000 }, async () => {
    const draw = drawing(`${backend} proposals`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < 4 * kills; kill += 1) {
        await killAfter(history, { after: 'approved', milliseconds: draw(400) });
      }
      await approveTheRest(history);
      expect(history.approved.length).toBeGreaterThan(0);
    });
  });
});

async function examine(
  history: ProposalHistory,
  endings: readonly Ending[],
  when: string,
): Promise<void> {
  history.approved.push(...endings.flatMap(({ approved }) => approved));
  await recovered(history.database, options, (services) => expectKept(services, history, when));
}

/** What waits after all the kills is as good as ever. */
async function approveTheRest(history: ProposalHistory): Promise<void> {
  await inside(history.database, options, async (services) => {
    for (const { id, sha256, state } of await allProposals(services)) {
      if (state !== 'waiting') continue;
      const { proposal } = await approveProposal(services, approver, id, sha256);
      expect(proposal.state).toBe('approved');
    }
    await expectKept(services, history, 'after the rest was approved');
  });
}

async function allProposals({ proposals, clock }: Services): Promise<Proposal[]> {
  const found: Proposal[] = [];
  for (let cursor: string | undefined; ; ) {
    const position = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const page = await proposals.listProposals({ now: clock() }, position);
    found.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
  }
}

async function expectKept(
  services: Services,
  history: ProposalHistory,
  when: string,
): Promise<void> {
  const { handedOut, signed, approved } = history;
  expect(await brokenPromises(services.database, { handedOut, signed }), when).toEqual([]);
  const proposals = await allProposals(services);
  const entries = await logged(services);
  for (const proposal of proposals) {
    const { id, organizationId, action, state, isIssuing, decidedBy } = proposal;
    const about = `${when}: ${action} ${id}`;
    expect(['waiting', 'approved'], about).toContain(state);
    expect(isIssuing, about).toBeUndefined();
    const isApproved = state === 'approved';
    expect(decidedBy, about).toBe(isApproved ? approver.actor : undefined);
    expect(await hasEffect(services, proposal), about).toBe(isApproved);
    // That of the other organization is in a log of its own.
    const effects = entries.filter(
      (entry) => entry.details.proposal === id && entry.organizationId === organizationId,
    );
    expect(effects.length, about).toBe(isApproved ? 1 : 0);
    // A certificate that came to nothing was approved, abandoned, and can be approved again.
    const approvals = entries.filter(
      (entry) => entry.action === 'proposal.approved' && entry.subject === id,
    );
    const abandoned = approvals.filter(({ details }) =>
      entries.some(
        (entry) =>
          entry.action === 'certificate.abandoned' && entry.subject === details.certificate,
      ),
    );
    if (action !== 'authorities:cross-certify') expect(abandoned, about).toEqual([]);
    expect(approvals.length - abandoned.length, about).toBe(effects.length);
  }
  const known = new Map(proposals.map((proposal) => [proposal.id, proposal.state]));
  const broken = approved.filter((id) => known.get(id) !== 'approved');
  expect(broken, `${when}: told to be approved`).toEqual([]);
}

async function logged({ database }: Services) {
  const rows: AuditEntryRow[] = await database.reader<AuditEntryRow>('audit_entries').select();
  return rows.map(({ action, subject, organization_id: organizationId, details }) => ({
    ...{ action, subject, organizationId },
    details: JSON.parse(details) as Readonly<Record<string, unknown>>,
  }));
}

/** Whether what was proposed is so. */
async function hasEffect(
  services: Services,
  { action, subject, command, certificateId = '' }: Proposal,
): Promise<boolean> {
  const stateOf = async (id: string) => (await services.certificates.findCertificate(id))?.state;
  switch (action) {
    case 'trust-anchors:trust': {
      const anchor = await services.anchors.findAnchor(subject);
      return anchor?.purposes.includes('oem-provisioning') ?? false;
    }
    case 'authorities:grant': {
      const { organization } = command as { organization: string };
      return (await services.grants.findGrant(subject, organization)) !== undefined;
    }
    case 'authorities:export':
      throw new Error('none was proposed');
    case 'authorities:cross-certify':
      return (await stateOf(certificateId)) === 'issued';
    case 'authorities:revoke': {
      const { authority } = command as { authority: string };
      const found = await services.authorities.findAuthority(authority);
      const revoked = [await stateOf(subject), found?.state].map((state) => state === 'revoked');
      expect(new Set(revoked).size, `${authority} is revoked in half`).toBe(1);
      return revoked[0] ?? false;
    }
  }
}
