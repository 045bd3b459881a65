/**
 * A process that approves proposals is killed: each of them waits and has no effect, or is approved
 * and has it, and the log says either or neither.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import type { Proposal } from '../../src/services/proposal-records.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import { brokenPromises, type HandedOut } from '../support/broken-promises.ts';
import { drawing, kills, seed } from '../support/chance.ts';
import { storeClient } from '../support/clients.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type Ending, launcherOfFile } from '../support/killed-process.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { allListed, approver, proposer } from '../support/proposing.ts';
import { type Services, servicesOver, start } from '../support/services.ts';

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

const batch = { callers: 4, requestsEach: 4 };
const endless = { callers: 4, requestsEach: 100_000 };

/** Leases last a minute. */
const afterTheLeases = () => new Date(Date.now() + 120_000);

interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** TBS hashes. */
  readonly signed: string[];
  /** The ids of proposals that somebody was told to be approved. */
  readonly approved: string[];
}

let processes = 0;

const launcher = launcherOfFile();

describe.each(preparedBackends)('on $name', (backend) => {
  describe.concurrent(`proposals on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(
        prepared,
        () => new Date(),
        async (services) => {
          await start(services);
          await storeClient(services, proposer);
        },
      );
    });
    afterAll(() => prepared?.remove());

    async function withHistory(use: (history: History) => Promise<void>): Promise<void> {
      const database = await prepared.copy();
      try {
        await use({ database, handedOut: [], signed: [], approved: [] });
      } finally {
        await database.remove();
      }
    }

    const job = ({ database }: History) => ({
      ...({ task: 'proposals', vault: 'known' } as const),
      ...{ databaseUrl: database.url, dataDir: database.dataDir },
      processId: `killed-proposals-${++processes}`,
    });

    test.each(points)('S3 killed at %s', { timeout: 120_000 }, async (point, most) => {
      const draw = drawing(`${backend.name} proposals ${point}`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < kills; kill += 1) {
          const fault = { point, passing: draw(most) };
          const ending = await launcher().run({ ...job(history), ...batch, fault });
          await examine(history, ending, JSON.stringify(fault));
        }
        await approveTheRest(history);
      });
    });

    test('S3 killed at random moments', { timeout: 300_000 }, async () => {
      const draw = drawing(`${backend.name} proposals`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < 4 * kills; kill += 1) {
          const moment = { after: 'approved', milliseconds: draw(400) } as const;
          const ending = await launcher().run({ ...job(history), ...endless }, moment);
          await examine(history, ending, JSON.stringify(moment));
        }
        await approveTheRest(history);
        expect(history.approved.length).toBeGreaterThan(0);
      });
    });
  });
});

/** Opens a database as one more process would. */
async function inside(
  { url, dataDir }: PreparedDatabase,
  clock: () => Date,
  use: (services: Services) => Promise<void>,
): Promise<void> {
  const processId = `proposals-examiner-${++processes}`;
  const database = await openDatabase(url, { clock, processId });
  try {
    const declarations = allListed(demoDeclarations());
    const options = { declarations, dataDir, vault: 'known', processId, clock } as const;
    await use(await servicesOver(database, options));
  } finally {
    await database.close();
  }
}

/** Recovers as the next process does, and looks whether every promise was kept. */
async function examine(history: History, ending: Ending, when: string): Promise<void> {
  expect(ending.signal, `${when}: ${ending.complaints}`).toBe('SIGKILL');
  history.handedOut.push(...ending.handedOut);
  history.signed.push(...ending.signed);
  history.approved.push(...ending.approved);
  await inside(history.database, afterTheLeases, async (services) => {
    await services.store.abandonExpired(services.clock());
    await expectKept(services, history, when);
  });
}

/** What waits after all the kills is as good as ever. */
async function approveTheRest(history: History): Promise<void> {
  await inside(
    history.database,
    () => new Date(),
    async (services) => {
      for (const { id, sha256, state } of await allProposals(services)) {
        if (state !== 'waiting') continue;
        const { proposal } = await approveProposal(services, approver, id, sha256);
        expect(proposal.state).toBe('approved');
      }
      await expectKept(services, history, 'after the rest was approved');
    },
  );
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

async function expectKept(services: Services, history: History, when: string): Promise<void> {
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
