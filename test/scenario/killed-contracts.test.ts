/**
 * A process that makes, updates, renews, suspends and ends contracts is killed: no certificate is
 * without its bundle, no contract without one, nothing half suspended or ended, and no key is in
 * clear.
 */

import { expect, test } from 'vitest';
import { listBundles } from '../../src/storage/contract-bundles.ts';
import type { ContractRow } from '../../src/storage/rows/plug-and-charge.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, kills } from '../support/chance.ts';
import {
  brokenContracts,
  type CarKey,
  contractKeysOf,
  filesWith,
} from '../support/contract-promises.ts';
import { type History, killing, newHistory } from '../support/kill-histories.ts';
import type { Ending } from '../support/killed-process.ts';
import { afterTheLeases, inside, recovered } from '../support/next-process.ts';
import type { PreparedDatabase } from '../support/prepared-databases.ts';
import { start } from '../support/services.ts';

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

interface ContractHistory extends History {
  readonly cars: CarKey[];
}

const leadingContracts = {
  task: 'contracts',
  batch: { callers: 4, requestsEach: 6 },
  prepare: start,
  begin: (database: PreparedDatabase) => ({ ...newHistory(database), cars: [] }),
  examine,
} as const;

killing('contracts', leadingContracts, ({ backend, withHistory, killAt, killAfter }) => {
  test.each(points)('S3 killed at %s', { timeout: 120_000 }, async (point) => {
    const draw = drawing(`${backend} contracts ${point}`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < kills; kill += 1) {
        await killAt(history, { point, passing: draw(MOST_PASSINGS) });
      }
    });
  });

  test('S3 K4 killed at random moments', { timeout: 300_000 }, async () => {
    const draw = drawing(`${backend} contracts`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < 4 * kills; kill += 1) {
        await killAfter(history, { after: 'handed-out', milliseconds: draw(200) });
      }
      expect(history.handedOut.length).toBeGreaterThan(0);
      await expectNoKeys(history);
    });
  });
});

async function examine(
  history: ContractHistory,
  endings: readonly Ending[],
  when: string,
): Promise<void> {
  history.cars.push(...endings.flatMap(({ cars }) => cars));
  await recovered(history.database, {}, async ({ database }) => {
    expect(await brokenPromises(database, history), when).toEqual([]);
    expect(await brokenContracts(database, history.cars), when).toEqual([]);
  });
}

/** SQLite's files hold all that the database does, and what was deleted or never committed. */
async function expectNoKeys({ database, cars }: ContractHistory): Promise<void> {
  const keys: Uint8Array[] = [];
  await inside(database, { clock: afterTheLeases }, async ({ database: opened }) => {
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
