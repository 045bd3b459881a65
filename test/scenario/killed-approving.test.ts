/** A process that approves requests is killed; each of them waits again, or has one certificate. */

import { expect, test } from 'vitest';
import { approve } from '../../src/services/approval.ts';
import type { CertificateRow, EnrolmentRequestRow } from '../../src/storage/rows.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, kills } from '../support/chance.ts';
import { storeClient } from '../support/clients.ts';
import { type History, killing, newHistory } from '../support/kill-histories.ts';
import { inside, recovered } from '../support/next-process.ts';
import { type Services, start } from '../support/services.ts';
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

const approving = {
  task: 'approve',
  batch: { callers: 8, requestsEach: 6 },
  prepare: async (services: Services) => {
    await start(services);
    await storeClient(services, demoOperator);
  },
  begin: newHistory,
  examine,
} as const;

killing('approving', approving, ({ backend, withHistory, killAt, killAfter }) => {
  test.each(points)('S3 killed at %s', { timeout: 120_000 }, async (point) => {
    const draw = drawing(`${backend} approving ${point}`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < kills; kill += 1) {
        await killAt(history, { point, passing: draw(MOST_PASSINGS) });
      }
      await approveTheRest(history);
    });
  });

  test('S3 killed at random moments', { timeout: 300_000 }, async () => {
    const draw = drawing(`${backend} approving`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < 4 * kills; kill += 1) {
        await killAfter(history, { after: 'handed-out', milliseconds: draw(200) });
      }
      await approveTheRest(history);
      expect(history.handedOut.length).toBeGreaterThan(0);
    });
  });
});

function examine(history: History, _: unknown, when: string): Promise<void> {
  return recovered(history.database, {}, (services) => expectKept(services, history, when));
}

/** What waits after all the kills is as good as ever. */
async function approveTheRest(history: History): Promise<void> {
  await inside(history.database, {}, async (services) => {
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
  });
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
