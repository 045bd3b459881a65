/** A process that issues certificates is killed; what it told and what it stored must agree. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertificateState } from '../../src/services/certificate-records.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises, type HandedOut } from '../support/broken-promises.ts';
import { drawing, historiesAtRandom, kills, killsInARow, seed } from '../support/chance.ts';
import { demoDeclarations } from '../support/declarations.ts';
import type { Job } from '../support/issuing-process.ts';
import { type Ending, launcherOfFile, type Moment } from '../support/killed-process.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { enrolStation, stationRequest } from '../support/stations.ts';

const points = [
  'recordPending:before',
  'recordPending:after',
  'sign:before',
  'sign:after',
  'recordIssued:before',
  'recordIssued:after',
  'statement:before',
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

const launcher = launcherOfFile();

describe.each(preparedBackends)('on $name', (backend) => {
  describe.concurrent(`issuing on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(prepared, () => new Date(), start);
    });
    afterAll(() => prepared?.remove());

    /** A copy of the database, and everything that was handed out from it and given up in it. */
    async function withHistory(use: (history: History) => Promise<void>): Promise<void> {
      const database = await prepared.copy();
      try {
        await use({ database, handedOut: [], signed: [], abandoned: new Set() });
      } finally {
        await database.remove();
      }
    }

    const job = ({ database }: History, change: Partial<Job>): Job => ({
      task: 'issue',
      databaseUrl: database.url,
      dataDir: database.dataDir,
      processId: `killed-${++processes}`,
      vault: 'known',
      ...change,
    });

    test.each(points)('killed at %s', { timeout: 300_000 }, async (point) => {
      const draw = drawing(`${backend.name} issuing ${point}`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < kills; kill += 1) {
          const fault = { point, passing: draw(MOST_PASSINGS) };
          const ending = await launcher().run(job(history, { ...batch, fault }));
          await examine(history, [ending], JSON.stringify(fault));
        }
      });
    });

    const title = 'killed at random moments, history %i';
    test.each(historiesAtRandom)(title, { timeout: 900_000 }, async (number) => {
      const draw = drawing(`${backend.name} issuing ${number}`);
      // Where several processes may issue, two do, and both are killed.
      const atOnce = backend.name === 'PostgreSQL' ? 2 : 1;
      await withHistory(async (history) => {
        for (let kill = 0; kill < killsInARow; kill += atOnce) {
          const moments = Array.from({ length: atOnce }, (): Moment => {
            const after = draw(3) === 1 ? 'ready' : 'handed-out';
            return { after, milliseconds: draw(200) };
          });
          const endings = await Promise.all(
            moments.map((moment) => launcher().run(job(history, endless), moment)),
          );
          await examine(history, endings, JSON.stringify(moments));
        }
        expect(history.handedOut.length).toBeGreaterThan(0);
      });
    });

    test('S2 an abandoned serial number is not drawn again', { timeout: 120_000 }, async () => {
      await withHistory(async (history) => {
        const fault = { point: 'sign:after', passing: 1 };
        await examine(history, [await launcher().run(job(history, { ...batch, fault }))], '');
        await inside(history.database, afterTheLeases, async (services) => {
          const serial = await abandonedSerial(services);
          const first = Buffer.from(serial.padStart(32, '0'), 'hex');
          const draws = [first];
          const random = (count: number) =>
            (count === 16 ? draws.shift() : undefined) ?? services.random(count);
          const answer = await enrolStation({ ...services, random }, stationRequest('SN-AGAIN'));
          expect(draws).toEqual([]);
          expect(Buffer.from(answer.certificate.serialNumber).equals(first)).toBe(false);
          const issued = { certificateId: answer.certificateId, der: answer.certificate.der };
          expect(await brokenPromises(services.database, { handedOut: [issued] })).toEqual([]);
        });
      });
    });
  });
});

interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** TBS hashes. */
  readonly signed: string[];
  /** Ids. */
  readonly abandoned: Set<string>;
}

let processes = 0;

/** Opens a database as one more process would. */
async function inside(
  { url, dataDir }: PreparedDatabase,
  clock: () => Date,
  use: (services: Services) => Promise<void>,
): Promise<void> {
  const processId = `examiner-${++processes}`;
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
async function examine(history: History, endings: readonly Ending[], when: string): Promise<void> {
  for (const { signal, complaints, handedOut, signed } of endings) {
    expect(signal, `${when}: ${complaints}`).toBe('SIGKILL');
    history.handedOut.push(...handedOut);
    history.signed.push(...signed);
  }
  await inside(history.database, afterTheLeases, async ({ store, clock, database }) => {
    const inState = (state: CertificateState): Promise<string[]> =>
      database.reader<CertificateRow>('certificates').where('state', state).pluck('id');
    const pending = await inState('pending');
    expect(await store.abandonExpired(new Date()), `${when}: within their leases`).toBe(0);
    expect(await store.abandonExpired(clock()), `${when}: after their leases`).toBe(pending.length);
    expect(await brokenPromises(database, history), when).toEqual([]);
    for (const id of pending) history.abandoned.add(id);
    expect(new Set(await inState('abandoned')), when).toEqual(history.abandoned);
  });
}

async function abandonedSerial({ database }: Services): Promise<string> {
  const row = await database
    .reader<CertificateRow>('certificates')
    .where({ state: 'abandoned' })
    .first('serial');
  if (row === undefined) throw new Error('nothing was abandoned');
  return row.serial;
}
