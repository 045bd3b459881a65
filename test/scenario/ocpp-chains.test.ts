/** Chains as stations take them in CertificateSigned: facts/ocpp.md 6.3. */

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { newRequest } from '../support/requests.ts';
import { certificatesOf, rootOf, sent } from '../support/vehicles.ts';

/** open-ocpp, issue 230: Rejected unless the last of the chain is a root that verifies it. */
function asOpenOcpp(certificateChain: string): 'Accepted' | 'Rejected' {
  const chain = certificatesOf(certificateChain).map((der) => new X509Certificate(der));
  const last = chain.at(-1);
  const ends = last?.verify(last.publicKey) ?? false;
  const links = chain.slice(1).every((issuer, at) => chain[at]?.verify(issuer.publicKey));
  return ends && links ? 'Accepted' : 'Rejected';
}

describe('chains for CertificateSigned', () => {
  let evpki: TestApp;
  let csms: Record<string, string>;
  let stranger: Record<string, string>;
  const roots = { ocpp: '', v2g: '' };

  beforeAll(async () => {
    evpki = await startTestApp();
    csms = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['csms'])}` };
    stranger = { authorization: `Bearer ${await evpki.tokenOf('demo-mo', ['cpo-operator'])}` };
    roots.ocpp = toPem('CERTIFICATE', (await rootOf(evpki, 'ocpp-root')).der);
    roots.v2g = toPem('CERTIFICATE', (await rootOf(evpki, 'v2g-root')).der);
  });
  afterAll(() => evpki?.close());

  const put = async (id: string, chain: unknown) => {
    const answer = await evpki.call('PUT', `/v1/stations/${id}?organization=demo-cpo`, { chain });
    expect([200, 201], answer.text).toContain(answer.status);
  };
  const toCsms = 'ChargingStationCertificate';
  async function sign(stationId: string, certificateType?: string, csr = newRequest('CN=x')) {
    const type = certificateType === undefined ? {} : { certificateType };
    const body = { stationId, csr, ocppVersion: '2.0.1', ...type };
    const json = sent(await evpki.call('POST', '/v1/ocpp/sign-certificate', body, csms), 200);
    expect(json.status, JSON.stringify(json)).toBe('issued');
    return json as { certificateChain: string; warnings: string[]; enrolmentRequestId: string };
  }
  const named = (name: string) => newRequest(`CN=${name}`);
  /** The certificate that a signed request became. */
  const idOf = async ({ enrolmentRequestId }: { enrolmentRequestId: string }) =>
    sent(await evpki.call('GET', `/v1/requests/${enrolmentRequestId}`), 200).certificate as string;
  const show = (id: string, headers: Record<string, string> = {}, as = csms) =>
    evpki.call('GET', `/v1/certificates/${id}?format=ocpp-chain`, undefined, { ...as, ...headers });
  const blocks = (text: string) => certificatesOf(text).length;

  test('without a policy: leaf and Sub-CAs, no root, no warning', async () => {
    const answer = await sign('CS-PLAIN', toCsms, named('PLAIN-1'));
    expect([blocks(answer.certificateChain), answer.warnings]).toEqual([2, []]);
    expect(answer.certificateChain).not.toContain(roots.ocpp);
    expect(asOpenOcpp(answer.certificateChain)).toBe('Rejected');
  });

  test.each([
    [toCsms, 'ocpp', 3],
    ['V2GCertificate', 'v2g', 4],
    [undefined, 'v2g', 4],
  ] as const)('open-ocpp accepts a chain with its root, for %s', async (type, root, count) => {
    const id = `CS-OPEN-${type}`;
    await put(id, { includeRoot: true });
    const csr = named(`OPEN-${type}`);
    const { certificateChain, warnings } = await sign(id, type, csr);
    expect([blocks(certificateChain), warnings]).toEqual([count, []]);
    expect(certificateChain.endsWith(roots[root])).toBe(true);
    expect(certificateChain).not.toContain('\r');
    expect(asOpenOcpp(certificateChain)).toBe('Accepted');

    // The policy of the moment counts, also for a request that is repeated.
    await put(id, {});
    const again = await sign(id, type, csr);
    expect(again.certificateChain + roots[root]).toBe(certificateChain);
  });

  test('a chain that the station has no room for is whole, with a warning', async () => {
    await put('CS-SMALL', { maximumSize: 500 });
    const small = await sign('CS-SMALL', toCsms, named('SMALL-1'));
    const { length } = small.certificateChain;
    expect(blocks(small.certificateChain)).toBe(2);
    expect(small.warnings).toEqual([
      `certificateChain has ${length} characters; the station takes 500`,
    ]);
  });

  test('a root that there is no room for is left out, with a warning', async () => {
    await put('CS-TIGHT', { includeRoot: true, maximumSize: 10_000 });
    const csr = named('TIGHT-1');
    const long = (await sign('CS-TIGHT', toCsms, csr)).certificateChain;
    await put('CS-TIGHT', { includeRoot: true, maximumSize: long.length - 1 });
    const tight = await sign('CS-TIGHT', toCsms, csr);
    expect(tight.certificateChain + roots.ocpp).toBe(long);
    expect(tight.warnings).toEqual([
      `the root is left out: with it certificateChain has ${long.length} characters, and the station takes ${long.length - 1}`,
    ]);
  });

  describe('?format=ocpp-chain', () => {
    const headers = ({ headers }: Answer) => [headers['content-type'], headers['x-evpki-warning']];

    test('is the text that sign-certificate gave, for curl to a file', async () => {
      await put('CS-SHOW', { includeRoot: true });
      const signed = await sign('CS-SHOW', toCsms, named('SHOW-1'));
      const id = await idOf(signed);
      for (const [accept, type] of [
        [undefined, 'application/pem-certificate-chain'],
        ['*/*', 'application/pem-certificate-chain'],
        ['text/plain', 'text/plain; charset=utf-8'],
      ] as const) {
        const answer = await show(id, accept === undefined ? {} : { accept });
        expect([answer.status, answer.text]).toEqual([200, signed.certificateChain]);
        expect(headers(answer)[0]).toMatch(type);
        expect(headers(answer)[1]).toBeUndefined();
      }
      const { json } = await show(id, { accept: 'application/json' });
      expect(json).toMatchObject({ id, certificateChain: signed.certificateChain, warnings: [] });
      // Otherwise nothing has changed.
      const plain = await evpki.call('GET', `/v1/certificates/${id}`, undefined, csms);
      expect(plain.json.certificateChain + roots.ocpp).toBe(signed.certificateChain);
      expect(plain.json).not.toHaveProperty('warnings');
    });

    test('says what is amiss in a header, or in the JSON', async () => {
      await put('CS-WARN', { maximumSize: 500 });
      const signed = await sign('CS-WARN', toCsms, named('WARN-1'));
      const answer = await show(await idOf(signed));
      expect(answer.text).toBe(signed.certificateChain);
      expect(headers(answer)[1]).toBe(signed.warnings[0]);
      const { json } = await show(await idOf(signed), { accept: 'application/json' });
      expect(json.warnings).toEqual(signed.warnings);
    });

    test('of a certificate of no station is the chain without root', async () => {
      const found = await evpki.call('GET', '/v1/certificates?profile=ocpp-server-ca');
      const answer = await evpki.call(
        ...['GET', `/v1/certificates/${found.json.items[0].id}?format=ocpp-chain`],
        undefined,
        { ...csms, accept: '*/*' },
      );
      expect([answer.status, blocks(answer.text)]).toEqual([200, 1]);
    });

    test('A1 is as hidden as the certificate, and of no other format', async () => {
      const id = await idOf(await sign('CS-HIDDEN', toCsms, named('HIDDEN-1')));
      expect((await show(id, {}, stranger)).status).toBe(404);
      const path = `/v1/certificates/${id}?format=pkcs7`;
      expect((await evpki.call('GET', path, undefined, csms)).status).toBe(400);
    });
  });
});
