/** The first start is killed; the next one must complete what it began. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { bootstrap } from '../../src/services/access.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { AuditEntryRow, CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { drawing, kills, killsAtRandom, seed } from '../support/chance.ts';
import { demoDeclarations } from '../support/declarations.ts';
import type { Job } from '../support/issuing-process.ts';
import type { Launcher, Moment } from '../support/killed-process.ts';
import { workbench } from '../support/openssl.ts';
import type { PreparedBackend } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start, type VaultKind } from '../support/services.ts';
import { enrolStation, stationRequest } from '../support/stations.ts';

/** Points before the keys, with which passing it is. They need the real vault. */
const early: [string, number][] = [
  // The passphrase's file, then its directory.
  ['writeFile:before', 1],
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
  ['writeFile:before', 1],
  ['writeFile:after', 1],
  ['keep:after', 1],
  ['putBootstrap:before', 1],
  ['putBootstrap:after', 1],
];

/** After the leases of whoever was killed. */
const later = () => new Date(Date.now() + 120_000);

export const firstStartSurvives = (backend: PreparedBackend, launcher: () => Launcher) =>
  describe.concurrent(`the first start on ${backend.name}, EVPKI_TEST_SEED=${seed}`, () => {
    async function killAndStartAgain(
      vault: VaultKind,
      change: Partial<Job>,
      moment?: Moment,
    ): Promise<NodeJS.Signals | null> {
      const when = JSON.stringify(change.fault ?? moment);
      const { url, dataDir, remove } = await backend.empty();
      try {
        const job: Job = {
          task: 'start',
          databaseUrl: url,
          dataDir,
          processId: 'killed',
          vault,
          ...change,
        };
        const { signal, complaints, signed } = await launcher().run(job, moment);
        expect(complaints, when).toBe('');

        const processId = 'next';
        const database = await openDatabase(url, { clock: later, processId });
        try {
          const services = await servicesOver(database, {
            declarations: demoDeclarations(),
            dataDir,
            vault,
            processId,
            clock: later,
          });
          await start(services);
          await expectComplete(services, signed, dataDir, when);
        } finally {
          await database.close();
        }
        return signal;
      } finally {
        await remove();
      }
    }

    test.each(early)('killed at %s, passing %i', { timeout: 300_000 }, async (point, passing) => {
      for (let kill = 0; kill < kills; kill += 1) {
        expect(await killAndStartAgain('real', { fault: { point, passing } })).toBe('SIGKILL');
      }
    });

    test.each(points)('killed at %s', { timeout: 300_000 }, async (point, most) => {
      const draw = drawing(`${backend.name} start ${point}`);
      for (let kill = 0; kill < kills; kill += 1) {
        const fault = { point, passing: draw(most) };
        expect(await killAndStartAgain('known', { fault })).toBe('SIGKILL');
      }
    });

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
        if ((await killAndStartAgain(vault, {}, moment)) === 'SIGKILL') killed += 1;
      }
    });
  });

async function expectComplete(
  services: Services,
  signed: readonly string[],
  dataDir: string,
  when: string,
): Promise<void> {
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
  expect(await issued, when).toHaveLength(ids.length);
  const created = await reader<AuditEntryRow>('audit_entries')
    .where({ action: 'authority.created' })
    .orderBy('subject')
    .pluck('subject');
  expect(created.sort(), when).toEqual(ids);

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
    bench.write('chain.pem', chain.map((one) => toPem('CERTIFICATE', one)).join(''));
    bench.write('root.pem', toPem('CERTIFICATE', root));
    const files = ['-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'leaf.pem'];
    expect(bench.openssl('verify', '-x509_strict', ...files)).toBe('leaf.pem: OK\n');
  } finally {
    bench.remove();
  }
}
