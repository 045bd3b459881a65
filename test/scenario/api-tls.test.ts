/** What the API listener shows of itself: from an authority of the hierarchy, or from files. */

import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

let evpki: TestApp | undefined;
afterEach(async () => {
  await evpki?.close();
  evpki = undefined;
});

/** The names of the certificates that a client is sent, leaf first. */
const shown = (url: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(url);
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      const names: string[] = [];
      let current = socket.getPeerX509Certificate();
      for (; current; current = current.issuerCertificate) names.push(current.subject);
      socket.destroy();
      resolve(names);
    });
    socket.once('error', reject);
  });

describe('the certificate of the API', () => {
  test('comes from the authority that is set, with what clients need to verify it', async () => {
    evpki = await startTestApp({ env: { EVPKI_API_TLS_AUTHORITY: 'ocpp-server-ca' } });
    expect((await evpki.call('GET', '/v1/profiles')).status).toBe(200);
    const names = await shown(evpki.app.apiUrl);
    expect(names.map((name) => /CN=(.*)/.exec(name)?.[1])).toEqual([
      'localhost',
      'Demo OCPP Server CA',
    ]);
  });

  test.skipIf(noOpenssl)('comes from files', async () => {
    const bench = workbench();
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', 'key.pem'];
    const names = ['-subj', '/CN=pki.example', '-addext', 'subjectAltName=DNS:localhost'];
    bench.openssl('req', '-x509', ...key, '-nodes', ...names, '-out', 'cert.pem');
    evpki = await startTestApp({
      env: {
        EVPKI_API_TLS_CERTIFICATE: `${bench.folder}/cert.pem`,
        EVPKI_API_TLS_KEY: `${bench.folder}/key.pem`,
      },
    });
    expect((await evpki.call('GET', '/v1/profiles')).status).toBe(200);
    expect(await shown(evpki.app.apiUrl)).toEqual([
      new X509Certificate(bench.read('cert.pem')).subject,
    ]);
    bench.remove();
  });

  test.each([
    ['an authority that is not there', { EVPKI_API_TLS_AUTHORITY: 'nobody' }, /not active/],
    [
      'one that certifies no servers',
      { EVPKI_API_TLS_AUTHORITY: 'mo-root' },
      /cannot be certified/,
    ],
    ['half of the files', { EVPKI_API_TLS_KEY: '/nowhere' }, /EVPKI_API_TLS_CERTIFICATE/],
  ])('%s stops the start with the reason', async (_name, env, message) => {
    await expect(startTestApp({ env })).rejects.toThrow(message);
  });
});
