/** The first start is killed; the next one must complete what it began. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiIdentity } from '../../src/app/api-identity.ts';
import { toPem } from '../../src/pki/pem.ts';
import { bootstrap } from '../../src/services/access.ts';
import { type KeptCheckpoint, latestCheckpoint } from '../../src/services/audit-checkpoints.ts';
import { verifyAuditLog } from '../../src/services/audit-verification.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { AuditEntryRow, CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, kills, killsAtRandom, seed } from '../support/chance.ts';
import { demoDeclarations } from '../support/declarations.ts';
import type { Job } from '../support/issuing-process.ts';
import { launcherOfFile, type Moment } from '../support/killed-process.ts';
import { workbench } from '../support/openssl.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import {
  type Services,
  servicesOver,
  startAuthorities,
  type VaultKind,
} from '../support/services.ts';
import { enrolStation, stationRequest } from '../support/stations.ts';
import { doCheckpointJob, startWhole } from '../support/whole-start.ts';

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

describe.each(preparedBackends)('on $name', (backend) => {
  describe.concurrent(`the first start on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    let empty: PreparedDatabase;
    /** With every authority: what a start has when it comes to the bootstrap secret. */
    let declared: PreparedDatabase;
    beforeAll(async () => {
      empty = await backend.empty();
      await (await openDatabase(empty.url, { clock: now, processId: 'empty' })).close();
      declared = await empty.copy();
      await inside(declared, 'known', now, startAuthorities);
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
        await inside(prepared, vault, later, async (services) => {
          const left = {
            signed,
            apiRoot: await readApiRoot(dataDir).catch(unlessMissing),
            checkpoint: await latestCheckpoint(services),
          };
          const api = await startWhole(services, dataDir);
          await expectComplete(services, when);
          await expectApi(services, api, left, dataDir, when);
          await expectCheckpoints(services, left, when);
          await expectUsable(services, left, dataDir, when);
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
          expect(await killAndStartAgain(await declared.copy(), 'known', { fault })).toBe(
            'SIGKILL',
          );
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
});

/** What the killed one left that others may have seen. */
interface Left {
  /** TBS hashes. */
  readonly signed: readonly string[];
  readonly apiRoot: string | undefined;
  readonly checkpoint: KeptCheckpoint | undefined;
}

const readApiRoot = (dataDir: string): Promise<string> =>
  readFile(join(dataDir, 'api-ca.pem'), 'utf8');

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function inside(
  { url, dataDir }: PreparedDatabase,
  vault: VaultKind,
  clock: () => Date,
  use: (services: Services) => Promise<void>,
): Promise<void> {
  const processId = 'next';
  const declarations = demoDeclarations();
  const database = await openDatabase(url, { clock, processId });
  try {
    await use(await servicesOver(database, { declarations, dataDir, vault, processId, clock }));
  } finally {
    await database.close();
  }
}

async function expectComplete(services: Services, when: string): Promise<void> {
  const { database, authorities, keyring } = services;
  const { reader } = database;
  const declared = services.hierarchy.authorities;
  const ids = ['instance-ca', ...declared.map(({ id }) => id)].sort();

  const existing = await authorities.listAuthorities();
  expect(existing.map(({ id, state }) => `${id} ${state}`).sort(), when).toEqual(
    ids.map((id) => `${id} active`),
  );
  for (const { id } of existing) {
    const [issuer, ...others] = await authorities.listIssuers(id);
    expect(others, when).toEqual([]);
    expect(issuer, when).toMatchObject({ generation: 1, state: 'active' });
    const key = issuer && (await authorities.findEnvelope(issuer.keyId));
    // Opening fails unless it is the key of exactly this issuer.
    if (!key) throw new Error(`${when}: ${id} has no key`);
    await keyring.open(key, issuer.keyAlgorithm, issuer.spki);
  }
  expect(await reader('keys'), when).toHaveLength(ids.length);
  expect(await reader('vault'), when).toHaveLength(1);
  // Nobody got a second certificate because the first was not noticed.
  const issued = reader<CertificateRow>('certificates').where('state', 'issued');
  expect(await issued.whereNot('profile', 'api-server'), when).toHaveLength(ids.length);
  const created = await reader<AuditEntryRow>('audit_entries')
    .where({ action: 'authority.created' })
    .orderBy('subject')
    .pluck('subject');
  expect(created.sort(), when).toEqual(ids);
}

/** The API has a certificate under the root that clients find, and they never found half of it. */
async function expectApi(
  { database, authorities }: Services,
  { identity, root = '' }: ApiIdentity,
  left: Left,
  dataDir: string,
  when: string,
): Promise<void> {
  const [instance] = await authorities.listIssuers('instance-ca');
  if (!instance?.certificate) throw new Error(`${when}: the instance CA has no certificate`);
  expect(root, when).toBe(toPem('CERTIFICATE', instance.certificate));
  expect(await readApiRoot(dataDir), when).toBe(root);
  expect(left.apiRoot ?? root, when).toBe(root);
  expect((await readdir(dataDir)).filter((name) => name.endsWith('.new'))).toEqual([]);

  const certificate = new X509Certificate(identity.chain);
  expect(certificate.checkPrivateKey(createPrivateKey(identity.key)), when).toBe(true);
  expect(certificate.checkHost('localhost'), when).toBe('localhost');
  expectOpensslAccepts(certificate.raw, [], instance.certificate);
  // The one that was killed may have had one, whose key is gone with it.
  const rows = await database
    .reader<CertificateRow>('certificates')
    .where({ profile: 'api-server', state: 'issued' });
  expect(rows.filter(({ der }) => der?.equals(certificate.raw)).length, when).toBe(1);
  expect(rows.length, when).toBeLessThanOrEqual(2);
}

/** The job makes one key and one chain of checkpoints over all that is written, and was seen. */
async function expectCheckpoints(
  services: Services,
  { checkpoint }: Left,
  when: string,
): Promise<void> {
  const streams = await services.audit.listStreams();
  await doCheckpointJob(services);
  expect(await services.checkpoints.listKeys(), when).toHaveLength(1);
  const latest = await latestCheckpoint(services);
  const covered = new Map(latest?.heads.map(({ stream, sequence }) => [stream, sequence]));
  for (const { stream, sequence } of streams) {
    expect(covered.get(stream) ?? 0, `${when}: ${stream}`).toBeGreaterThanOrEqual(sequence);
  }
  for (const kept of [checkpoint, latest]) {
    const { findings, checkpoints } = await verifyAuditLog(services, kept);
    expect(findings, when).toEqual([]);
    expect(checkpoints, when).toBe(latest?.number);
  }
}

/** Stations get certificates, and there is one administrator to be. */
async function expectUsable(
  services: Services,
  { signed }: Left,
  dataDir: string,
  when: string,
): Promise<void> {
  const { database, authorities } = services;
  const answer = await enrolStation(services, stationRequest('SN-AFTER'));
  const handedOut = { certificateId: answer.certificateId, der: answer.certificate.der };
  expect(await brokenPromises(database, { handedOut: [handedOut], signed }), when).toEqual([]);
  const [root] = await authorities.listIssuers('ocpp-root');
  expectOpensslAccepts(handedOut.der, answer.chain, root?.certificate);

  const secret = (await readFile(join(dataDir, 'bootstrap-secret'), 'utf8')).trim();
  const { clientId } = await bootstrap(services.accessParts, secret, 'administrator');
  expect(await services.accessParts.store.findClient(clientId), when).toBeDefined();
}

function expectOpensslAccepts(
  der: Uint8Array,
  chain: readonly Uint8Array[],
  root: Uint8Array | undefined,
): void {
  if (root === undefined) throw new Error('the root has no certificate');
  const bench = workbench();
  try {
    bench.write('leaf.pem', toPem('CERTIFICATE', der));
    bench.write('chain.pem', [root, ...chain].map((one) => toPem('CERTIFICATE', one)).join(''));
    bench.write('root.pem', toPem('CERTIFICATE', root));
    const files = ['-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'leaf.pem'];
    expect(bench.openssl('verify', '-x509_strict', ...files)).toBe('leaf.pem: OK\n');
  } finally {
    bench.remove();
  }
}
