/** OpenSSL reads and verifies what evpki builds. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Certificate, serialHex } from '../../src/pki/certificate.ts';
import { assembleChain, chainPem } from '../../src/pki/chain.ts';
import { type DistinguishedName, writeName } from '../../src/pki/names.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { assembleRequest, buildRequestInfo } from '../../src/pki/request-building.ts';
import { signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  leafExtensions,
  signWith,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { noOpenssl } from '../support/other-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-'));
afterAll(() => rmSync(folder, { recursive: true }));

const openssl = (...options: string[]): string =>
  execFileSync('openssl', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const name = (cn: string, dc = 'V2G'): DistinguishedName => ({
  attributes: [
    { type: 'C', value: 'DE' },
    { type: 'O', value: 'Ladesäulen GmbH' },
    { type: 'CN', value: cn },
    { type: 'DC', value: dc },
  ],
});

interface Chain {
  readonly root: Certificate;
  readonly sub: Certificate;
  readonly leaf: Certificate;
  readonly leafKey: TestKey;
}

function chainOf(algorithm: KeyAlgorithm): Chain {
  const [rootKey, subKey, leafKey] = [algorithm, algorithm, algorithm].map(generateKey) as [
    TestKey,
    TestKey,
    TestKey,
  ];
  const root = issue(
    templateFor(rootKey, rootKey, {
      issuerName: writeName(name('V2G Root')),
      subject: name('V2G Root'),
      notAfter: new Date('2065-12-31T23:59:59Z'),
      extensions: authorityExtensions(rootKey, rootKey),
    }),
    rootKey,
  );
  const sub = issue(
    templateFor(subKey, rootKey, {
      issuerName: root.subjectDer,
      subject: name('CPO Sub-CA'),
      notAfter: new Date('2050-01-01T00:00:00Z'),
      extensions: {
        ...authorityExtensions(subKey, rootKey, 0),
        nameConstraints: { critical: true, permittedDns: ['evse.example'] },
        crlDistributionPoints: { critical: false, urls: ['http://pki.example/crl/1.crl'] },
        authorityInfoAccess: {
          critical: false,
          ocsp: ['http://pki.example/ocsp'],
          caIssuers: ['http://pki.example/ca/1.cer'],
        },
      },
    }),
    rootKey,
  );
  const leaf = issue(
    templateFor(leafKey, subKey, {
      serialNumber: Buffer.from('7f00112233445566778899aabbccddeeff001122', 'hex'),
      issuerName: sub.subjectDer,
      subject: name('DE*ABC*S1', 'CPO'),
      notAfter: new Date('2049-12-31T23:59:59Z'),
      extensions: {
        ...leafExtensions(leafKey, subKey),
        extendedKeyUsage: { critical: false, purposes: ['serverAuth'] },
        subjectAltName: {
          critical: false,
          names: [
            { kind: 'dns', value: 'a.evse.example' },
            { kind: 'ip', value: '2001:db8::1' },
            { kind: 'uri', value: 'urn:x' },
          ],
        },
        certificatePolicies: { critical: false, policies: ['1.2.3.4'] },
        ocspNoCheck: { critical: false },
      },
    }),
    subKey,
  );
  return { root, sub, leaf, leafKey };
}

const algorithms: readonly [KeyAlgorithm, string][] = [
  ['P-256', 'ecdsa-with-SHA256'],
  ['P-384', 'ecdsa-with-SHA384'],
  ['P-521', 'ecdsa-with-SHA512'],
  ['Ed25519', 'ED25519'],
  ['Ed448', 'ED448'],
  ['RSA-2048', 'sha256WithRSAEncryption'],
];

describe.skipIf(noOpenssl).each(algorithms)(
  'OpenSSL and certificates of %s',
  (algorithm, shown) => {
    const { root, sub, leaf, leafKey } = noOpenssl ? ({} as Chain) : chainOf(algorithm);
    const pemFile = (label: string, ...certificates: Certificate[]) =>
      file(`${algorithm}-${label}.pem`, chainPem(certificates));

    test('openssl verify -x509_strict takes the chain', () => {
      const chain = assembleChain(leaf, [root, sub], { includeRoot: false });
      expect(chain).toEqual([leaf, sub]);
      const files = [...['-CAfile', pemFile('root', root)], ...['-untrusted', pemFile('sub', sub)]];
      const check = ['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'sslserver'];
      const at = (date: string) => ['-attime', String(Date.parse(date) / 1000)];
      const leafFile = pemFile('leaf', leaf);
      expect(openssl(...check, ...at('2026-06-01T00:00:00Z'), ...files, leafFile)).toContain(
        ': OK',
      );
      // The first second counts; at the last one OpenSSL 3 already says expired, unlike RFC 5280.
      for (const inside of ['2026-01-01T00:00:00Z', '2049-12-31T23:59:58Z']) {
        expect(openssl(...check, ...at(inside), ...files, leafFile)).toContain(': OK');
      }
      const early = [...check, ...at('2025-12-31T23:59:59Z'), ...files, leafFile];
      expect(() => openssl(...early)).toThrow('not yet valid');
      const late = [...check, ...at('2050-01-01T00:00:00Z'), ...files, leafFile];
      expect(() => openssl(...late)).toThrow('expired');
    });

    test('openssl verify refuses the leaf under a root of another key', () => {
      const other = chainOf(algorithm === 'RSA-2048' ? 'P-256' : algorithm);
      const files = [
        ...['-attime', String(Date.parse('2026-06-01T00:00:00Z') / 1000)],
        ...['-CAfile', pemFile('other', other.root), '-untrusted', pemFile('sub', sub)],
      ];
      expect(() => openssl('verify', ...files, pemFile('leaf', leaf))).toThrow(
        'unable to get local issuer certificate',
      );
    });

    test('openssl x509 shows what the template says', () => {
      const text = openssl(
        ...['x509', '-in', pemFile('leaf', leaf), '-noout', '-text'],
        ...['-nameopt', 'RFC2253,utf8,-esc_msb'],
      );
      const serial = serialHex(leaf).replace(/..(?!$)/g, '$&:');
      for (const expected of [
        'Version: 3 (0x2)',
        serial,
        `Signature Algorithm: ${shown}`,
        'Issuer: DC=V2G,CN=CPO Sub-CA,O=Ladesäulen GmbH,C=DE',
        'Not Before: Jan  1 00:00:00 2026 GMT',
        'Not After : Dec 31 23:59:59 2049 GMT',
        'Subject: DC=CPO,CN=DE*ABC*S1,O=Ladesäulen GmbH,C=DE',
        'X509v3 Basic Constraints: critical\n                CA:FALSE',
        'X509v3 Key Usage: critical\n                Digital Signature\n',
        'X509v3 Extended Key Usage: \n                TLS Web Server Authentication',
        'DNS:a.evse.example, IP Address:2001:DB8:0:0:0:0:0:1, URI:urn:x',
        'Policy: 1.2.3.4',
        'OCSP No Check: \n',
      ]) {
        expect(text).toContain(expected);
      }
      const subText = openssl('x509', '-in', pemFile('sub', sub), '-noout', '-text');
      for (const expected of [
        'Not After : Jan  1 00:00:00 2050 GMT',
        'CA:TRUE, pathlen:0',
        'Certificate Sign, CRL Sign',
        'X509v3 Name Constraints: critical\n                Permitted:\n                  DNS:evse.example',
        'Full Name:\n                  URI:http://pki.example/crl/1.crl',
        'OCSP - URI:http://pki.example/ocsp',
        'CA Issuers - URI:http://pki.example/ca/1.cer',
      ]) {
        expect(subText).toContain(expected);
      }
    });

    test('openssl req verifies a request of ours', () => {
      const info = buildRequestInfo(name('CPO Sub-CA 2'), leafKey.publicKey, {
        basicConstraints: { critical: true, ca: true, pathLength: 0 },
        keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
      });
      const signature = signWith(leafKey, info);
      const der = assembleRequest(info, signatureAlgorithmFor(algorithm), signature);
      const path = file(`${algorithm}.csr`, der);
      const text = openssl('req', '-inform', 'DER', '-in', path, '-verify', '-noout', '-text');
      expect(text).toContain('CA:TRUE, pathlen:0');
      expect(text).toContain('Certificate Sign, CRL Sign');
      const forged = Buffer.from(der);
      forged[forged.indexOf('CPO Sub-CA 2')] = 'X'.charCodeAt(0);
      const other = file(`${algorithm}-forged.csr`, forged);
      expect(requestVerdict(path)).toMatch(/verify OK/i);
      expect(requestVerdict(other)).not.toMatch(/verify OK/i);
    });
  },
);

/** OpenSSL says on stderr whether a request verifies; its exit status depends on the version. */
const requestVerdict = (path: string): string =>
  spawnSync('openssl', ['req', '-inform', 'DER', '-in', path, '-verify', '-noout'], {
    encoding: 'utf8',
  }).stderr;
