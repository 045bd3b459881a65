/** A process that approves requests is killed; each of them waits again, or has one certificate. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approve } from '../../src/services/approval.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { CertificateRow, EnrolmentRequestRow } from '../../src/storage/rows.ts';
import { brokenPromises, type HandedOut } from '../support/broken-promises.ts';
import { drawing, kills, seed } from '../support/chance.ts';
import { storeClient } from '../support/clients.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type Ending, launcherOfFile } from '../support/killed-process.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { demoCpo, demoOperator } from '../support/stations.ts';

const points = [
  'recordWaiting:before',
  'recordWaiting:after',
  'recordPending:before',
  'recordPending:after',
  'sign:before',
  'sign:after',
  'recordIssued:before',
  'recordIssued:after',
  'work:after',
  'COMMIT:before',
  'COMMIT:sent',
];

/** Every point is passed more often than this by a process of `batch`. */
const MOST_PASSINGS = 12;
const batch = { callers: 8, requestsEach: 6 };
const endless = { callers: 8, requestsEach: 100_000 };

/** Leases last a minute. */
const afterTheLeases = () => new Date(Date.now() + 120_000);

interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** TBS hashes. */
  readonly signed: string[];
}

let processes = 0;

const launcher = launcherOfFile();

describe.each(preparedBackends)('on $name', (backend) => {
  describe.concurrent(`approving on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(
        prepared,
        () => new Date(),
        async (services) => {
          await start(services);
          await storeClient(services, demoOperator);
        },
      );
    });
    afterAll(() => prepared?.remove());

    async function withHistory(use: (history: History) => Promise<void>): Promise<void> {
      const database = await prepared.copy();
      try {
        await use({ database, handedOut: [], signed: [] });
      } finally {
        await database.remove();
      }
    }

    const job = ({ database }: History) => ({
      ...({ task: 'approve', vault: 'known' } as const),
      ...{ databaseUrl: database.url, dataDir: database.dataDir },
      processId: `killed-approving-${++processes}`,
    });

    test.each(points)('S3 killed at %s', { timeout: 120_000 }, async (point) => {
      const draw = drawing(`${backend.name} approving ${point}`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < kills; kill += 1) {
          const fault = { point, passing: draw(MOST_PASSINGS) };
          const ending = await launcher().run({ ...job(history), ...batch, fault });
          await examine(history, ending, JSON.stringify(fault));
        }
        await approveTheRest(history);
      });
    });

    test('S3 killed at random moments', { timeout: 300_000 }, async () => {
      const draw = drawing(`${backend.name} approving`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < 4 * kills; kill += 1) {
          const moment = { after: 'handed-out', milliseconds: draw(200) } as const;
          const ending = await launcher().run({ ...job(history), ...endless }, moment);
          await examine(history, ending, JSON.stringify(moment));
        }
        await approveTheRest(history);
        expect(history.handedOut.length).toBeGreaterThan(0);
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
  const processId = `approving-examiner-${++processes}`;
  const database = await openDatabase(url, { clock, processId });
  try {
    const declarations = demoDeclarations();
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
      const waiting: string[] = await services.database
        .reader<EnrolmentRequestRow>('enrolment_requests')
        .where({ state: 'waiting-for-approval' })
        .pluck('id');
      await Promise.all(waiting.map((id) => approve(services, demoCpo, id)));
      await expectKept(services, history, 'after the rest was approved');
      const states: string[] = await services.database
        .reader<EnrolmentRequestRow>('enrolment_requests')
        .distinct()
        .pluck('state');
      expect(states.filter((state) => state !== 'issued')).toEqual([]);
    },
  );
}

async function expectKept({ database }: Services, history: History, when: string): Promise<void> {
  expect(await brokenPromises(database, history), when).toEqual([]);
  const requests = await database.reader<EnrolmentRequestRow>('enrolment_requests').select();
  const between = requests.filter(
    ({ state }) => !['waiting-for-approval', 'issued'].includes(state),
  );
  expect(between, `${when}: neither waiting nor issued`).toEqual([]);
  for (const { decided_by, requester, state } of requests) {
    expect(decided_by === null, when).toBe(state !== 'issued');
    expect(decided_by, when).not.toBe(requester);
  }
  // Each request has a key of its own.
  const keys: string[] = await database
    .reader<CertificateRow>('certificates')
    .where({ profile: 'ocpp-station', state: 'issued' })
    .pluck('spki_sha256');
  expect(new Set(keys).size, `${when}: two certificates for a request`).toBe(keys.length);
  expect(keys.length, when).toBe(requests.filter(({ state }) => state === 'issued').length);
}
