/** MaEVe against evpki in place of Hubject. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPemBlocks, toPem } from '../../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { foreignRoot } from '../../support/foreign-roots.ts';
import { exchange } from '../../support/https.ts';
import { noOpenssl, opensslVerify } from '../../support/other-tools.ts';
import { newRequest } from '../../support/requests.ts';
import { crossCertifyAsTwo, newCaller } from '../../support/second-person.ts';
import { rootOf, sent } from '../../support/vehicles.ts';
import { certificatesIn, leafAndChain, type MaeveConfig, maeveChain } from './maeve.ts';

describe('MaEVe', () => {
  let evpki: TestApp;
  let config: MaeveConfig;
  let token: string;
  let root: string;

  beforeAll(async () => {
    evpki = await startTestApp();
    token = await evpki.tokenOf('demo-cpo', ['csms']);
    root = toPem('CERTIFICATE', (await rootOf(evpki, 'v2g-root')).der);
    config = {
      baseUrl: evpki.app.apiUrl,
      token: async () => token,
      ca: readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8'),
    };
  });
  afterAll(() => evpki?.close());

  const certificates = (chain: string): string[] =>
    readPemBlocks(chain).map(({ label, der }) => toPem(label, der));

  test('P1 P3: its chain is leaf, Sub-CA 2 and Sub-CA 1, and its text says whose', async () => {
    const chain = await maeveChain(config, newRequest('CN=DE*DEM*E1'));
    const [leaf = '', ...issuers] = certificates(chain);
    expect(issuers).toEqual(
      await Promise.all(
        ['cpo-sub-ca-2', 'cpo-sub-ca-1'].map(async (id) =>
          toPem('CERTIFICATE', (await rootOf(evpki, id)).der),
        ),
      ),
    );
    expect(new X509Certificate(leaf).subject).toContain('CN=DE*DEM*E1');
    const named = [...chain.matchAll(/^issuer: .*?CN=([^,\n]+)/gm)].map(([, name]) => name);
    expect(named).toEqual(['Demo CPO Sub-CA 2', 'Demo CPO Sub-CA 1', 'Demo V2G Root CA']);
  });

  test.skipIf(noOpenssl)('P3: openssl verifies it', async () => {
    const chain = await maeveChain(config, newRequest('CN=DE*DEM*E2'));
    const [certificate = '', ...issuers] = certificates(chain);
    const verdict = await opensslVerify(['-x509_strict'], { certificate, issuers, root });
    expect(verdict).toMatchObject({ accepted: true });
  });

  test('P4: it sends its token twice, and either header alone is enough', async () => {
    const url = `${config.baseUrl}/cpo/simpleenroll/ISO15118-2`;
    const body = newRequest('CN=DE*DEM*E3');
    for (const headers of [
      { 'x-api-key': token, authorization: `Bearer ${token}` },
      { 'x-api-key': token },
      { authorization: `Bearer ${token}` },
    ]) {
      const answer = await exchange(url, { method: 'POST', headers, body }, config);
      expect(answer.status, answer.text).toBe(200);
      expect(certificatesIn(answer.text)).toHaveLength(1);
    }
  });

  test('P5: after a failure it asks for another token, once', async () => {
    const asked: boolean[] = [];
    const withTokens = (first: string, second: string): MaeveConfig => ({
      ...config,
      async token(anew) {
        asked.push(anew);
        return anew ? second : first;
      },
    });
    const csr = newRequest('CN=DE*DEM*E4');
    const never = maeveChain(withTokens('of-yesterday', 'of-yesterday'), csr);
    await expect(never).rejects.toThrow('failed after 2 attempts');
    expect(asked).toEqual([false, true]);
    const chain = await maeveChain(withTokens('of-yesterday', token), csr);
    expect(certificates(chain)).toHaveLength(3);
    expect(asked).toEqual([false, true, false, true, false, true]);
  });

  describe('P3: roots that certify each other', () => {
    test('would keep it going in circles', () => {
      const certificate = (subject: string, issuer: string) =>
        ({ subject, issuer }) as X509Certificate;
      const pair = [certificate('CN=A', 'CN=B'), certificate('CN=B', 'CN=A')];
      expect(() => leafAndChain([certificate('CN=leaf', 'CN=A')], pair)).toThrow('never come');
    });

    test('are not among the certificates of authorities', async () => {
      const two = [evpki.call, await newCaller(evpki)] as const;
      sent(await crossCertifyAsTwo(two, 'v2g-root', foreignRoot().pem), 200);
      const answer = await exchange(
        `${config.baseUrl}/cpo/cacerts/ISO15118-2`,
        { headers: { authorization: `Bearer ${token}` } },
        config,
      );
      expect(answer.status).toBe(200);
      const given = certificatesIn(answer.text);
      expect(given).toHaveLength(3);
      expect(given.map((one) => one.toString())).toContain(root);
      const selfSigned = given.filter(({ subject, issuer }) => subject === issuer);
      expect(selfSigned.map((one) => one.toString())).toEqual([root]);
      const chain = await maeveChain(config, newRequest('CN=DE*DEM*E5'));
      expect(certificates(chain)).toHaveLength(3);
    });
  });
});
