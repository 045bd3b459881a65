/** A process that issues certificates is killed; what it told and what it stored must agree. */

import { expect, test } from 'vitest';
import type { CertificateState } from '../../src/services/certificate-records.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, historiesAtRandom, kills, killsInARow } from '../support/chance.ts';
import { type History, killing, newHistory } from '../support/kill-histories.ts';
import type { Moment } from '../support/killed-process.ts';
import { afterTheLeases, inside } from '../support/next-process.ts';
import type { PreparedDatabase } from '../support/prepared-databases.ts';
import { type Services, start } from '../support/services.ts';
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

interface IssuingHistory extends History {
  /** Ids. */
  readonly abandoned: Set<string>;
}

const issuing = {
  task: 'issue',
  batch: { callers: 8, requestsEach: 6 },
  prepare: start,
  begin: (database: PreparedDatabase) => ({
    ...newHistory(database),
    abandoned: new Set<string>(),
  }),
  examine,
} as const;

killing('issuing', issuing, ({ backend, withHistory, killAt, killAfter }) => {
  test.each(points)('killed at %s', { timeout: 300_000 }, async (point) => {
    const draw = drawing(`${backend} issuing ${point}`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < kills; kill += 1) {
        await killAt(history, { point, passing: draw(MOST_PASSINGS) });
      }
    });
  });

  const title = 'killed at random moments, history %i';
  test.each(historiesAtRandom)(title, { timeout: 900_000 }, async (number) => {
    const draw = drawing(`${backend} issuing ${number}`);
    // Where several processes may issue, two do, and both are killed.
    const atOnce = backend === 'PostgreSQL' ? 2 : 1;
    await withHistory(async (history) => {
      for (let kill = 0; kill < killsInARow; kill += atOnce) {
        const moments = Array.from({ length: atOnce }, (): Moment => {
          // The first one has handed something out: of the others it may be that none has.
          const after = draw(3) === 1 && kill > 0 ? 'ready' : 'handed-out';
          return { after, milliseconds: draw(200) };
        });
        await killAfter(history, ...moments);
      }
      expect(history.handedOut.length).toBeGreaterThan(0);
    });
  });

  test('S2 an abandoned serial number is not drawn again', { timeout: 120_000 }, async () => {
    await withHistory(async (history) => {
      await killAt(history, { point: 'sign:after', passing: 1 });
      await inside(history.database, { clock: afterTheLeases }, async (services) => {
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

/** Recovers as the next process does, and looks whether every promise was kept. */
async function examine(history: IssuingHistory, _: unknown, when: string): Promise<void> {
  await inside(history.database, { clock: afterTheLeases }, async ({ store, clock, database }) => {
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
