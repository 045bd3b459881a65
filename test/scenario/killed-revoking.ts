/**
 * A process that revokes, publishes CRLs and certifies OCSP responders is killed: what was revoked
 * for somebody stays revoked everywhere, numbers go on, and no CRL is served in half.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readCrl } from '../../src/pki/crl/read.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import { issuerHashes } from '../../src/pki/ocsp/hashes.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { writeOcspRequest } from '../../src/pki/ocsp/write-request.ts';
import { toPem } from '../../src/pki/pem.ts';
import { findCertificate } from '../../src/services/certificates.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { AuditEntryRow, CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises, type HandedOut } from '../support/broken-promises.ts';
import { drawing, kills, killsAtRandom, seed } from '../support/chance.ts';
import { demoDeclarations } from '../support/declarations.ts';
import type { Job } from '../support/issuing-process.ts';
import type { Ending, Launcher, Moment } from '../support/killed-process.ts';
import { workbench } from '../support/openssl.ts';
import type { PreparedBackend, PreparedDatabase } from '../support/prepared-databases.ts';
import { doJobs, type Services, servicesOver, start } from '../support/services.ts';
import { demoCpo } from '../support/stations.ts';

/** With how often a process passes each at least. */
const points: [string, number][] = [
  ['status-statement:before', 60],
  ['status-work:after', 12],
  ['status-COMMIT:before', 3],
  ['status-COMMIT:sent', 3],
  ['recordStatusChange:after', 12],
  ['reserveNumber:after', 3],
  ['putSegment:after', 3],
  ['publish:before', 3],
  ['publish:after', 3],
  ['crl-statement:before', 30],
  ['crl-COMMIT:before', 6],
  ['crl-COMMIT:sent', 6],
  ['createSigner:after', 3],
  ['activateSigner:before', 3],
  ['activateSigner:after', 3],
  ['release:before', 3],
];

const batch = { callers: 6, requestsEach: 6 };
const endless = { callers: 6, requestsEach: 100_000 };

/** Leases of jobs last two minutes. */
const AFTER_THE_LEASES = 300_000;

export const revokingSurvives = (backend: PreparedBackend, launcher: () => Launcher) =>
  describe.concurrent(`revoking on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let prepared: PreparedDatabase;
    beforeAll(async () => {
      prepared = await backend.empty();
      await inside(
        prepared,
        () => new Date(),
        async (services) => {
          await start(services);
          // Of the many issuers of the demo a few are enough.
          const jobs = services.database.reader('jobs').orderBy('name').pluck('name');
          const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
          const own = [`crl:${issuer?.id}`, `ocsp-signer:${issuer?.id}`];
          const others = (await jobs).filter((name: string) => !own.includes(name)).slice(0, -4);
          await services.database.write(({ knex }) =>
            knex('jobs').whereIn('name', others).update({ due_at: '2100-01-01T00:00:00.000Z' }),
          );
        },
      );
    });
    afterAll(() => prepared?.remove());

    async function withHistory(use: (history: History) => Promise<void>): Promise<void> {
      const database = await prepared.copy();
      try {
        await use({ database, handedOut: [], revoked: new Set(), number: 0, ahead: 0 });
      } finally {
        await database.remove();
      }
    }

    const job = ({ database, ahead }: History, change: Partial<Job>): Job => ({
      task: 'revoke',
      ahead,
      databaseUrl: database.url,
      dataDir: database.dataDir,
      processId: `killed-revoking-${++processes}`,
      vault: 'known',
      ...change,
    });

    test.each(points)('O5 O7 killed at %s', { timeout: 300_000 }, async (point, most) => {
      const draw = drawing(`${backend.name} revoking ${point}`);
      const kill = async (history: History) => {
        const fault = { point, passing: draw(most) };
        const ending = await launcher().run(job(history, { ...batch, fault }));
        await examine(history, [ending], JSON.stringify(fault));
      };
      // A responder is certified once and its job is leased by whoever was killed: after one kill
      // there is nothing left to be killed at.
      const killsEach = point.includes('Signer') ? 1 : kills;
      for (let history = 0; history < kills / killsEach; history += 1) {
        await withHistory(async (same) => {
          for (let count = 0; count < killsEach; count += 1) await kill(same);
        });
      }
    });

    test('O5 O7 killed at random moments', { timeout: 900_000 }, async () => {
      const draw = drawing(`${backend.name} revoking`);
      const atOnce = backend.name === 'PostgreSQL' ? 2 : 1;
      await withHistory(async (history) => {
        for (let kill = 0; kill < killsAtRandom; kill += atOnce) {
          const moments = Array.from(
            { length: atOnce },
            // Long enough for something to be revoked on a busy machine, too.
            (): Moment => ({ after: 'handed-out', milliseconds: draw(1_000) }),
          );
          const endings = await Promise.all(
            moments.map((moment) => launcher().run(job(history, endless), moment)),
          );
          await examine(history, endings, JSON.stringify(moments));
        }
        expect(history.revoked.size).toBeGreaterThan(0);
      });
    });
  });

interface History {
  readonly database: PreparedDatabase;
  readonly handedOut: HandedOut[];
  /** Ids of certificates whose revocation was acknowledged. */
  readonly revoked: Set<string>;
  /** The highest CRL number that anybody saw. */
  number: number;
  /** How far clocks are ahead of ours: whoever comes later must not have an earlier time (O6). */
  ahead: number;
}

let processes = 0;

async function inside(
  { url, dataDir }: PreparedDatabase,
  clock: () => Date,
  use: (services: Services) => Promise<void>,
): Promise<void> {
  const processId = `revoking-examiner-${++processes}`;
  const database = await openDatabase(url, { clock, processId });
  try {
    const declarations = demoDeclarations();
    const options = { declarations, dataDir, vault: 'known', processId, clock } as const;
    await use(await servicesOver(database, options));
  } finally {
    await database.close();
  }
}

async function examine(history: History, endings: readonly Ending[], when: string): Promise<void> {
  for (const { signal, complaints, handedOut, revoked, published } of endings) {
    expect(signal, `${when}: ${complaints}`).toBe('SIGKILL');
    history.handedOut.push(...handedOut);
    for (const id of revoked) history.revoked.add(id);
    expect(published, `${when}: numbers go back`).toEqual([...published].sort((a, b) => a - b));
    history.number = Math.max(history.number, ...published);
  }
  history.ahead += AFTER_THE_LEASES;
  const clock = () => new Date(Date.now() + history.ahead);
  await inside(history.database, clock, async (services) => {
    await services.store.abandonExpired(services.clock());
    const { handedOut } = history;
    expect(await brokenPromises(services.database, { handedOut }), when).toEqual([]);
    await expectAuditOfRevocations(services, when);

    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    if (!issuer?.certificate) throw new Error('the station CA has no certificate');
    // What the dead process left is whole, before anything is repaired.
    const left = await servedCrl(services, issuer.id, when);
    if (left) expect(left.number, when).toBeGreaterThanOrEqual(history.number);
    else expect(history.number, when).toBe(0);

    // What was interrupted runs again.
    await services.jobs.schedule(`crl:${issuer.id}`, new Date(0));
    while ((await doJobs(services)) > 0);
    const crl = await servedCrl(services, issuer.id, when);
    if (!crl) throw new Error(`${when}: no CRL comes`);
    expect(crl.number, when).toBeGreaterThan(left?.number ?? 0);
    history.number = crl.number;
    await expectNumbersOnce(services, issuer.id, when);

    const listed = new Set(crl.serials);
    for (const id of history.revoked) {
      const { record } = await findCertificate(services, demoCpo, id);
      expect(record.state, `${when}: ${id}`).toBe('revoked');
      expect(listed.has(record.serial), `${when}: ${id} is not in the CRL`).toBe(true);
      expect(await ocspStatus(services, issuer.certificate, record.serial), when).toBe('revoked');
    }
    // Nothing else is listed: neither OCSP nor the CRL revokes on its own.
    const rows = services.database.reader<CertificateRow>('certificates');
    const recorded: string[] = await rows
      .where({ state: 'revoked', issuer_id: issuer.id })
      .pluck('serial');
    expect([...listed].sort(), when).toEqual(recorded.sort());
    expectOpensslAccepts(crl.der, issuer.certificate, when);
  });
}

interface ServedCrl {
  readonly number: number;
  readonly der: Buffer;
  readonly serials: readonly string[];
}

/** The CRL as the public listener sends it: by its announced length, chunk by chunk. */
async function servedCrl(
  { crls }: Services,
  issuerId: string,
  when: string,
): Promise<ServedCrl | undefined> {
  const crl = await crls.findCrl(issuerId);
  if (!crl) return undefined;
  const chunks: Uint8Array[] = [];
  for (let chunk = 0; chunk < crl.chunks; chunk++) {
    const bytes = await crls.readChunk(issuerId, crl.number, chunk);
    if (!bytes) throw new Error(`${when}: chunk ${chunk} of CRL ${crl.number} is missing`);
    chunks.push(bytes);
  }
  const der = Buffer.concat(chunks);
  expect(der.length, when).toBe(crl.length);
  const read = readCrl(der, { maxBytes: 1_000_000 });
  expect(Number(read.extensions.crlNumber?.value), when).toBe(crl.number);
  const serials = [...read.entries()].map(({ serialNumber }) => hexOf(serialNumber));
  return { number: crl.number, der, serials };
}

const hexOf = (serialNumber: Uint8Array): string =>
  Buffer.from(serialNumber).toString('hex').replace(/^0+/, '');

/** Each revocation stands in the log once, and nothing else does. */
async function expectAuditOfRevocations(
  { database: { reader } }: Services,
  when: string,
): Promise<void> {
  const rows: string[] = await reader<CertificateRow>('certificates')
    .where({ state: 'revoked' })
    .pluck('id');
  const entries: string[] = await reader<AuditEntryRow>('audit_entries')
    .where({ action: 'certificate.revoked' })
    .pluck('subject');
  expect(entries.sort(), when).toEqual(rows.sort());
}

/** No CRL number was given to two lists. */
async function expectNumbersOnce(
  { database: { reader } }: Services,
  issuerId: string,
  when: string,
): Promise<void> {
  const details: string[] = await reader<AuditEntryRow>('audit_entries')
    .where({ action: 'crl.published', subject: issuerId })
    .pluck('details');
  const numbers = details.map((text) => (JSON.parse(text) as { number: number }).number);
  expect(new Set(numbers).size, when).toBe(numbers.length);
}

async function ocspStatus(
  { ocsp }: Services,
  issuerDer: Uint8Array,
  serial: string,
): Promise<string> {
  const issuer = readCertificate(issuerDer);
  if (!issuer.publicKey) throw new Error('the station CA has an unusable key');
  const { nameHash, keyHash } = issuerHashes(issuer.subjectDer, issuer.publicKey.bits).sha256;
  const certId = writeCertId({
    hashAlgorithm: 'sha256',
    issuerNameHash: Buffer.from(nameHash, 'hex'),
    issuerKeyHash: Buffer.from(keyHash, 'hex'),
    serialNumber: Buffer.from(serial.length % 2 ? `0${serial}` : serial, 'hex'),
  });
  const reply = await ocsp.answer(writeOcspRequest([certId]));
  const response = readOcspResponse(reply.der);
  if (response.status !== 'successful') return response.status;
  return response.data.responses[0]?.status.kind ?? 'nothing';
}

function expectOpensslAccepts(der: Buffer, issuer: Uint8Array, when: string): void {
  const bench = workbench();
  try {
    writeFileSync(join(bench.folder, 'list.crl'), der);
    bench.write('ca.pem', toPem('CERTIFICATE', issuer));
    const command = 'openssl crl -in list.crl -inform der -CAfile ca.pem -noout 2>&1';
    const said = execFileSync('sh', ['-c', command], { cwd: bench.folder, encoding: 'utf8' });
    expect(said, when).toContain('verify OK');
  } finally {
    bench.remove();
  }
}
