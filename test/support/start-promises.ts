/** What evpki promises of a start that follows one that was killed. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ApiIdentity } from '../../src/app/api-identity.ts';
import { toPem } from '../../src/pki/pem.ts';
import { bootstrap } from '../../src/services/access.ts';
import { type KeptCheckpoint, latestCheckpoint } from '../../src/services/audit-checkpoints.ts';
import { verifyAuditLog } from '../../src/services/audit-verification.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { brokenPromises } from './broken-promises.ts';
import { workbench } from './openssl.ts';
import { noOpenssl } from './other-tools.ts';
import type { Services } from './services.ts';
import { enrolStation, stationRequest } from './stations.ts';
import { doCheckpointJob } from './whole-start.ts';

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

/** To be called before anything is repaired. */
export async function leftBehind(
  services: Services,
  dataDir: string,
  signed: readonly string[],
): Promise<Left> {
  const apiRoot = await readApiRoot(dataDir).catch(unlessMissing);
  return { signed, apiRoot, checkpoint: await latestCheckpoint(services) };
}

/** Everything is there once, and what was seen before is still so. */
export async function expectStarted(
  services: Services,
  api: ApiIdentity,
  left: Left,
  dataDir: string,
  when: string,
): Promise<void> {
  await expectComplete(services, when);
  await expectApi(services, api, left, dataDir, when);
  await expectCheckpoints(services, left, when);
  await expectUsable(services, left, dataDir, when);
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

/** Leaves it out where `noOpenssl` says so. */
function expectOpensslAccepts(
  der: Uint8Array,
  chain: readonly Uint8Array[],
  root: Uint8Array | undefined,
): void {
  if (root === undefined) throw new Error('the root has no certificate');
  if (noOpenssl) return;
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
