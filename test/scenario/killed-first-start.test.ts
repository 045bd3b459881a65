/** The first start is killed; the next one must complete what it began. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import { drawing, kills, killsAtRandom } from '../support/chance.ts';
import type { Job } from '../support/issuing-process.ts';
import { onEveryBackend } from '../support/kill-histories.ts';
import { launcherOfFile, type Moment } from '../support/killed-process.ts';
import { inside } from '../support/next-process.ts';
import type { PreparedDatabase } from '../support/prepared-databases.ts';
import { startAuthorities, type VaultKind } from '../support/services.ts';
import { expectStarted, leftBehind } from '../support/start-promises.ts';
import { startWhole } from '../support/whole-start.ts';

/** Points before the keys, with which passing it is. They need the real vault. */
const early: [string, number][] = [
  // The passphrase's file, then its directory.
  ['writeFile:before', 1],
  ['writeFile:half', 1],
  ['writeFile:after', 1],
  ['sync:after', 1],
  ['sync:after', 2],
  ['createVault:before', 1],
  ['createVault:after', 1],
];

/**
 * With how often a first start passes each, or fewer. Where nothing becomes durable between two
 * points (`recordPending:after` and `sign:before`) one of them is enough; those of issuing are
 * all tried there.
 */
const points: [string, number][] = [
  ['createOrganization:after', 6],
  ['generate:after', 15],
  ['createAuthority:before', 15],
  ['createAuthority:after', 15],
  ['recordPending:after', 15],
  ['sign:after', 15],
  ['recordIssued:after', 15],
  ['statement:before', 150],
  ['work:after', 50],
  ['COMMIT:before', 50],
  ['COMMIT:sent', 50],
];

/** Points after the hierarchy is there, with which passing it is. */
const late: [string, number][] = [
  // The bootstrap secret.
  ['writeFile:before', 1],
  ['writeFile:half', 1],
  ['writeFile:after', 1],
  ['keep:after', 1],
  ['putBootstrap:before', 1],
  ['putBootstrap:after', 1],
  // The certificate of the API.
  ['recordPending:after', 1],
  ['sign:after', 1],
  ['recordIssued:after', 1],
  // api-ca.pem, then its directory; the bootstrap secret had one of each.
  ['writeFile:before', 2],
  ['writeFile:half', 2],
  ['writeFile:after', 2],
  ['sync:after', 3],
  ['sync:after', 4],
  // The checkpoint job: its key, then the checkpoint.
  ['claim:after', 1],
  ['createKey:before', 1],
  ['checkpoint-COMMIT:before', 1],
  ['checkpoint-COMMIT:sent', 1],
  ['createKey:after', 1],
  ['sign:after', 2],
  ['checkpoint-work:after', 2],
  ['checkpoint-COMMIT:before', 2],
  ['checkpoint-COMMIT:sent', 2],
  ['recordCheckpoint:after', 1],
  ['release:before', 1],
];

const now = () => new Date();
/** After the leases of whoever was killed, jobs included. */
const later = () => new Date(Date.now() + 121_000);

const launcher = launcherOfFile();

onEveryBackend('the first start', (backend) => {
  let empty: PreparedDatabase;
  /** With every authority: what a start has when it comes to the bootstrap secret. */
  let declared: PreparedDatabase;
  beforeAll(async () => {
    empty = await backend.empty();
    await (await openDatabase(empty.url, { clock: now, processId: 'empty' })).close();
    declared = await empty.copy();
    await inside(declared, { processId: 'next' }, startAuthorities);
  });
  afterAll(async () => {
    await empty?.remove();
    await declared?.remove();
  });

  async function killAndStartAgain(
    prepared: PreparedDatabase,
    vault: VaultKind,
    change: Partial<Job>,
    moment?: Moment,
  ): Promise<NodeJS.Signals | null> {
    const when = JSON.stringify(change.fault ?? moment);
    const { url: databaseUrl, dataDir } = prepared;
    try {
      const order = { task: 'start', processId: 'killed', vault, ...change } as const;
      const ending = await launcher().run({ ...order, databaseUrl, dataDir }, moment);
      expect(ending.complaints, when).toBe('');
      const { signed } = ending;
      await inside(prepared, { vault, processId: 'next', clock: later }, async (services) => {
        const left = await leftBehind(services, dataDir, signed);
        const api = await startWhole(services, dataDir);
        await expectStarted(services, api, left, dataDir, when);
      });
      return ending.signal;
    } finally {
      await prepared.remove();
    }
  }

  test.each(early)(
    'killed before the keys at %s, passing %i',
    { timeout: 300_000 },
    async (point, passing) => {
      for (let kill = 0; kill < kills; kill += 1) {
        const fault = { point, passing };
        expect(await killAndStartAgain(await empty.copy(), 'real', { fault })).toBe('SIGKILL');
      }
    },
  );

  test.each(points)('killed at %s', { timeout: 300_000 }, async (point, most) => {
    const draw = drawing(`${backend.name} start ${point}`);
    for (let kill = 0; kill < kills; kill += 1) {
      const fault = { point, passing: draw(most) };
      expect(await killAndStartAgain(await empty.copy(), 'known', { fault })).toBe('SIGKILL');
    }
  });

  test.each(late)(
    'killed after the keys at %s, passing %i',
    { timeout: 300_000 },
    async (point, passing) => {
      for (let kill = 0; kill < kills; kill += 1) {
        const fault = { point, passing };
        expect(await killAndStartAgain(await declared.copy(), 'known', { fault })).toBe('SIGKILL');
      }
    },
  );

  test('killed at random moments', { timeout: 900_000 }, async () => {
    const draw = drawing(`${backend.name} start`);
    let killed = 0;
    let starts = 0;
    while (killed < killsAtRandom) {
      starts += 1;
      // Some are done before: then starting again changes nothing, and they do not count.
      expect(starts, 'most are done before they are killed').toBeLessThan(4 * killsAtRandom);
      const vault = draw(4) === 1 ? 'real' : 'known';
      const moment: Moment = { after: 'ready', milliseconds: draw(500) };
      const signal = await killAndStartAgain(await backend.empty(), vault, {}, moment);
      if (signal === 'SIGKILL') killed += 1;
    }
  });
});
