/**
 * A process that enrols stations with one-time secrets is killed: no secret is used up without its
 * certificate being there for the same request again, and none has made two.
 */

import { expect, test } from 'vitest';
import type { EnrolmentSecretRow } from '../../src/storage/rows/access.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, historiesAtRandom, kills, killsInARow } from '../support/chance.ts';
import { type History, killing, newHistory } from '../support/kill-histories.ts';
import type { Ending } from '../support/killed-process.ts';
import { inside, recovered } from '../support/next-process.ts';
import type { PreparedDatabase } from '../support/prepared-databases.ts';
import { type Services, start } from '../support/services.ts';
import { enrolWithSecret, type Obtained } from '../support/used-secrets.ts';

const points = [
  'createSecret:after',
  'findSecretByHash:after',
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

interface SecretHistory extends History {
  /** How many of the secrets were used, unused and lost by their process. */
  readonly secrets: { used: number; unused: number };
}

const usingSecrets = {
  task: 'secrets',
  batch: { callers: 6, requestsEach: 4 },
  prepare: start,
  begin: (database: PreparedDatabase) => ({
    ...newHistory(database),
    secrets: { used: 0, unused: 0 },
  }),
  examine,
} as const;

killing('secrets', usingSecrets, ({ backend, withHistory, killAt, killAfter }) => {
  test.each(points)('S3 killed at %s', { timeout: 300_000 }, async (point) => {
    const draw = drawing(`${backend} secrets ${point}`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < kills; kill += 1) {
        await killAt(history, { point, passing: draw(MOST_PASSINGS) });
      }
    });
  });

  const title = 'S3 killed at random moments, history %i';
  test.each(historiesAtRandom)(title, { timeout: 900_000 }, async (number) => {
    const draw = drawing(`${backend} secrets ${number}`);
    await withHistory(async (history) => {
      for (let kill = 0; kill < killsInARow; kill += 1) {
        await killAfter(history, { after: 'handed-out', milliseconds: draw(200) });
      }
      expect(history.secrets.used).toBeGreaterThan(0);
    });
  });
});

/** Recovers as the next process does, and has every station send its requests once more. */
async function examine(
  history: SecretHistory,
  endings: readonly Ending[],
  when: string,
): Promise<void> {
  await recovered(history.database, {}, (services) =>
    expectKept(services, history, `${when}: before anybody asks again`),
  );
  await inside(history.database, {}, async (services) => {
    for (const ending of endings) {
      for (const secret of ending.secrets) await askAgain(services, history, ending, secret, when);
    }
    await expectKept(services, history, `${when}: after all have asked again`);
  });
}

/** One of the requests gets a certificate, whichever it was for before; the others do not. */
async function askAgain(
  services: Services,
  { handedOut, secrets }: SecretHistory,
  ending: Ending,
  secret: Ending['secrets'][number],
  when: string,
): Promise<void> {
  const what = `${when}: ${secret.commonName}`;
  const before = await certificatesOf(services, secret.commonName);
  expect(before.length, `${what} has several`).toBeLessThanOrEqual(1);
  const obtained: Obtained[] = [];
  for (const csr of secret.csrs) {
    const answer = await enrolWithSecret(services, secret, Buffer.from(csr, 'base64'));
    if (answer !== 'refused') obtained.push(answer);
  }
  expect(obtained, `${what} has got none, or two`).toHaveLength(1);
  const [{ certificateId, der }] = obtained as [Obtained];
  const [existing] = before;
  // What there was is what there is, handed out before or not.
  if (existing) expect(certificateId, what).toBe(existing.id);
  secrets[existing ? 'used' : 'unused'] += 1;
  for (const one of ending.handedOut) {
    if (one.certificateId === certificateId) expect(one.der.toString('base64'), what).toBe(der);
  }
  expect(await certificatesOf(services, secret.commonName), what).toHaveLength(1);
  handedOut.push({ certificateId, der: Buffer.from(der, 'base64') });
}

const certificatesOf = (
  { database }: Services,
  commonName: string,
): Promise<Pick<CertificateRow, 'id'>[]> =>
  database
    .reader<CertificateRow>('certificates')
    .where({ station_id: commonName, state: 'issued' })
    .select('id');

/** What is promised of all certificates; and no secret is of a certificate of another name. */
async function expectKept(services: Services, history: History, when: string): Promise<void> {
  const { database } = services;
  expect(await brokenPromises(database, history), when).toEqual([]);
  const used: { common_name: string; station_id: string | null; state: string }[] = await database
    .reader<EnrolmentSecretRow>('enrolment_secrets as secret')
    .join('certificates as certificate', 'certificate.id', 'secret.certificate_id')
    .select('secret.common_name', 'certificate.station_id', 'certificate.state');
  for (const { common_name, station_id, state } of used) {
    expect(station_id, when).toBe(common_name);
    expect(['issued', 'abandoned'], when).toContain(state);
  }
}
