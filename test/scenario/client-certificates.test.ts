/** API clients that log in with a certificate, and who passes for one. */

import { execFile } from 'node:child_process';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import type { ExtensionSet } from '../../src/pki/template.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import {
  callPresenting,
  keyPem,
  type LoginCertificate,
  loginCertificate,
  type Presented,
} from '../support/client-certificates.ts';
import { generateKey, leafExtensions } from '../support/issuing.ts';
import { opensslNewKey, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { freshKeyPair } from '../support/public-keys.ts';
import { newRequest } from '../support/requests.ts';

const run = promisify(execFile);
const LIST = '/v1/api-clients';

describe('the certificate of an API client', () => {
  let evpki: TestApp;
  let admin: Record<string, string>;
  let offset = 0;
  let names = 0;
  beforeAll(async () => {
    evpki = await startTestApp({ clock: () => new Date(Date.now() + offset) });
    admin = await as('demo-cpo', 'tenant-admin');
  });
  afterAll(() => evpki?.close());

  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  const superuser = () => as('instance', 'super');
  const newClient = async (more: Record<string, unknown> = {}, headers = admin) => {
    const body = { name: 'csms-1', organization: 'demo-cpo', roles: ['csms'], ...more };
    return (await evpki.call('POST', LIST, body, headers)).json.clientId as string;
  };
  const add = (id: string, certificate: string, headers = admin) =>
    evpki.call('POST', `${LIST}/${id}/certificates`, { certificate }, headers);
  const remove = (id: string, sha256: string, headers = admin) =>
    evpki.call('DELETE', `${LIST}/${id}/certificates/${sha256}`, undefined, headers);
  const listed = async (id: string) =>
    (await evpki.call('GET', `${LIST}/${id}/certificates`, undefined, admin)).json.items;
  /** The status of a call that presents it, and nothing else. */
  const login = async (presented: Presented | undefined) =>
    (await callPresenting(evpki, presented, 'GET', '/v1/profiles')).status;
  const known = async (certificate: LoginCertificate, more: Record<string, unknown> = {}) => {
    const id = await newClient(more);
    expect((await add(id, certificate.cert)).status).toBe(201);
    return id;
  };
  /** One that evpki has issued, with its key. */
  const issued = async () => {
    const pair = freshKeyPair('P-256');
    const csr = newRequest(`CN=SN-LOGIN-${++names}`, { pair });
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const [leaf = ''] = String(json.certificateChain).split(/(?<=END CERTIFICATE-----\n)/);
    return { id: json.id as string, key, cert: json.certificateChain as string, leaf };
  };
  const change = (method: string, id: string, body?: unknown) =>
    evpki.call(method, `/v1/certificates/${id}/revocation`, body);
  /** Waits until the audit log names somebody who was turned away for this reason. */
  const refusedFor = (reason: string, actor = 'unknown') =>
    expect
      .poll(async () => {
        const path = '/v1/audit?action=access.refused&limit=200';
        const { items } = (await evpki.call('GET', path)).json;
        return items.map((entry: { actor: string; details: { reason: string } }) => [
          entry.details.reason,
          entry.actor,
        ]);
      })
      .toContainEqual([reason, actor]);

  test('proves who calls, and nothing else than a token does', async () => {
    const certificate = loginCertificate();
    const id = await known(certificate);
    const call = (method: string, path: string) => callPresenting(evpki, certificate, method, path);
    expect((await call('GET', '/v1/profiles')).status).toBe(200);
    expect((await call('GET', LIST)).status).toBe(403);
    expect((await call('GET', '/v1/authorities/mo-root')).status).toBe(404);
    await refusedFor('not-permitted', `client:${id}`);
    const shown = await evpki.call('GET', `${LIST}/${id}`, undefined, admin);
    expect(shown.json.lastUsedAt).toBeDefined();
  });

  test('is nobody’s before it is registered and after it was removed, to the call', async () => {
    const certificate = loginCertificate();
    expect(await login(certificate)).toBe(401);
    await refusedFor('certificate-unknown');
    const id = await known(certificate);
    expect(await login(certificate)).toBe(200);
    expect((await remove(id, certificate.sha256)).status).toBe(204);
    expect(await login(certificate)).toBe(401);
    expect((await remove(id, certificate.sha256)).status).toBe(404);
  });

  test('is that very certificate: not its key, its name or what it has signed', async () => {
    const key = generateKey();
    const certificate = loginCertificate({}, { key });
    await known(certificate);
    expect(await login(loginCertificate({}, { key }))).toBe(401);
    expect(await login(loginCertificate())).toBe(401);
    const below = loginCertificate({}, { signer: key });
    expect(await login({ key: below.key, cert: below.cert + certificate.cert })).toBe(401);
  });

  test('W3 never stands in for a token that is wrong', async () => {
    const certificate = loginCertificate();
    await known(certificate);
    for (const headers of [
      { authorization: 'Bearer evpki_tok_wrong' },
      { authorization: 'Basic YTpi' },
      { authorization: 'Bearer ' },
      { authorization: '' },
      { 'x-api-key': 'wrong' },
      { 'x-api-key': '' },
    ]) {
      const path = '/v1/profiles';
      const { status } = await callPresenting(evpki, certificate, 'GET', path, { headers });
      expect([headers, status]).toEqual([headers, 401]);
    }
  });

  test('does not change whose a token is', async () => {
    const certificate = loginCertificate();
    await known(certificate);
    const headers = await as('demo-mo', 'tenant-admin');
    const { json } = await callPresenting(evpki, certificate, 'GET', LIST, { headers });
    const of = json.items.map(({ organization }: { organization: string }) => organization);
    expect(new Set(of)).toEqual(new Set(['demo-mo']));
  });

  test('A3 W5 that is held or revoked is refused from the next call on', async () => {
    const own = await issued();
    const id = await newClient();
    expect((await add(id, own.leaf)).status).toBe(201);
    expect(await login(own)).toBe(200);
    await change('POST', own.id, { reason: 'certificateHold' });
    expect(await login(own)).toBe(401);
    await refusedFor('certificate-held', `client:${id}`);
    await change('DELETE', own.id);
    expect(await login(own)).toBe(200);
    await change('POST', own.id, { reason: 'keyCompromise' });
    expect(await login(own)).toBe(401);
    await refusedFor('certificate-revoked', `client:${id}`);
    const again = await add(await newClient(), own.leaf);
    expect(again.status).toBe(422);
    expect(again.json.violations).toMatchObject([{ code: 'certificate-revoked' }]);
  });

  test('W5 counts in its time alone, and the answer does not say why', async () => {
    const now = Math.floor((Date.now() + offset) / 1000) * 1000;
    const certificate = loginCertificate({
      notBefore: new Date(now + 60_000),
      notAfter: new Date(now + 119_000),
    });
    const id = await known(certificate);
    const answers: unknown[] = [];
    const ask = async () => {
      const { status, json } = await callPresenting(evpki, certificate, 'GET', '/v1/profiles');
      const { requestId: _, ...problem } = json;
      if (status !== 200) answers.push(problem);
      return status;
    };
    expect(await ask()).toBe(401);
    await refusedFor('certificate-expired', `client:${id}`);
    offset += 61_000;
    expect(await ask()).toBe(200);
    offset += 60_000;
    expect(await ask()).toBe(401);
    const unknown = await callPresenting(evpki, loginCertificate(), 'GET', '/v1/profiles');
    const { requestId: _, ...problem } = unknown.json;
    expect(answers).toEqual([problem, problem]);
  });

  test('is refused from the next request on where the connection stays open', async () => {
    const own = await issued();
    await add(await newClient(), own.leaf);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const path = '/v1/profiles';
    const ask = async () => (await callPresenting(evpki, own, 'GET', path, { agent })).status;
    expect(await ask()).toBe(200);
    await change('POST', own.id, { reason: 'superseded' });
    expect(await ask()).toBe(401);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    agent.destroy();
  });

  test('of a client that was disabled is nobody’s, and free for another', async () => {
    const certificate = loginCertificate();
    const id = await known(certificate);
    const taken = await add(await newClient(), certificate.cert);
    expect([taken.status, taken.json.code]).toEqual([409, 'conflict']);
    expect(taken.text).not.toContain(id);
    await evpki.call('DELETE', `${LIST}/${id}`, undefined, admin);
    expect(await login(certificate)).toBe(401);
    await refusedFor('client-ended', `client:${id}`);
    expect((await add(id, certificate.cert)).status).toBe(409);
    await known(certificate);
    expect(await login(certificate)).toBe(200);
  });

  test('of a client whose end has come is nobody’s', async () => {
    const certificate = loginCertificate();
    const expiresAt = new Date(Date.now() + offset + 60_000).toISOString();
    const id = await known(certificate, { expiresAt });
    expect(await login(certificate)).toBe(200);
    offset += 61_000;
    expect(await login(certificate)).toBe(401);
    await refusedFor('client-ended', `client:${id}`);
  });

  test('is registered once, listed, and said in the audit log', async () => {
    const certificate = loginCertificate();
    const id = await newClient();
    const { status, json, headers } = await add(id, certificate.cert);
    expect(status).toBe(201);
    expect(headers.location).toBe(`${LIST}/${id}/certificates/${certificate.sha256}`);
    expect(json).toMatchObject({ sha256: certificate.sha256, subject: 'CN=csms-1.example' });
    const again = await add(id, `some text\r\n${certificate.cert.replaceAll('\n', '\r\n')}`);
    expect([again.status, again.json]).toEqual([200, json]);
    expect(await listed(id)).toEqual([json]);
    await remove(id, certificate.sha256);
    expect(await listed(id)).toEqual([]);
    const { items } = (await evpki.call('GET', `/v1/audit?subject=${id}&limit=200`)).json;
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'api-client.certificate-removed',
      'api-client.certificate-added',
      'api-client.created',
    ]);
    expect(items[1].details).toMatchObject({ sha256: certificate.sha256 });
  });

  test('is registered by nobody who could not give the client a secret', async () => {
    const { cert } = loginCertificate();
    const officer = await newClient({ roles: ['pki-officer'] }, await superuser());
    expect((await add(officer, cert)).status).toBe(403);
    const theirs = await newClient({ organization: 'demo-mo' }, await superuser());
    expect((await add(theirs, cert)).status).toBe(404);
    expect((await remove(theirs, 'a'.repeat(64))).status).toBe(404);
    expect(await login(undefined)).toBe(401);
  });

  test('W8 of another organization cannot be registered', async () => {
    const own = await issued();
    const theirs = await newClient({ organization: 'demo-mo' }, await superuser());
    const { status, json } = await add(theirs, own.leaf, await superuser());
    expect([status, json.code]).toEqual([422, 'client-certificate-refused']);
    expect(json.violations).toMatchObject([{ code: 'certificate-organization' }]);
  });

  const key = generateKey();
  const withExtensions = (more: Partial<ExtensionSet>) =>
    loginCertificate({ extensions: { ...leafExtensions(key, key), ...more } }, { key }).cert;
  test.each([
    ['nothing', 'x', ['certificate-unreadable']],
    ['two', loginCertificate().cert + loginCertificate().cert, ['certificate-unreadable']],
    ['a key', keyPem(key), ['certificate-unreadable']],
    ['junk in armour', toPem('CERTIFICATE', new Uint8Array(40)), ['certificate-unreadable']],
    [
      'an expired one',
      loginCertificate({ notAfter: new Date('2026-02-01T00:00:00Z') }).cert,
      ['certificate-expired'],
    ],
    [
      'one for servers, and for agreeing on keys',
      withExtensions({
        keyUsage: { critical: true, usages: ['keyAgreement'] },
        extendedKeyUsage: { critical: false, purposes: ['serverAuth'] },
      }),
      ['certificate-key-usage', 'certificate-purpose'],
    ],
  ])('that is %s is refused with all that is wrong', async (_name, pem, codes) => {
    const { status, json, text } = await add(await newClient(), pem);
    expect([status, json.code]).toEqual([422, 'client-certificate-refused']);
    expect(json.violations.map(({ code }: { code: string }) => code)).toEqual(codes);
    expect(text).not.toContain('PRIVATE KEY-----\n');
  });

  test('of 25,001 characters is refused before it is read', async () => {
    expect((await add(await newClient(), 'x'.repeat(25_001))).status).toBe(400);
  });

  test('is one of at most twenty', async () => {
    const id = await newClient();
    const all = Array.from({ length: 21 }, () => loginCertificate());
    const statuses: number[] = [];
    for (const { cert } of all) statuses.push((await add(id, cert)).status);
    expect(statuses).toEqual([...Array(20).fill(201), 409]);
    expect(await listed(id)).toHaveLength(20);
  });

  test('brings an Idempotency-Key of its client', async () => {
    const certificate = loginCertificate();
    await known(certificate, { roles: ['tenant-admin'] });
    const ask = async () =>
      (
        await callPresenting(evpki, certificate, 'POST', LIST, {
          headers: { 'idempotency-key': 'one-and-the-same' },
          body: { name: 'made once', organization: 'demo-cpo', roles: ['csms'] },
        })
      ).json.clientId;
    expect(await ask()).toBe(await ask());
  });

  test.skipIf(noOpenssl)('is one that openssl has made, and curl presents', async () => {
    const bench = workbench();
    const files = ['-keyout', 'csms.key', '-out', 'csms.pem'];
    const options = [...opensslNewKey('P-256'), '-nodes', '-days', '365'];
    bench.openssl('req', '-x509', ...options, '-subj', '/CN=csms-1.example', ...files);
    expect((await add(await newClient(), bench.read('csms.pem'))).status).toBe(201);
    const own = ['--cert', 'csms.pem', '--key', 'csms.key'];
    const trust = ['--cacert', join(evpki.dataDir, 'api-ca.pem')];
    const url = `${evpki.app.apiUrl}/v1/profiles`;
    const ask = async (...more: string[]) => {
      const code = ['-sS', '-o', 'answer.json', '-w', '%{http_code}'];
      const { stdout } = await run('curl', [...code, ...trust, ...more, url], {
        cwd: bench.folder,
      });
      return stdout;
    };
    expect([await ask(...own), await ask()]).toEqual(['200', '401']);
    const forged = `Client-Cert: :${bench.read('csms.pem').replaceAll(/-----[A-Z ]+-----|\n/g, '')}:`;
    expect(await ask('-H', forged)).toBe('403');
    expect(await ask(...own, '-H', forged)).toBe('403');
    bench.remove();
  });
});
