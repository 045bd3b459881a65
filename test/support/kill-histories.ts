/**
 * The frame of the tests that kill processes. A history is a database of its own in which one
 * process after the other is killed, at a fault point or at a moment; what each has left is examined
 * before the next one goes on from there.
 */

import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { HandedOut } from './broken-promises.ts';
import { seed } from './chance.ts';
import type { Fault } from './faults.ts';
import type { Job } from './issuing-process.ts';
import { type Ending, launcherOfFile, type Moment } from './killed-process.ts';
import { inside } from './next-process.ts';
import {
  type PreparedBackend,
  type PreparedDatabase,
  preparedBackends,
} from './prepared-databases.ts';
import type { Services, ServicesOptions } from './services.ts';

/** So many that whoever sends them is killed before. */
export const ENDLESS = 100_000;

export interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** TBS hashes. */
  readonly signed: string[];
  /** How far the clocks of those who are killed are ahead of ours, in milliseconds. */
  ahead: number;
}

export const newHistory = (database: PreparedDatabase): History => ({
  ...{ database, handedOut: [], signed: [], ahead: 0 },
});

export interface Killing<H extends History> {
  /** What the processes do that are killed. */
  readonly task: Job['task'];
  /** How much of it one does that is killed at a fault point; whoever waits for a moment goes on. */
  readonly batch: { readonly callers: number; readonly requestsEach: number };
  /** Makes of an empty database what every history begins with. */
  readonly prepare: (services: Services) => Promise<void>;
  /** Of the services that prepare it, where they are not as `inside` has them. */
  readonly options?: Partial<ServicesOptions>;
  readonly begin: (database: PreparedDatabase) => H;
  /**
   * Looks whether every promise was kept.
   * @param endings of those who were killed at once; what they handed out and signed is in the history
   */
  readonly examine: (history: H, endings: readonly Ending[], when: string) => Promise<void>;
}

export interface Kills<H extends History> {
  readonly backend: PreparedBackend['name'];
  /** Begins a history, and removes its database in the end. */
  withHistory(use: (history: H) => Promise<void>): Promise<void>;
  killAt(history: H, fault: Fault): Promise<void>;
  /** Has as many processes at once as there are moments, and kills all of them. */
  killAfter(history: H, ...moments: readonly Moment[]): Promise<void>;
}

/** Tests on every database that this machine has. */
export const onEveryBackend = (what: string, tests: (backend: PreparedBackend) => void): void =>
  describe.each(preparedBackends)('on $name', (backend) => {
    describe.concurrent(`${what} on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () =>
      tests(backend));
  });

/** To be called once in a file: it prepares the processes, and on every backend a database. */
export function killing<H extends History>(
  what: string,
  { task, batch, prepare, options = {}, begin, examine }: Killing<H>,
  tests: (kills: Kills<H>) => void,
): void {
  const launcher = launcherOfFile();
  let processes = 0;

  const run = ({ database, ahead }: H, change: Partial<Job>, moment?: Moment) =>
    launcher().run(
      {
        ...{ task, vault: 'known', ahead, databaseUrl: database.url, dataDir: database.dataDir },
        ...{ processId: `killed-${++processes}`, ...batch, ...change },
      },
      moment,
    );

  async function examineAll(history: H, endings: readonly Ending[], when: string): Promise<void> {
    for (const { signal, complaints, handedOut, signed } of endings) {
      expect(signal, `${when}: ${complaints}`).toBe('SIGKILL');
      history.handedOut.push(...handedOut);
      history.signed.push(...signed);
    }
    await examine(history, endings, when);
  }

  onEveryBackend(what, (backend) => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(prepared, options, prepare);
    });
    afterAll(() => prepared?.remove());

    tests({
      backend: backend.name,
      async withHistory(use) {
        const database = await prepared.copy();
        try {
          await use(begin(database));
        } finally {
          await database.remove();
        }
      },
      async killAt(history, fault) {
        await examineAll(history, [await run(history, { fault })], JSON.stringify(fault));
      },
      async killAfter(history, ...moments) {
        const endings = await Promise.all(
          moments.map((moment) => run(history, { requestsEach: ENDLESS }, moment)),
        );
        await examineAll(history, endings, JSON.stringify(moments));
      },
    });
  });
}
