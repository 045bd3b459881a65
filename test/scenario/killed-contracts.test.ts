/**
 * A process that makes, updates, renews, suspends and ends contracts is killed: no certificate is
 * without its bundle, no contract without one, nothing half suspended or ended, and no key is in
 * clear.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listBundles } from '../../src/storage/contract-bundles.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { ContractRow } from '../../src/storage/rows/plug-and-charge.ts';
import { brokenPromises, type HandedOut } from '../support/broken-promises.ts';
import { drawing, kills, seed } from '../support/chance.ts';
import {
  brokenContracts,
  type CarKey,
  contractKeysOf,
  filesWith,
} from '../support/contract-promises.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type Ending, launcherOfFile } from '../support/killed-process.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';

const points = [
  'generate:before',
  'generate:after',
  'seal:before',
  'seal:after',
  'recordPending:before',
  'recordPending:after',
  'sign:before',
  'sign:after',
  'recordIssued:before',
  'recordIssued:after',
  'changeState:before',
  'changeState:after',
  'statement:before',
  'work:after',
  'COMMIT:before',
  'COMMIT:sent',
];

/** Every point is passed more often than this by a process of `batch`. */
const MOST_PASSINGS = 24;
const batch = { callers: 4, requestsEach: 6 };
const endless = { callers: 4, requestsEach: 100_000 };

/** Leases last a minute. */
const afterTheLeases = () => new Date(Date.now() + 120_000);

interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** TBS hashes. */
  readonly signed: string[];
  readonly cars: CarKey[];
}

let processes = 0;

const launcher = launcherOfFile();

describe.each(preparedBackends)('on $name', (backend) => {
  describe.concurrent(`contracts on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(prepared, () => new Date(), start);
    });
    afterAll(() => prepared?.remove());

    async function withHistory(use: (history: History) => Promise<void>): Promise<void> {
      const database = await prepared.copy();
      try {
        await use({ database, handedOut: [], signed: [], cars: [] });
      } finally {
        await database.remove();
      }
    }

    const job = ({ database }: History) => ({
      ...({ task: 'contracts', vault: 'known' } as const),
      ...{ databaseUrl: database.url, dataDir: database.dataDir },
      processId: `killed-contracts-${++processes}`,
    });

    test.each(points)('S3 killed at %s', { timeout: 120_000 }, async (point) => {
      const draw = drawing(`${backend.name} contracts ${point}`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < kills; kill += 1) {
          const fault = { point, passing: draw(MOST_PASSINGS) };
          const ending = await launcher().run({ ...job(history), ...batch, fault });
          await examine(history, ending, JSON.stringify(fault));
        }
      });
    });

    test('S3 K4 killed at random moments', { timeout: 300_000 }, async () => {
      const draw = drawing(`${backend.name} contracts`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < 4 * kills; kill += 1) {
          const moment = { after: 'handed-out', milliseconds: draw(200) } as const;
          const ending = await launcher().run({ ...job(history), ...endless }, moment);
          await examine(history, ending, JSON.stringify(moment));
        }
        expect(history.handedOut.length).toBeGreaterThan(0);
        await expectNoKeys(history);
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
  const processId = `contracts-examiner-${++processes}`;
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
  history.cars.push(...ending.cars);
  await inside(history.database, afterTheLeases, async ({ store, clock, database }) => {
    await store.abandonExpired(clock());
    expect(await brokenPromises(database, history), when).toEqual([]);
    expect(await brokenContracts(database, history.cars), when).toEqual([]);
  });
}

/** SQLite's files hold all that the database does, and what was deleted or never committed. */
async function expectNoKeys({ database, cars }: History): Promise<void> {
  const keys: Uint8Array[] = [];
  await inside(database, afterTheLeases, async ({ database: opened }) => {
    const { reader } = opened;
    const contracts = await reader<ContractRow>('contracts').select('id', 'pcid');
    for (const { id, pcid } of contracts) {
      const own = cars.filter((car) => car.pcid === pcid);
      keys.push(...contractKeysOf(await listBundles(opened, id), own).keys);
    }
  });
  expect(keys.length).toBeGreaterThan(0);
  expect(await filesWith(database.dataDir, keys)).toEqual([]);
}
