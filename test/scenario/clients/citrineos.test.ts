/** CitrineOS against evpki in place of Hubject: a base URL and credentials are all that changes. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPemBlocks, toPem } from '../../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { noOpenssl, opensslVerify } from '../../support/other-tools.ts';
import { newRequest } from '../../support/requests.ts';
import { rootOf, sent } from '../../support/vehicles.ts';
import { carWithContract } from './car.ts';
import { type CitrineOs, type CitrineOsConfig, citrineOs } from './citrineos.ts';

/** OCPP 2.0.1, CertificateSignedRequest.certificateChain. */
const MAX_CHAIN = 10_000;

describe('CitrineOS', () => {
  let evpki: TestApp;
  let config: CitrineOsConfig;
  let root: string;
  let csms: CitrineOs;

  beforeAll(async () => {
    evpki = await startTestApp();
    const body = { name: 'CitrineOS', organization: 'demo-cpo', roles: ['csms'] };
    const { clientId, clientSecret } = sent(await evpki.call('POST', '/v1/api-clients', body), 201);
    config = {
      ...{ baseUrl: evpki.app.apiUrl, tokenUrl: `${evpki.app.apiUrl}/oauth/token` },
      ...{ clientId, clientSecret },
      ca: readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8'),
    };
    root = toPem('CERTIFICATE', (await rootOf(evpki, 'v2g-root')).der);
    csms = citrineOs(config);
  });
  afterAll(() => evpki?.close());

  const subjectsOf = (chain: string): string[] =>
    readPemBlocks(chain).map(({ der }) => Buffer.from(der).toString('hex'));

  test.each([
    ['LF', '\n'],
    ['CRLF, whose CR it leaves in the body', '\r\n'],
  ])('P2 P3: a request with %s becomes leaf, Sub-CA 2 and Sub-CA 1', async (name, end) => {
    const csr = newRequest(`CN=DE*DEM*E1${name.slice(0, 2)}`).replaceAll('\n', end);
    const chain = await csms.certificateChain(csr);
    const above = await authorities('cpo-sub-ca-2', 'cpo-sub-ca-1');
    const [leaf, ...issuers] = subjectsOf(chain);
    expect(issuers).toEqual(above);
    expect([...above, ...subjectsOf(root)]).not.toContain(leaf);
    expect(chain.length).toBeLessThan(MAX_CHAIN);
  });

  const authorities = (...ids: string[]): Promise<string[]> =>
    Promise.all(ids.map(async (id) => Buffer.from((await rootOf(evpki, id)).der).toString('hex')));

  test('P3: what it installs as V2G root is the root', async () => {
    expect(await csms.rootCertificate()).toBe(root);
  });

  test.skipIf(noOpenssl)('P3: openssl verifies what a station gets, up to that root', async () => {
    const chain = await csms.certificateChain(newRequest('CN=DE*DEM*E2'));
    const [certificate = '', ...issuers] = readPemBlocks(chain).map(({ label, der }) =>
      toPem(label, der),
    );
    const path = { certificate, issuers, root: await csms.rootCertificate() };
    expect(await opensslVerify(['-x509_strict', '-purpose', 'any'], path)).toMatchObject({
      accepted: true,
    });
  });

  test('the same request again, as after an answer that got lost, is the same certificate', async () => {
    const csr = newRequest('CN=DE*DEM*E3');
    expect(await csms.certificateChain(csr)).toBe(await csms.certificateChain(csr));
  });

  test('P6: the roots that it installs are those of the pool', async () => {
    const roots = (await csms.rootCertificates()).map((pem) => new X509Certificate(pem));
    expect(roots.map(String)).toContain(root);
    expect(roots.length).toBeGreaterThan(1);
    for (const one of roots) expect(one.verify(one.publicKey)).toBe(true);
  });

  test('P7: the car takes what it passes on, and OCPP 2.0.1 does', async () => {
    const car = await carWithContract(evpki);
    const exi = await csms.signedContractData(car.exiRequest, 'urn:iso:15118:2:2013:MsgDef');
    expect(car.takes(exi)).toBe(car.emaid);
    // Get15118EVCertificateResponse.exiResponse.
    expect(exi.length).toBeLessThanOrEqual(5_600);
  });

  test('P7: a car without a contract is an error for its log', async () => {
    const nobody = csms.signedContractData('gJgC', 'urn:iso:15118:2:2013:MsgDef');
    await expect(nobody).rejects.toThrow(/^Get signed contract data: 400: .*errorMessages/);
  });

  test('P4: one token lasts, and is asked for again only when it is refused', async () => {
    const other = citrineOs(config);
    await other.certificateChain(newRequest('CN=DE*DEM*E4'));
    await other.rootCertificate();
    expect(other.tokensAsked()).toBe(1);
    other.spoilToken();
    await other.certificateChain(newRequest('CN=DE*DEM*E5'));
    expect(other.tokensAsked()).toBe(2);
  });

  test('P5: what is refused is an error with status and reasons for its log', async () => {
    const before = csms.tokensAsked();
    const refused = csms.certificateChain(newRequest('CN=a.example.com'));
    await expect(refused).rejects.toThrow(/^Sign: 4\d\d: [a-z-]+: .*\n.*subject/s);
    // No 401 or 403: another token would not help.
    expect(csms.tokensAsked()).toBe(before);
    await expect(csms.certificateChain('hello')).rejects.toThrow(/^Sign: 400: .*csr-malformed/s);
  });

  test('P4: credentials that nobody has are no token', async () => {
    const stranger = citrineOs({ ...config, clientSecret: `${config.clientSecret}x` });
    await expect(stranger.certificateChain(newRequest('CN=DE*DEM*E7'))).rejects.toThrow(
      /^Get token: 401: /,
    );
  });
});
