/** What a whole hierarchy issued, and what its addresses serve, point by point of the RFCs. */

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { readCrl } from '../../src/pki/crl/read.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { stationRequest } from '../support/stations.ts';

const run = promisify(execFile);

describe('what is issued', () => {
  let evpki: TestApp;
  let bench: Workbench;
  /** Every certificate below a root, with the one above it. */
  const pairs: { readonly below: Certificate; readonly above: Certificate }[] = [];
  const leaf = { id: '', chain: '' };

  const certificatesOf = (chain: string) =>
    readPemBlocks(chain).map(({ der }) => readCertificate(der));
  const issue = async (name: string) => {
    const csr = toPem('CERTIFICATE REQUEST', stationRequest(name));
    const answer = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    expect(answer.status, answer.text).toBe(201);
    return answer.json as { id: string; certificateChain: string };
  };
  const issuersOf = async (id: string): Promise<{ id: string; certificateChain: string }[]> =>
    (await evpki.call('GET', `/v1/authorities/${id}`)).json.issuers;
  const text = (certificate: Certificate, ...extensions: string[]) => {
    bench.write('one.pem', toPem('CERTIFICATE', certificate.der));
    return bench.openssl('x509', '-in', 'one.pem', '-noout', '-ext', extensions.join(','));
  };

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    const { items } = (await evpki.call('GET', '/v1/authorities')).json;
    expect(items.length).toBeGreaterThan(10);
    const { id, certificateChain } = await issue('SN-ISSUED');
    Object.assign(leaf, { id, chain: certificateChain });
    const chains = [certificateChain];
    for (const authority of items) {
      const [issuer] = await issuersOf(authority.id);
      if (issuer) chains.push(issuer.certificateChain);
    }
    for (const chain of chains) {
      const certificates = certificatesOf(chain);
      certificates.slice(1).forEach((above, index) => {
        const below = certificates[index];
        if (below) pairs.push({ below, above });
      });
    }
    expect(pairs.length).toBeGreaterThan(10);
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  test('RFC 5280 4.1.2.4 and 4.1.2.6: issuer names are the subjects above, octet for octet', () => {
    for (const { below, above } of pairs) {
      expect(below.issuerDer).toEqual(above.subjectDer);
      const [child, parent] = [below, above].map(({ der }) => new X509Certificate(der));
      expect(parent && child?.checkIssued(parent)).toBe(true);
      expect(parent && child?.verify(parent.publicKey)).toBe(true);
    }
  });

  test.skipIf(noOpenssl)(
    'RFC 5280 4.2.1.1 and 4.2.1.2: key identifiers of those above, as openssl reads them',
    () => {
      for (const { below, above } of pairs) {
        const authority = text(below, 'authorityKeyIdentifier');
        const subject = text(above, 'subjectKeyIdentifier');
        const octets = /\n\s+(?:keyid:)?([0-9A-F]{2}(?::[0-9A-F]{2})+)\s*$/;
        expect(octets.exec(authority)?.[1]).toBe(octets.exec(subject)?.[1]);
        expect(octets.exec(subject)?.[1]).toBeDefined();
        expect(authority + subject).not.toContain('critical');
      }
    },
  );

  test.skipIf(noOpenssl)(
    'RFC 5280 4.2.1.13: the distribution point covers all reasons and serves the CRL',
    async () => {
      await evpki.call('POST', `/v1/certificates/${leaf.id}/revocation?wait=crl`, {
        reason: 'superseded',
      });
      const [own, ca] = certificatesOf(leaf.chain);
      if (!own || !ca) throw new Error('a chain without an issuer');
      const shown = text(own, 'crlDistributionPoints');
      expect(shown).not.toMatch(/Reasons|CRL Issuer/);
      const url = /URI:(\S+)/.exec(shown)?.[1] ?? '';
      const answer = await fetch(url);
      expect(answer.headers.get('content-type')).toBe('application/pkix-crl');
      const der = new Uint8Array(await answer.arrayBuffer());
      expect(readCrl(der, { maxBytes: 1_000_000 }).issuerDer).toEqual(own.issuerDer);
      bench.write('list.crl', der);
      bench.write('ca.pem', toPem('CERTIFICATE', ca.der));
      const options = ['-in', 'list.crl', '-inform', 'der', '-CAfile', 'ca.pem', '-noout', '-text'];
      const { stdout, stderr } = await run('openssl', ['crl', ...options], { cwd: bench.folder });
      expect(stderr).toContain('verify OK');
      expect(stdout).toContain('Superseded');
    },
  );

  test('RFC 5280 4.2.2.1: the issuer certificate is there, alone, in DER', async () => {
    const urls = new Map<string, Certificate>();
    for (const { below, above } of pairs) {
      for (const url of below.extensions.authorityInfoAccess?.caIssuers ?? []) urls.set(url, above);
    }
    expect(urls.size).toBeGreaterThan(1);
    for (const [url, above] of urls) {
      const answer = await fetch(url);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        200,
        'application/pkix-cert',
      ]);
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array(above.der));
    }
  });

  test('RFC 6960 A.2: answers and errors are 200 with the media type of OCSP', async () => {
    const ask = (body: Uint8Array) =>
      fetch(`${evpki.app.publicUrl}/ocsp`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/ocsp-request' },
        body,
      });
    for (const [body, status] of [
      [ocspQuestion(leaf.chain), 'successful'],
      [Uint8Array.of(0x30, 0), 'malformedRequest'],
    ] as const) {
      const answer = await ask(body);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/ocsp-response');
      expect(readOcspResponse(new Uint8Array(await answer.arrayBuffer())).status).toBe(status);
    }
  });

  test('RFC 6960 2.3: a new key is answered for from the first moment, again and again', async () => {
    for (const round of [1, 2, 3]) {
      await evpki.call('POST', '/v1/authorities/ocpp-station-ca/rollover');
      const { certificateChain } = await issue(`SN-ROUND-${round}`);
      const heard = await askOcsp(evpki.app.publicUrl, ocspQuestion(certificateChain));
      expect(heard.status, `round ${round}`).toBe('good');
    }
  });

  test.skipIf(noOpenssl)(
    'A2 RFC 6960 4.2.2.2: after a rollover each key has a delegate of its own',
    async () => {
      const old = await issue('SN-BEFORE');
      expect((await evpki.call('POST', '/v1/authorities/ocpp-station-ca/rollover')).status).toBe(
        201,
      );
      const fresh = await issue('SN-AFTER');
      const delegates: X509Certificate[] = [];
      const issuers: X509Certificate[] = [];
      for (const [name, { certificateChain }] of Object.entries({ old, fresh })) {
        const [own = '', ca = '', ...above] = certificateChain.split(/(?<=END CERTIFICATE-----\n)/);
        bench.write(`${name}.pem`, own);
        bench.write('ca.pem', ca);
        const root = (await issuersOf('ocpp-root'))[0]?.certificateChain ?? '';
        bench.write('trust.pem', ca + above.join('') + root);
        // At once: whoever has a certificate of the new key can have it checked.
        const { stdout, stderr } = await run(
          'openssl',
          [
            ...['ocsp', '-issuer', 'ca.pem', '-cert', `${name}.pem`, '-CAfile', 'trust.pem'],
            ...['-url', `${evpki.app.publicUrl}/ocsp`, '-respout', `${name}.ocsp`],
          ],
          { cwd: bench.folder },
        );
        expect(stderr).toContain('Response verify OK');
        expect(stdout).toContain(`${name}.pem: good`);
        const { stdout: der } = await run('cat', [`${name}.ocsp`], {
          cwd: bench.folder,
          encoding: 'buffer',
        });
        const response = readOcspResponse(der);
        if (response.status !== 'successful') throw new Error(response.status);
        const [delegate] = response.certificates;
        if (!delegate) throw new Error('an answer without the certificate of its signer');
        expect(text(readCertificate(delegate), 'extendedKeyUsage')).toContain('OCSP Signing');
        delegates.push(new X509Certificate(delegate));
        issuers.push(new X509Certificate(ca));
      }
      const verified = delegates.map((delegate) =>
        issuers.map(({ publicKey }) => delegate.verify(publicKey)),
      );
      expect(verified).toEqual([
        [true, false],
        [false, true],
      ]);
    },
  );

  test.skipIf(noOpenssl)(
    'A2 after a rollover each key has a CRL of its own, and OCSP for what it signed',
    async () => {
      const old = { ...(await issue('SN-OLD-KEY')), reason: 'superseded' };
      expect((await evpki.call('POST', '/v1/authorities/ocpp-station-ca/rollover')).status).toBe(
        201,
      );
      const fresh = { ...(await issue('SN-NEW-KEY')), reason: 'cessationOfOperation' };
      for (const { id, reason } of [old, fresh]) {
        const path = `/v1/certificates/${id}/revocation?wait=crl`;
        const answer = await evpki.call('POST', path, { reason });
        expect([answer.status, answer.json.state], answer.text).toEqual([200, 'revoked']);
      }
      const urls = new Set<string>();
      for (const one of [old, fresh]) {
        const other = one === old ? fresh : old;
        const [own, ca] = certificatesOf(one.certificateChain);
        const [above] = certificatesOf(other.certificateChain).slice(1);
        if (!own || !ca || !above) throw new Error('a chain without an issuer');
        const url = own.extensions.crlDistributionPoints?.urls[0] ?? '';
        urls.add(url);
        const answer = await fetch(url);
        expect(answer.status).toBe(200);
        const der = new Uint8Array(await answer.arrayBuffer());
        const list = readCrl(der, { maxBytes: 1_000_000 });
        const listed = new Map(
          [...list.entries()].map(({ serialNumber, reason }) => [hex(serialNumber), reason]),
        );
        expect(listed.get(hex(own.serialNumber))).toBe(one.reason);
        const [foreign] = certificatesOf(other.certificateChain);
        expect([...listed.keys()]).not.toContain(hex(foreign?.serialNumber ?? own.serialNumber));

        bench.write('list.crl', der);
        const verify = async (issuer: Certificate) => {
          bench.write('ca.pem', toPem('CERTIFICATE', issuer.der));
          const options = ['-in', 'list.crl', '-inform', 'der', '-CAfile', 'ca.pem', '-noout'];
          const { stderr } = await run('openssl', ['crl', ...options], { cwd: bench.folder }).catch(
            (failed: { stderr: string }) => failed,
          );
          return stderr;
        };
        expect(await verify(ca)).toContain('verify OK');
        expect(await verify(above)).not.toContain('verify OK');

        const heard = await askOcsp(evpki.app.publicUrl, ocspQuestion(one.certificateChain));
        const response = readOcspResponse(Buffer.from(heard.der, 'base64'));
        if (response.status !== 'successful') throw new Error(response.status);
        expect(response.data.responses[0]?.status).toMatchObject({
          ...{ kind: 'revoked', reason: one.reason },
        });
      }
      expect(urls.size).toBe(2);
    },
  );
});

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
