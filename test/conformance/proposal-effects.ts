import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Proposal,
  type ProposalApproval,
  proposalHash,
} from '../../src/services/proposal-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityGrantStore } from '../../src/storage/authority-grants.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import type { Database } from '../../src/storage/database.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { proposalStore } from '../../src/storage/proposals.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityBelow,
  bytes,
  changeStatus,
  newId,
  newOrganization,
  pending,
  revoked,
  seconds,
  setState,
} from './fixtures.ts';

const WEEK = 604_800;

/** Something that takes effect with the approval of a proposal. */
interface Effect {
  readonly organizationId: string;
  readonly subject: string;
  /** The action of the audit entry of the effect; none where that is written later. */
  readonly entry?: string;
  /** @returns what the store says */
  run(approval: ProposalApproval): Promise<string>;
  isThere(): Promise<boolean>;
  /** Makes it impossible, with what the store says then. */
  spoil(): Promise<string>;
}

const effects: Readonly<
  Record<
    Exclude<Proposal['action'], 'trust-anchors:trust' | 'authorities:export'>,
    (database: Database) => Promise<Effect>
  >
> = {
  'authorities:grant': async (database) => {
    const { organizationId, authorityId } = await activeAuthority(database);
    const other = await newOrganization(database);
    const store = authorityGrantStore(database);
    const command = { authorityId, organizationId: other };
    const entry = 'authority-grant.granted';
    return {
      ...{ organizationId, subject: authorityId, entry },
      run: (approval) =>
        store.putGrant({ ...command, audit: audit(organizationId, entry, authorityId), approval }),
      isThere: async () => (await store.findGrant(authorityId, other)) !== undefined,
      spoil: async () => {
        await store.putGrant({ ...command, audit: audit(organizationId, 'earlier', authorityId) });
        return 'exists';
      },
    };
  },

  'authorities:revoke': async (database) => {
    const root = await activeAuthority(database);
    const below = await authorityBelow(database, root.issuerId);
    const { id } = below.certificate;
    return {
      ...{ organizationId: below.organizationId, subject: id, entry: 'certificate.revoked' },
      run: async (approval) => {
        const change = { from: { state: 'issued' as const }, revokesIssuerId: below.issuerId };
        return (await changeStatus(database, id, revoked, { ...change, approval })).outcome;
      },
      isThere: async () =>
        (await certificateStore(database).findCertificate(id))?.state !== 'issued',
      spoil: async () => {
        await setState(database, id, 'revoked');
        return 'stale';
      },
    };
  },

  'authorities:cross-certify': async (database) => {
    const { organizationId, authorityId, issuerId, certificateId } =
      await activeAuthority(database);
    const certificate = () => pending(organizationId, issuerId, { profile: 'cross' });
    const filter = { issuerIds: [issuerId] };
    return {
      ...{ organizationId, subject: authorityId },
      run: async (proposal) => {
        const command = { certificate: certificate(), proposal };
        return (await issuanceStore(database).recordPending(command)).outcome;
      },
      isThere: async () => {
        const { items } = await certificateStore(database).listCertificates(filter, { limit: 10 });
        return items.some(({ profile }) => profile === 'cross');
      },
      spoil: async () => {
        await changeStatus(database, certificateId, revoked, { revokesIssuerId: issuerId });
        return 'issuer-not-active';
      },
    };
  },
};

export const proposalEffectsConform = (name: string, open: OpenTestDatabase) =>
  describe(`what proposals come to on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => proposalStore(opened.database);
    const issuance = () => issuanceStore(opened.database);
    const made = async (
      action: Proposal['action'],
      { organizationId, subject }: Pick<Effect, 'organizationId' | 'subject'>,
    ): Promise<Proposal> => {
      const proposed = {
        ...{ id: newId('prp'), organizationId, action, subject, command: { note: 'x' } },
        ...{ proposer: 'client:a', createdAt: testTime, expiresAt: seconds(WEEK) },
      };
      const proposal: Proposal = {
        ...{ state: 'waiting', ...proposed, sha256: proposalHash(proposed) },
      };
      const noted = audit(organizationId, 'proposal.made', proposal.id);
      await store().recordProposal({ proposal, audit: noted });
      return proposal;
    };
    const approving = (
      { id, organizationId, sha256 }: Proposal,
      change: Partial<ProposalApproval> = {},
    ): ProposalApproval => ({
      ...{ proposalId: id, sha256, by: 'client:b', at: seconds(60) },
      audit: audit(organizationId, 'proposal.approved', id),
      ...change,
    });
    const end = ({ id, organizationId }: Proposal, state: 'rejected' | 'withdrawn') =>
      store().endProposal({
        ...{ id, by: state === 'rejected' ? 'client:b' : 'client:a', at: seconds(60) },
        ...(state === 'rejected' ? { state, reason: 'no' } : { state }),
        audit: audit(organizationId, `proposal.${state}`, id),
      });
    const actionsAbout = async (subject: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter((entry) => entry.subject === subject).map(({ action }) => action);
    };

    describe.each(Object.entries(effects))('%s', (action, prepare) => {
      const prepared = async () => {
        const effect = await prepare(opened.database);
        return { effect, proposal: await made(action as Proposal['action'], effect) };
      };

      test('is there with the approval, once, and either has its entry', async () => {
        const { effect, proposal } = await prepared();
        expect(await effect.isThere()).toBe(false);
        expect(['granted', 'changed', 'recorded']).toContain(await effect.run(approving(proposal)));
        expect(await effect.isThere()).toBe(true);
        expect(await store().findProposal(proposal.id)).toMatchObject({
          ...{ state: 'approved', decidedBy: 'client:b', decidedAt: seconds(60) },
        });
        expect(await actionsAbout(proposal.id)).toEqual(['proposal.made', 'proposal.approved']);
        if (effect.entry) expect(await actionsAbout(effect.subject)).toContain(effect.entry);
        expect(await effect.run(approving(proposal))).toBe('not-waiting');
        expect(await end(proposal, 'rejected')).toBe('not-waiting');
        expect(await end(proposal, 'withdrawn')).toBe('not-waiting');
      });

      test.each<[string, (proposal: Proposal) => Promise<unknown>, Partial<ProposalApproval>]>([
        ['is rejected', (proposal) => end(proposal, 'rejected'), {}],
        ['is taken back', (proposal) => end(proposal, 'withdrawn'), {}],
        ['has waited too long', async () => undefined, { at: seconds(WEEK + 1) }],
        ['is another than was read', async () => undefined, { sha256: 'other' }],
      ])('does not come of one that %s', async (_name, decide, change) => {
        const { effect, proposal } = await prepared();
        await decide(proposal);
        expect(await effect.run(approving(proposal, change))).toBe('not-waiting');
        expect(await effect.isThere()).toBe(false);
        expect(await actionsAbout(proposal.id)).not.toContain('proposal.approved');
        if (effect.entry) expect(await actionsAbout(effect.subject)).not.toContain(effect.entry);
      });

      test('leaves the proposal waiting where it is not possible any more', async () => {
        const { effect, proposal } = await prepared();
        const outcome = await effect.spoil();
        expect(await effect.run(approving(proposal))).toBe(outcome);
        expect(await store().findProposal(proposal.id)).toEqual(proposal);
        expect(await actionsAbout(proposal.id)).toEqual(['proposal.made']);
      });

      test('of many that decide at once one wins', async () => {
        const { effect, proposal } = await prepared();
        const outcomes = await Promise.all([
          effect.run(approving(proposal)),
          end(proposal, 'rejected'),
          effect.run(approving(proposal, { by: 'client:c' })),
          end(proposal, 'withdrawn'),
        ]);
        expect(outcomes.filter((outcome) => outcome !== 'not-waiting')).toHaveLength(1);
        const { state } = (await store().findProposal(proposal.id)) ?? {};
        expect(await effect.isThere()).toBe(state === 'approved');
        expect(await actionsAbout(proposal.id)).toEqual(['proposal.made', `proposal.${state}`]);
      });

      test('the database itself lets nobody approve their own', async () => {
        const { effect, proposal } = await prepared();
        await expect(effect.run(approving(proposal, { by: 'client:a' }))).rejects.toThrow();
        expect(await effect.isThere()).toBe(false);
        expect(await store().findProposal(proposal.id)).toEqual(proposal);
      });
    });

    describe('a certificate', () => {
      const issuing = async () => {
        const ca = await activeAuthority(opened.database);
        const { organizationId, authorityId, issuerId } = ca;
        const subject = authorityId;
        const proposal = await made('authorities:cross-certify', { organizationId, subject });
        const certificate = pending(organizationId, issuerId);
        const recorded = await issuance().recordPending({
          ...{ certificate, proposal: approving(proposal) },
        });
        expect(recorded.outcome).toBe('recorded');
        return { ca, proposal, certificate };
      };
      const listed = async (
        { organizationId, id }: Proposal,
        state: 'waiting' | 'issuing' | 'approved',
      ) => {
        const filter = { organizationId, state, now: seconds(61) };
        const { items } = await store().listProposals(filter, { limit: 10 });
        return items.some((item) => item.id === id);
      };

      test('is being issued until it is', async () => {
        const { ca, proposal, certificate } = await issuing();
        const found = await store().findProposal(proposal.id);
        expect(found).toMatchObject({ isIssuing: true, certificateId: certificate.id });
        expect(await listed(proposal, 'issuing')).toBe(true);
        expect(await listed(proposal, 'approved')).toBe(false);
        await issuance().recordIssued({
          ...{ certificateId: certificate.id, leaseOwner: 'process-1', der: bytes('der') },
          audit: audit(ca.organizationId, 'certificate.issued', certificate.id),
        });
        const { isIssuing: _, ...approved } = found ?? { id: '' };
        expect(await store().findProposal(proposal.id)).toEqual(approved);
        expect(await listed(proposal, 'issuing')).toBe(false);
        expect(await listed(proposal, 'approved')).toBe(true);
      });

      test.each<[string, (at: Awaited<ReturnType<typeof issuing>>) => Promise<unknown>]>([
        [
          'was not signed',
          ({ certificate: { id }, ca: { organizationId } }) =>
            issuance().recordAbandoned({
              ...{ certificateId: id, leaseOwner: 'process-1' },
              audit: audit(organizationId, 'certificate.abandoned', id),
            }),
        ],
        ['lost its process', () => issuance().abandonExpired(seconds(61))],
        [
          'lost its issuer',
          ({ ca: { certificateId, issuerId } }) =>
            changeStatus(opened.database, certificateId, revoked, { revokesIssuerId: issuerId }),
        ],
      ])('has its proposal wait again where it %s', async (_name, abandon) => {
        const at = await issuing();
        await abandon(at);
        const { ca, proposal, certificate } = at;
        const { state } = (await certificateStore(opened.database).findCertificate(
          certificate.id,
        )) ?? { state: '' };
        expect(state).toBe('abandoned');
        expect(await store().findProposal(proposal.id)).toEqual(proposal);
        expect(await listed(proposal, 'waiting')).toBe(true);
        // And can be approved as before, if there is somebody to sign it.
        const next = pending(ca.organizationId, ca.issuerId);
        const again = await issuance().recordPending({
          ...{ certificate: next, proposal: approving(proposal, { by: 'client:c' }) },
        });
        const isOver = _name === 'lost its issuer';
        expect(again.outcome).toBe(isOver ? 'issuer-not-active' : 'recorded');
      });

      test('that is revoked later leaves its proposal approved', async () => {
        const { ca, proposal, certificate } = await issuing();
        await issuance().recordIssued({
          ...{ certificateId: certificate.id, leaseOwner: 'process-1', der: bytes('der') },
          audit: audit(ca.organizationId, 'certificate.issued', certificate.id),
        });
        await setState(opened.database, certificate.id, 'revoked');
        expect(await listed(proposal, 'approved')).toBe(true);
      });
    });
  });
