/** A root that ends while evpki is not running, and one of evpki's own that is made and revoked. */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fingerprint } from '../../src/pki/certificate.ts';
import { rootIdOf } from '../../src/services/root-pool.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { rootOf, sent } from '../support/vehicles.ts';

const DAY = 86_400_000;
const ENDPOINTS = '/v1/webhook/endpoints';

let receiver: Server;
let dataDir: string;
let port: number;
let heard: { event: string; subject: string; organization: string; details: object }[] = [];
let evpki: TestApp | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'evpki-root-ends-'));
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    heard.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  ({ port } = receiver.address() as AddressInfo);
});
afterAll(async () => {
  await evpki?.close();
  receiver?.closeAllConnections();
  receiver?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const start = (days = 0) =>
  startTestApp({
    dataDir,
    env: { EVPKI_OUTBOUND_INTERNAL_HOSTS: `127.0.0.1:${port}` },
    clock: () => new Date(Date.now() + days * DAY),
    ...(days > 0 ? { keepBootstrap: true as const } : {}),
  });
const until = (event: string, count: number) =>
  vi.waitFor(() => expect(heard.filter((one) => one.event === event)).toHaveLength(count), 45_000);

test('W8 who is to hear of it hears of each change of a root once, after a standstill too', async () => {
  evpki = await start();
  const register = async (organization: string, role: string, events: string[]) => {
    const headers = { authorization: `Bearer ${await evpki?.tokenOf(organization, [role])}` };
    const url = `http://127.0.0.1:${port}/${organization}`;
    sent(await (evpki as TestApp).call('POST', ENDPOINTS, { url, events }, headers), 201);
  };
  const events = ['root.cert.added', 'root.cert.expired', 'root.cert.revoked'];
  await register('demo-cpo', 'cpo-operator', events);
  await register('demo-mo', 'emsp-operator', events);
  await register('demo-v2g', 'pki-officer', [...events, 'certificate.revoked']);

  // Theirs who imports it, and nobody else's.
  const notAfter = new Date(Math.floor((Date.now() + DAY) / 1000) * 1000);
  const { pem, certificate } = foreignRoot({ notAfter });
  const anchor = { certificate: pem, organization: 'demo-cpo', rootType: 'V2G' };
  const { id } = sent(await evpki.call('POST', '/v1/trust-anchors', anchor), 201);
  await until('root.cert.added', 1);
  const sha256 = fingerprint(certificate.der);
  expect(heard).toMatchObject([{ organization: 'demo-cpo', subject: id, details: { sha256 } }]);

  // Everybody's: all pools list it.
  const made = {
    ...{ id: 'second-root', title: 'Second V2G Root', organization: 'demo-v2g' },
    ...{ profile: 'iso15118-2-v2g-root', key: 'P-256' },
  };
  const { issuers } = sent(await evpki.call('POST', '/v1/authorities', made), 201);
  await until('root.cert.added', 4);
  const own = await rootOf(evpki, 'second-root');
  const root = { rootType: 'V2G', sha256: fingerprint(own.der), name: expect.any(String) };
  const subject = rootIdOf(fingerprint(own.der));
  const added = heard.slice(1).sort((a, b) => a.organization.localeCompare(b.organization));
  expect(added).toMatchObject([
    { organization: 'demo-cpo', subject, details: root },
    { organization: 'demo-mo', subject, details: root },
    { organization: 'demo-v2g', details: { ...root, issuer: issuers[0].id } },
  ]);
  expect(Object.keys(added[0]?.details ?? {}).sort()).toEqual(['name', 'rootType', 'sha256']);
  const pool = await evpki.call('GET', `/v1/root/rootCerts/${subject}`);
  expect(pool.json.RootResponse.fingerprint).toBe(root.sha256);

  heard = [];
  const certificateId = String(added[2]?.subject);
  sent(
    await evpki.call('POST', `/v1/certificates/${certificateId}/revocation`, {
      reason: 'keyCompromise',
    }),
    200,
  );
  await until('root.cert.revoked', 3);
  const told = Object.fromEntries(heard.map((one) => [one.organization, one]));
  expect(told['demo-cpo']).toMatchObject({ subject, details: root });
  expect(told['demo-v2g']).toMatchObject({ subject: certificateId, details: root });
  expect(told['demo-v2g']?.details).toMatchObject({ reason: 'keyCompromise' });
  // Why, and by whom, is its owner's business.
  expect(JSON.stringify([told['demo-cpo'], told['demo-mo']])).not.toContain('keyCompromise');
  await evpki.close();

  heard = [];
  evpki = await start(3);
  await until('root.cert.expired', 1);
  expect(heard).toMatchObject([
    {
      ...{ event: 'root.cert.expired', organization: 'demo-cpo', subject: id },
      details: { sha256, rootType: 'V2G', notAfter: notAfter.toISOString() },
    },
  ]);
}, 240_000);
