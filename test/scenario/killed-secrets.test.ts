/**
 * A process that enrols stations with one-time secrets is killed: no secret is used up without its
 * certificate being there for the same request again, and none has made two.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import type { EnrolmentSecretRow } from '../../src/storage/rows/access.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises, type HandedOut } from '../support/broken-promises.ts';
import { drawing, historiesAtRandom, kills, killsInARow, seed } from '../support/chance.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type Ending, launcherOfFile } from '../support/killed-process.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
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
const batch = { callers: 6, requestsEach: 4 };
const endless = { callers: 6, requestsEach: 100_000 };

/** Leases last a minute. */
const afterTheLeases = () => new Date(Date.now() + 120_000);

interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** TBS hashes. */
  readonly signed: string[];
  /** How many of the secrets were used, unused and lost by their process. */
  readonly secrets: { used: number; unused: number };
}

let processes = 0;

const launcher = launcherOfFile();

describe.each(preparedBackends)('on $name', (backend) => {
  describe.concurrent(`secrets on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(prepared, () => new Date(), start);
    });
    afterAll(() => prepared?.remove());

    async function withHistory(use: (history: History) => Promise<void>): Promise<void> {
      const database = await prepared.copy();
      try {
        const secrets = { used: 0, unused: 0 };
        await use({ database, handedOut: [], signed: [], secrets });
      } finally {
        await database.remove();
      }
    }

    const job = ({ database }: History) => ({
      ...({ task: 'secrets', vault: 'known' } as const),
      ...{ databaseUrl: database.url, dataDir: database.dataDir },
      processId: `killed-secrets-${++processes}`,
    });

    test.each(points)('S3 killed at %s', { timeout: 300_000 }, async (point) => {
      const draw = drawing(`${backend.name} secrets ${point}`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < kills; kill += 1) {
          const fault = { point, passing: draw(MOST_PASSINGS) };
          const ending = await launcher().run({ ...job(history), ...batch, fault });
          await examine(history, ending, JSON.stringify(fault));
        }
      });
    });

    const title = 'S3 killed at random moments, history %i';
    test.each(historiesAtRandom)(title, { timeout: 900_000 }, async (number) => {
      const draw = drawing(`${backend.name} secrets ${number}`);
      await withHistory(async (history) => {
        for (let kill = 0; kill < killsInARow; kill += 1) {
          const moment = { after: 'handed-out', milliseconds: draw(200) } as const;
          const ending = await launcher().run({ ...job(history), ...endless }, moment);
          await examine(history, ending, JSON.stringify(moment));
        }
        expect(history.secrets.used).toBeGreaterThan(0);
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
  const processId = `secrets-examiner-${++processes}`;
  const database = await openDatabase(url, { clock, processId });
  try {
    const declarations = demoDeclarations();
    const options = { declarations, dataDir, vault: 'known', processId, clock } as const;
    await use(await servicesOver(database, options));
  } finally {
    await database.close();
  }
}

/** Recovers as the next process does, and has every station send its requests once more. */
async function examine(history: History, ending: Ending, when: string): Promise<void> {
  expect(ending.signal, `${when}: ${ending.complaints}`).toBe('SIGKILL');
  history.handedOut.push(...ending.handedOut);
  history.signed.push(...ending.signed);
  await inside(history.database, afterTheLeases, async (services) => {
    await services.store.abandonExpired(services.clock());
    await expectKept(services, history, `${when}: before anybody asks again`);
  });
  await inside(
    history.database,
    () => new Date(),
    async (services) => {
      for (const secret of ending.secrets) await askAgain(services, history, ending, secret, when);
      await expectKept(services, history, `${when}: after all have asked again`);
    },
  );
}

/** One of the requests gets a certificate, whichever it was for before; the others do not. */
async function askAgain(
  services: Services,
  { handedOut, secrets }: History,
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
