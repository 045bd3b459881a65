/** Client certificates that come through a proxy, and everybody who only says that he is one. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import {
  callPresenting,
  loginCertificate,
  type Presented,
} from '../support/client-certificates.ts';
import { freshKeyPair } from '../support/public-keys.ts';
import { newRequest } from '../support/requests.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-proxies-'));
const file = join(folder, 'proxies.pem');
afterAll(() => rmSync(folder, { recursive: true }));

const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64');
const header = (der: Uint8Array) => ({ 'Client-Cert': `:${base64(der)}:` });

const proxy = loginCertificate();
const client = loginCertificate();

describe('a proxy in front of the API', () => {
  let evpki: TestApp;
  let clientId: string;
  let offset = 0;
  const short = loginCertificate({
    notAfter: new Date(Math.ceil(Date.now() / 1000) * 1000 + 300_000),
  });
  beforeAll(async () => {
    writeFileSync(file, proxy.cert + short.cert);
    evpki = await startTestApp({
      env: { EVPKI_PROXY_CERTIFICATES: file },
      clock: () => new Date(Date.now() + offset),
    });
    clientId = await registered(client);
  });
  afterAll(() => evpki?.close());

  const registered = async ({ cert }: Presented, organization = 'demo-cpo') => {
    const body = { name: 'csms-1', organization, roles: ['csms'] };
    const { clientId: id } = (await evpki.call('POST', '/v1/api-clients', body)).json;
    const path = `/v1/api-clients/${id}/certificates`;
    expect((await evpki.call('POST', path, { certificate: cert })).status).toBe(201);
    return id as string;
  };
  const ask = (presented: Presented | undefined, headers: OutgoingHttpHeaders = {}) =>
    callPresenting(evpki, presented, 'GET', '/v1/profiles', { headers });
  const outcome = async (presented: Presented | undefined, headers: OutgoingHttpHeaders = {}) => {
    const { status, json } = await ask(presented, headers);
    return status === 200 ? 200 : `${status} ${json.code}`;
  };
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
  /** One that evpki has issued, with its key. */
  const issued = async (name: string) => {
    const pair = freshKeyPair('P-256');
    const csr = newRequest(`CN=${name}`, { pair });
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    const [cert = ''] = String(json.certificateChain).split(/(?<=END CERTIFICATE-----\n)/);
    const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const der = new Uint8Array(Buffer.from(cert.replaceAll(/-----[A-Z ]+-----|\n/g, ''), 'base64'));
    return { id: json.id as string, key, cert, der };
  };
  const revoke = (id: string) =>
    evpki.call('POST', `/v1/certificates/${id}/revocation`, { reason: 'superseded' });

  test('says who its client is', async () => {
    expect(await outcome(proxy, header(client.der))).toBe(200);
    const escaped = { 'client-cert': encodeURIComponent(client.cert) };
    expect(await outcome(proxy, escaped)).toBe(200);
    const path = '/v1/api-clients';
    const { status } = await callPresenting(evpki, proxy, 'GET', path, { headers: escaped });
    expect(status).toBe(403);
    await refusedFor('not-permitted', `client:${clientId}`);
  });

  test('speaks for nobody whom it does not name, not even for itself', async () => {
    expect(await outcome(proxy)).toBe('401 not-authenticated');
    expect(await outcome(proxy, { 'client-cert': '::' })).toBe('401 not-authenticated');
    await registered(proxy);
    expect(await outcome(proxy)).toBe('401 not-authenticated');
    expect(await outcome(proxy, header(loginCertificate().der))).toBe('401 not-authenticated');
  });

  test('lets tokens pass, whatever certificate there is beside them', async () => {
    const authorization = `Bearer ${await evpki.tokenOf('demo-mo', ['auditor'])}`;
    expect(await outcome(proxy, { authorization })).toBe(200);
    expect(await outcome(proxy, { authorization, ...header(client.der) })).toBe(200);
    const wrong = { authorization: 'Bearer evpki_tok_x', ...header(client.der) };
    expect(await outcome(proxy, wrong)).toBe('401 not-authenticated');
  });

  test('W5 is nobody else: forged headers are refused and noticed', async () => {
    const forged = header(client.der);
    const refusal = '403 proxy-not-trusted';
    expect(await outcome(undefined, forged)).toBe(refusal);
    expect(await outcome(loginCertificate(), forged)).toBe(refusal);
    // Not even by somebody who could log in with it, nor with anything in it.
    expect(await outcome(client, forged)).toBe(refusal);
    expect(await outcome(client, { 'CLIENT-CERT': '' })).toBe(refusal);
    expect(await outcome(client, { 'client-cert-chain': 'x' })).toBe(refusal);
    // The proxy's certificate is public: to send it along proves nothing.
    expect(await outcome({ ...client, cert: client.cert + proxy.cert }, forged)).toBe(refusal);
    const authorization = `Bearer ${await evpki.tokenOf('demo-cpo', ['auditor'])}`;
    expect(await outcome(undefined, { authorization, ...forged })).toBe(refusal);
    await refusedFor('proxy-not-trusted');
  });

  test('W5 forged headers are refused where no credentials are needed', async () => {
    const body = { grant_type: 'client_credentials', client_id: 'x', client_secret: 'y' };
    const { status, json } = await callPresenting(evpki, undefined, 'POST', '/oauth/token', {
      ...{ body, headers: header(client.der) },
    });
    expect([status, json.code]).toEqual([403, 'proxy-not-trusted']);
  });

  test('must not send two headers, junk, or more than fits', async () => {
    const unreadable = '400 client-certificate-unreadable';
    const two = [proxy, client].map(({ der }) => header(der)['Client-Cert']);
    expect(await outcome(proxy, { 'client-cert': two })).toBe(unreadable);
    expect(await outcome(proxy, { 'client-cert': 'CN=csms-1' })).toBe(unreadable);
    const chain = { 'client-cert-chain': `:${base64(proxy.der)}:` };
    expect(await outcome(proxy, chain)).toBe(unreadable);
    expect(await outcome(proxy, { ...header(client.der), ...chain })).toBe(200);
    const { status } = await ask(proxy, { 'client-cert': `:${'A'.repeat(17_000)}:` });
    expect(status).toBe(431);
  });

  test('A3 passes on a certificate that is revoked, to no avail', async () => {
    const own = await issued('SN-BEHIND');
    const id = await registered(own);
    expect(await outcome(proxy, header(own.der))).toBe(200);
    await revoke(own.id);
    expect(await outcome(proxy, header(own.der))).toBe('401 not-authenticated');
    await refusedFor('certificate-revoked', `client:${id}`);
  });

  test('changes over to another certificate without a break', async () => {
    const next = await issued('SN-PROXY');
    expect(await outcome(next, header(client.der))).toBe('403 proxy-not-trusted');
    writeFileSync(file, proxy.cert + short.cert + next.cert);
    expect(await evpki.app.reload()).toContain(file);
    expect(await outcome(next, header(client.der))).toBe(200);
    expect(await outcome(proxy, header(client.der))).toBe(200);
    writeFileSync(file, next.key);
    await expect(evpki.app.reload()).rejects.toThrow(/PRIVATE KEY: only certificates/);
    expect(await outcome(next, header(client.der))).toBe(200);
    writeFileSync(file, short.cert + next.cert);
    await evpki.app.reload();
    expect(await outcome(proxy, header(client.der))).toBe('403 proxy-not-trusted');

    await revoke(next.id);
    expect(await outcome(next, header(client.der))).toBe('403 proxy-not-trusted');
    expect(await outcome(next)).toBe('401 not-authenticated');
    await refusedFor('proxy-ended');
  });

  test('is none any more when its time is over', async () => {
    expect(await outcome(short, header(client.der))).toBe(200);
    offset += 301_000;
    expect(await outcome(short, header(client.der))).toBe('403 proxy-not-trusted');
  });
});
