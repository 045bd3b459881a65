/** A station asks through its CSMS whether a certificate holds, and OpenSSL reads the answer. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ocspRequestOf } from '../../src/ocpp/ocsp-request-data.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { certificateHashData, type HashAlgorithm } from '../../src/pki/certificate-hash-data.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl, withOpenssl } from '../support/other-tools.ts';
import { newRequest } from '../support/requests.ts';

describe('GetCertificateStatus', () => {
  let evpki: TestApp;
  let bench: Workbench;
  let csms: Record<string, string>;
  let chain: Uint8Array[];
  let id: string;

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    csms = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['csms'])}` };
    const { json: root } = await evpki.call('GET', '/v1/authorities/v2g-root');
    bench.write('root.pem', root.issuers[0].certificateChain);
    const { json } = await evpki.call(
      'POST',
      '/v1/ocpp/sign-certificate',
      {
        stationId: 'CS-1',
        csr: newRequest('CN=DE*ICE*E1'),
        ocppVersion: '2.0.1',
        certificateType: 'V2GCertificate',
      },
      csms,
    );
    chain = readPemBlocks(json.certificateChain).map(({ der }) => der);
    chain.forEach((der, index) => {
      bench.write(`${index}.pem`, toPem('CERTIFICATE', der));
    });
    bench.write('chain.pem', json.certificateChain);
    id = await newestLeaf();
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  /** By its profile: responders are certified in the background at any time. */
  async function newestLeaf(): Promise<string> {
    const path = '/v1/certificates?profile=iso15118-2-secc&limit=1';
    return (await evpki.call('GET', path, undefined, csms)).json.items[0].id;
  }
  const hashData = (index: number, hash: HashAlgorithm = 'SHA256') => {
    const [certificate, issuer] = [index, index + 1].map((at) =>
      readCertificate(chain[at] ?? new Uint8Array()),
    );
    if (!certificate || !issuer?.publicKey) throw new Error('no such certificate');
    const { subjectDer, publicKey } = issuer;
    return certificateHashData(certificate, { subjectDer, publicKeyBits: publicKey.bits }, hash);
  };
  const ask = (ocspRequestData: unknown, as = csms) =>
    evpki.call('POST', '/v1/ocpp/certificate-status', { ocspRequestData }, as);

  /** What an answer about the leaf says; OpenSSL verifies it up to the root, and reads the same. */
  function statusIn(ocspResult: string): string | undefined {
    const der = Buffer.from(ocspResult, 'base64');
    const response = readOcspResponse(der);
    if (response.status !== 'successful') throw new Error(response.status);
    const status = response.data.responses[0]?.status.kind;
    withOpenssl(() => {
      bench.write('response.der', der);
      const verdict = bench.openssl(
        ...['ocsp', '-respin', 'response.der', '-issuer', '1.pem', '-sha256', '-cert', '0.pem'],
        ...['-CAfile', 'root.pem', '-verify_other', 'chain.pem'],
      );
      expect(verdict).toContain(`0.pem: ${status}`);
    });
    return status;
  }

  test.skipIf(noOpenssl)('the request is that of OpenSSL, byte for byte', () => {
    for (const hash of ['SHA256', 'SHA384', 'SHA512'] as const) {
      const name = `-${hash.toLowerCase()}`;
      bench.openssl(
        ...['ocsp', '-issuer', '1.pem', name, '-cert', '0.pem'],
        ...['-no_nonce', '-reqout', 'request.der'],
      );
      const theirs = bench.openssl('base64', '-A', '-in', 'request.der');
      const ours = ocspRequestOf(hashData(0, hash));
      if (!ours.ok) throw new Error(ours.reason);
      expect(Buffer.from(ours.value.request).toString('base64')).toBe(theirs);
    }
  });

  test.each(['SHA256', 'SHA384', 'SHA512'] as const)('M06.FR.04 with %s hashes', async (hash) => {
    for (const index of [0, 1]) {
      const { status, json } = await ask({
        ...hashData(index, hash),
        responderURL: 'http://127.0.0.1:1/nobody-is-here',
      });
      expect([status, json.status]).toEqual([200, 'Accepted']);
      // OCPP 2.0.1 has room for 5,500 characters.
      expect(json.ocspResult.length).toBeLessThan(5_500);
    }
  });

  test('a leaf is good, and revoked at once when it is, also under one Idempotency-Key', async () => {
    const repeated = { ...csms, 'idempotency-key': 'status' };
    expect((await ask(hashData(0), repeated)).json.status).toBe('Accepted');
    const before = await ask(hashData(0));
    expect(statusIn(before.json.ocspResult)).toBe('good');
    const shouted = { ...hashData(0), serialNumber: `00${hashData(0).serialNumber.toUpperCase()}` };
    expect((await ask(shouted)).json.ocspResult).toBe(before.json.ocspResult);

    const revoked = await evpki.call('POST', `/v1/certificates/${id}/revocation`, {
      reason: 'cessationOfOperation',
    });
    expect(revoked.status, revoked.text).toBe(200);
    const after = await ask(hashData(0));
    expect(after.json.status).toBe('Accepted');
    expect(statusIn(after.json.ocspResult)).toBe('revoked');
    const again = await ask(hashData(0), repeated);
    expect(again.headers).not.toHaveProperty('idempotency-replayed');
    expect(statusIn(again.json.ocspResult)).toBe('revoked');
  });

  test.each<[string, () => unknown, RegExp]>([
    ['a foreign issuer', () => ({ ...hashData(0), issuerKeyHash: 'ab'.repeat(32) }), /no issuer/],
    ['hash data that is none', () => ({ ...hashData(0), issuerNameHash: 'x' }), /issuerNameHash/],
  ])('M06.FR.09 %s is Failed with a reason', async (_, data, reason) => {
    const { status, json } = await ask(data());
    expect([status, json.status]).toEqual([200, 'Failed']);
    expect(json.reason).toMatch(reason);
    expect(json).not.toHaveProperty('ocspResult');
  });

  test('what is not a call of a CSMS is an error', async () => {
    const reader = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['read-only'])}` };
    expect((await ask(hashData(0), reader)).status).toBe(403);
    expect((await ask({ ...hashData(0), hashAlgorithm: 'MD5' })).status).toBe(400);
    expect((await ask('text')).status).toBe(400);
  });

  describe('of a chain', () => {
    const PATH = '/v1/ocpp/certificate-chain-status';
    const about = (certificateHashData: object, source = 'OCSP') => ({
      ...{ certificateHashData, source, urls: ['http://127.0.0.1:1/nobody-is-here'] },
    });
    const askChain = (certificateStatusRequests: unknown, as = csms) =>
      evpki.call('POST', PATH, { certificateStatusRequests }, as);

    test('each is answered in its order, by the very hash data that the station wrote', async () => {
      const shouted = {
        ...hashData(1),
        serialNumber: `00${hashData(1).serialNumber.toUpperCase()}`,
        customData: { vendorId: 'x' },
      };
      const { customData: _, ...echoed } = shouted;
      const foreign = { ...hashData(0), issuerKeyHash: 'ab'.repeat(32) };
      const wrong = { ...hashData(0), issuerNameHash: 'x' };
      const asked = [about(hashData(0)), about(shouted, 'CRL'), about(foreign), about(wrong)];
      const { status, json } = await askChain(asked);
      expect(status).toBe(200);
      const nextUpdate = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      // The leaf was revoked above.
      const { certificateStatus, failures } = json;
      expect(certificateStatus).toEqual([
        { certificateHashData: hashData(0), source: 'OCSP', status: 'Revoked', nextUpdate },
        { certificateHashData: echoed, source: 'CRL', status: 'Good', nextUpdate },
        { certificateHashData: foreign, source: 'OCSP', status: 'Failed', nextUpdate },
        { certificateHashData: wrong, source: 'OCSP', status: 'Failed', nextUpdate },
      ]);
      expect(failures).toEqual([
        { index: 2, reason: expect.stringContaining('no issuer') },
        { index: 3, reason: expect.stringContaining('issuerNameHash') },
      ]);
      // As OCSP says it; what failed is asked for again within the hour.
      const { ocspResult } = (await ask(hashData(1))).json;
      const response = readOcspResponse(Buffer.from(ocspResult, 'base64'));
      if (response.status !== 'successful') throw new Error(response.status);
      const until = response.data.responses[0]?.nextUpdate?.toISOString();
      expect(certificateStatus[1].nextUpdate).toBe(until);
      const retry = new Date(certificateStatus[2].nextUpdate).getTime() - Date.now();
      expect(Math.round(retry / 60_000)).toBe(60);
    });

    test('what is on hold is revoked, and good when it is released', async () => {
      const signed = await evpki.call(
        ...(['POST', '/v1/ocpp/sign-certificate'] as const),
        {
          ...{ stationId: 'CS-2', csr: newRequest('CN=DE*ICE*E2'), ocppVersion: '2.1' },
          certificateType: 'V2GCertificate',
        },
        csms,
      );
      const [leaf, issuer] = readPemBlocks(signed.json.certificateChain).map(({ der }) =>
        readCertificate(der),
      );
      if (!leaf || !issuer?.publicKey) throw new Error(signed.text);
      const { subjectDer, publicKey } = issuer;
      const key = { subjectDer, publicKeyBits: publicKey.bits };
      const asked = [about(certificateHashData(leaf, key, 'SHA384'))];
      const says = async () => (await askChain(asked)).json.certificateStatus[0].status;
      const path = `/v1/certificates/${await newestLeaf()}/revocation`;
      expect(await says()).toBe('Good');
      await evpki.call('POST', path, { reason: 'certificateHold' });
      expect(await says()).toBe('Revoked');
      await evpki.call('DELETE', path);
      expect(await says()).toBe('Good');
    });

    test.each<[string, (one: object) => unknown]>([
      ['none', () => []],
      ['five', (one) => Array(5).fill(one)],
      ['another source', (one) => [{ ...one, source: 'LDAP' }]],
      ['no urls', (one) => [{ ...one, urls: [] }]],
      ['six urls', (one) => [{ ...one, urls: Array(6).fill('http://a.example/') }]],
      ['a URL of 2,001 characters', (one) => [{ ...one, urls: ['a'.repeat(2_001)] }]],
      ['no hash data', () => [{ source: 'OCSP', urls: ['http://a.example/'] }]],
      ['text', () => 'text'],
    ])('%s is no request', async (_, requests) => {
      const { status, json } = await askChain(requests(about(hashData(0))));
      expect([status, json.code]).toEqual([400, 'request-malformed']);
    });

    test('the longest that OCPP allows is taken, and nobody but a CSMS', async () => {
      const long = { ...about(hashData(0)), urls: Array(5).fill('a'.repeat(2_000)) };
      expect((await askChain(Array(4).fill(long))).status).toBe(200);
      const reader = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['read-only'])}` };
      expect((await askChain([about(hashData(0))], reader)).status).toBe(403);
    });
  });
});
