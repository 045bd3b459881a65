import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidCursor } from '../../src/services/pages.ts';
import {
  type Proposal,
  type ProposalApproval,
  type ProposalState,
  proposalHash,
} from '../../src/services/proposal-records.ts';
import type { TrustAnchor } from '../../src/services/trust-anchor-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { proposalStore } from '../../src/storage/proposals.ts';
import { trustAnchorStore } from '../../src/storage/trust-anchors.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, bytes, newId, newOrganization, seconds } from './fixtures.ts';

const WEEK = 604_800;

export const proposalsConform = (name: string, open: OpenTestDatabase) =>
  describe(`proposals on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => proposalStore(opened.database);
    const anchors = () => trustAnchorStore(opened.database);
    const newProposal = (organizationId: string, change: Partial<Proposal> = {}): Proposal => {
      const proposed = {
        ...{ id: newId('prp'), organizationId, action: 'trust-anchors:trust' as const },
        ...{ subject: 'anc-1', command: { purposes: ['v2g'], text: 'ä "quoted"' } },
        ...{ proposer: 'client:a', createdAt: testTime, expiresAt: seconds(WEEK), ...change },
      };
      return { state: 'waiting', ...proposed, sha256: proposalHash(proposed) };
    };
    const record = (proposal: Proposal) =>
      store().recordProposal({
        ...{ proposal, audit: audit(proposal.organizationId, 'proposal.made', proposal.id) },
      });
    const made = async (organizationId: string, change: Partial<Proposal> = {}) => {
      const proposal = newProposal(organizationId, change);
      expect(await record(proposal)).toEqual({ outcome: 'recorded' });
      return proposal;
    };
    const reject = ({ id, organizationId }: Proposal, at = seconds(60), by = 'client:b') =>
      store().endProposal({
        ...{ id, by, at, state: 'rejected', reason: 'no' },
        audit: audit(organizationId, 'proposal.rejected', id),
      });
    const withdraw = ({ id, organizationId }: Proposal, by = 'client:a') =>
      store().endProposal({
        ...{ id, by, at: seconds(60), state: 'withdrawn' },
        audit: audit(organizationId, 'proposal.withdrawn', id),
      });
    const newAnchor = async (organizationId: string): Promise<TrustAnchor> => {
      const id = newId('anc');
      const anchor: TrustAnchor = {
        ...{ id, organizationId, sha256: `sha256 of ${id}`, certificate: bytes(`der of ${id}`) },
        ...{ subject: `CN=${id}`, notBefore: testTime, notAfter: seconds(3600) },
        ...{ purposes: ['distribute'], addedAt: testTime },
      };
      const noted = audit(organizationId, 'trust-anchor.imported', id);
      await anchors().importAnchor({ anchor, nameKey: id, limit: 10, audit: noted });
      return anchor;
    };
    const approving = (
      { id, organizationId, sha256 }: Proposal,
      change: Partial<ProposalApproval> = {},
    ): ProposalApproval => ({
      ...{ proposalId: id, sha256, by: 'client:b', at: seconds(60) },
      audit: audit(organizationId, 'proposal.approved', id),
      ...change,
    });
    const trust = (
      { id, organizationId }: TrustAnchor,
      approval: ProposalApproval,
      from: TrustAnchor['purposes'] = ['distribute'],
    ) =>
      anchors().changePurposes({
        ...{ id, from, to: ['v2g'], approval },
        audit: audit(organizationId, 'trust-anchor.trusted', id),
      });
    const purposesOf = async ({ id }: TrustAnchor) => (await anchors().findAnchor(id))?.purposes;
    const audited = async (...about: readonly { readonly id: string }[]) => {
      const ids = about.map(({ id }) => id);
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter(({ subject }) => ids.includes(subject)).map(({ action }) => action);
    };

    test('a proposal comes back as it was made', async () => {
      const proposal = await made(await newOrganization(opened.database));
      expect(await store().findProposal(proposal.id)).toEqual(proposal);
      expect(await store().findProposal('another')).toBeUndefined();
      expect(await audited(proposal)).toEqual(['proposal.made']);
    });

    test('the same by the same is the same while it waits', async () => {
      const organizationId = await newOrganization(opened.database);
      const first = await made(organizationId);
      const again = newProposal(organizationId);
      expect(await record(again)).toEqual({ outcome: 'repeat', proposal: first });
      expect(await audited(again)).toEqual([]);
      const changes: Partial<Proposal>[] = [
        { proposer: 'client:c' },
        { subject: 'anc-2' },
        { command: { purposes: ['v2g', 'distribute'], text: 'ä "quoted"' } },
        { createdAt: seconds(WEEK + 1), expiresAt: seconds(2 * WEEK) },
      ];
      for (const change of changes) await made(organizationId, change);
      await reject(await made(organizationId, { subject: 'anc-3' }));
      await made(organizationId, { subject: 'anc-3' });
    });

    test('of many that propose the same at once there is one', async () => {
      const organizationId = await newOrganization(opened.database);
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, () => record(newProposal(organizationId))),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'recorded')).toHaveLength(1);
    });

    test('it is approved with its effect, once', async () => {
      const organizationId = await newOrganization(opened.database);
      const anchor = await newAnchor(organizationId);
      const proposal = await made(organizationId, { subject: anchor.id });
      expect(await trust(anchor, approving(proposal))).toBe('changed');
      expect(await purposesOf(anchor)).toEqual(['v2g']);
      expect(await store().findProposal(proposal.id)).toEqual({
        ...{ ...proposal, state: 'approved', decidedBy: 'client:b', decidedAt: seconds(60) },
      });
      expect(await audited(proposal, anchor)).toEqual([
        ...['trust-anchor.imported', 'proposal.made'],
        ...['proposal.approved', 'trust-anchor.trusted'],
      ]);
      expect(await trust(anchor, approving(proposal), ['v2g'])).toBe('not-waiting');
      expect(await reject(proposal)).toBe('not-waiting');
      expect(await withdraw(proposal)).toBe('not-waiting');
    });

    test.each<[string, (proposal: Proposal) => Promise<unknown>, Partial<ProposalApproval>]>([
      ['is rejected', (proposal) => reject(proposal), {}],
      ['is taken back', (proposal) => withdraw(proposal), {}],
      ['has waited too long', async () => undefined, { at: seconds(WEEK + 1) }],
      ['is another than was read', async () => undefined, { sha256: 'other' }],
      ['is not there', async () => undefined, { proposalId: 'other' }],
    ])('one that %s has no effect', async (_name, prepare, change) => {
      const organizationId = await newOrganization(opened.database);
      const anchor = await newAnchor(organizationId);
      const proposal = await made(organizationId, { subject: anchor.id });
      await prepare(proposal);
      expect(await trust(anchor, approving(proposal, change))).toBe('not-waiting');
      expect(await purposesOf(anchor)).toEqual(['distribute']);
      expect(await audited(proposal, anchor)).not.toContain('proposal.approved');
      expect(await audited(anchor)).toEqual(['trust-anchor.imported']);
    });

    test('one whose effect is not possible any more goes on waiting', async () => {
      const organizationId = await newOrganization(opened.database);
      const anchor = await newAnchor(organizationId);
      const proposal = await made(organizationId, { subject: anchor.id });
      expect(await trust(anchor, approving(proposal), ['v2g'])).toBe('stale');
      expect(await store().findProposal(proposal.id)).toEqual(proposal);
      expect(await audited(proposal)).toEqual(['proposal.made']);
    });

    test('of many that decide at once one wins', async () => {
      const organizationId = await newOrganization(opened.database);
      const anchor = await newAnchor(organizationId);
      const proposal = await made(organizationId, { subject: anchor.id });
      const outcomes = await Promise.all([
        trust(anchor, approving(proposal, { by: 'client:b' })),
        reject(proposal),
        trust(anchor, approving(proposal, { by: 'client:c' })),
        withdraw(proposal),
      ]);
      const won = outcomes.filter((outcome) => outcome !== 'not-waiting');
      expect(won).toHaveLength(1);
      const { state } = (await store().findProposal(proposal.id)) ?? {};
      expect(await purposesOf(anchor)).toEqual(state === 'approved' ? ['v2g'] : ['distribute']);
      expect(await audited(proposal)).toEqual(['proposal.made', `proposal.${state}`]);
    });

    test('the database itself lets nobody approve their own, nor take back that of others', async () => {
      const organizationId = await newOrganization(opened.database);
      const anchor = await newAnchor(organizationId);
      const proposal = await made(organizationId, { subject: anchor.id });
      await expect(trust(anchor, approving(proposal, { by: 'client:a' }))).rejects.toThrow();
      await expect(withdraw(proposal, 'client:b')).rejects.toThrow();
      expect(await store().findProposal(proposal.id)).toEqual(proposal);
      expect(await purposesOf(anchor)).toEqual(['distribute']);
      // To leave things as they are, nobody else has to agree.
      expect(await reject(proposal, seconds(60), 'client:a')).toBe('ended');
    });

    test('they are listed newest first, by organization and by what they are at the moment', async () => {
      const organizationId = await newOrganization(opened.database);
      const other = await made(await newOrganization(opened.database));
      const long = { expiresAt: seconds(2 * WEEK) };
      const expired = await made(organizationId, { subject: 'x' });
      const rejected = await made(organizationId, { ...long, subject: 'y' });
      const waiting = await made(organizationId, { ...long, createdAt: seconds(1) });
      await reject(rejected);
      const now = seconds(WEEK + 1);
      const list = async (state?: ProposalState) => {
        const filter = { organizationId, now, ...(state ? { state } : {}) };
        const page = await store().listProposals(filter, { limit: 10 });
        return page.items.map(({ id }) => id);
      };
      expect(await list()).toEqual([waiting.id, rejected.id, expired.id]);
      expect(await list('waiting')).toEqual([waiting.id]);
      expect(await list('expired')).toEqual([expired.id]);
      expect(await list('rejected')).toEqual([rejected.id]);
      expect(await list('approved')).toEqual([]);
      const all = await store().listProposals({ now: testTime }, { limit: 100 });
      expect(all.items.map(({ id }) => id)).toContain(other.id);
      const first = await store().listProposals({ organizationId, now }, { limit: 2 });
      const rest = await store().listProposals(
        { organizationId, now },
        { limit: 2, cursor: first.nextCursor ?? '' },
      );
      expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(await list());
      expect(rest.nextCursor).toBeUndefined();
      await expect(store().listProposals({ now }, { limit: 2, cursor: 'odd' })).rejects.toThrow(
        InvalidCursor,
      );
    });
  });
