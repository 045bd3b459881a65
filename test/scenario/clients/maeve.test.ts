/** MaEVe against evpki in place of Hubject. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../../src/pki/certificate.ts';
import { writeCertId } from '../../../src/pki/ocsp/cert-id.ts';
import { issuerHashes, type OcspHash, ocspHashes } from '../../../src/pki/ocsp/hashes.ts';
import { writeOcspRequest } from '../../../src/pki/ocsp/write-request.ts';
import { readPemBlocks, toPem } from '../../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { foreignRoot } from '../../support/foreign-roots.ts';
import { exchange } from '../../support/https.ts';
import { noOpenssl, opensslVerify } from '../../support/other-tools.ts';
import { newRequest } from '../../support/requests.ts';
import { crossCertifyAsTwo, newCaller } from '../../support/second-person.ts';
import { rootOf, sent } from '../../support/vehicles.ts';
import { carWithContract } from './car.ts';
import {
  certificatesIn,
  leafAndChain,
  type MaeveConfig,
  maeveChain,
  maeveContract,
  maeveRoots,
  maeveStatus,
} from './maeve.ts';

function certIdOf(hashAlgorithm: OcspHash, subject: Certificate, issuer: Certificate): Uint8Array {
  const { nameHash, keyHash } = issuerHashes(
    issuer.subjectDer,
    issuer.publicKey?.bits ?? new Uint8Array(),
  )[hashAlgorithm];
  return writeCertId({
    hashAlgorithm,
    issuerNameHash: Buffer.from(nameHash, 'hex'),
    issuerKeyHash: Buffer.from(keyHash, 'hex'),
    serialNumber: subject.serialNumber,
  });
}

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

  test('P7: it answers a car with its contract, and has its EMAID', async () => {
    const car = await carWithContract(evpki);
    const { exi, emaid } = await maeveContract(config, car.exiRequest);
    expect(emaid).toBe(car.emaid);
    expect(car.takes(exi)).toBe(car.emaid);
    await expect(maeveContract(config, 'gJgC')).rejects.toThrow('failed after 3 attempts');
  });

  test('P6: it reads the whole pool of roots', async () => {
    const roots = await maeveRoots(config);
    expect(roots.map(String)).toContain(root);
  });

  test.each(ocspHashes)(
    'P8: it hears by %s what has become of a certificate, and of those above it',
    async (hash) => {
      const csr = newRequest(`CN=DE*DEM*E9${ocspHashes.indexOf(hash)}`);
      const chain = [...certificates(await maeveChain(config, csr)), root];
      const path = chain.map((pem) => readCertificate(new X509Certificate(pem).raw));
      const ask = async (index: number) => {
        const [subject, issuer] = [path[index], path[index + 1]];
        const url = subject?.extensions.authorityInfoAccess?.ocsp[0];
        if (!subject || !issuer || url === undefined) throw new Error('nobody to ask');
        const request = writeOcspRequest([certIdOf(hash, subject, issuer)]);
        return maeveStatus(url, request, new X509Certificate(issuer.der));
      };
      expect([await ask(0), await ask(1), await ask(2)]).toEqual(['good', 'good', 'good']);
      const serial = Buffer.from(path[0]?.serialNumber ?? []).toString('hex');
      const found = await evpki.call('GET', `/v1/certificates?serialNumber=${serial}`);
      const [{ id }] = sent(found, 200).items;
      const body = { reason: 'superseded' };
      sent(await evpki.call('POST', `/v1/certificates/${id}/revocation`, body), 200);
      expect(await ask(0)).toBe('revoked');
    },
  );

  describe('P3: roots that certify each other', () => {
    test('would keep it going in circles', () => {
      const certificate = (subject: string, issuer: string) =>
        ({ subject, issuer }) as X509Certificate;
      const pair = [certificate('CN=A', 'CN=B'), certificate('CN=B', 'CN=A')];
      expect(() => leafAndChain([certificate('CN=leaf', 'CN=A')], pair)).toThrow('never come');
    });

    test('are not among the certificates of authorities', async () => {
      const two = [await newCaller(evpki), await newCaller(evpki)] as const;
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
