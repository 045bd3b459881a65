/** Requests as openssl makes them, in the shapes that stations send. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { namedBits, sequence } from '../../src/pki/der-writer.ts';
import { nameText, writeName } from '../../src/pki/names.ts';
import { extensions } from '../../src/pki/oids.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { writeRawExtension } from '../../src/pki/raw-extensions.ts';
import { type CertificationRequest, readRequest } from '../../src/pki/request.ts';
import { decodeRequestText } from '../../src/pki/request-text.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { buildRequest, extensionRequest } from '../support/requests.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-requests-'));
afterAll(() => rmSync(folder, { recursive: true }));

const openssl = (args: readonly string[], input?: string | Uint8Array): string =>
  execFileSync('openssl', args, { cwd: folder, input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();

const config = `
[req]
distinguished_name = dn
prompt = no
string_mask = utf8only
[dn]
C = DE
O = Example CPO
CN = CS-0001
[station]
keyUsage = critical, digitalSignature, keyAgreement
basicConstraints = CA:false
subjectAltName = DNS:cs-0001.example, IP:192.0.2.1
[password]
challengePassword = one-time-secret
unstructuredName = box 7
[open-ocpp]
C = DE
ST = Berlin
L = Berlin
O = Open
OU = Charging
CN = S/N0123456789
emailAddress = someone@example.com
[everest]
C = DE
O = Example CPO
CN = DE*ABC*E123
DC = CPO
[multi]
CN = x
+O = y
[doubled]
0.CN = a
1.CN = b
`;
writeFileSync(join(folder, 'openssl.cnf'), config);

const curve = (name: string): string[] => [
  '-algorithm',
  'EC',
  '-pkeyopt',
  `ec_paramgen_curve:${name}`,
];
const genpkey: Partial<Record<KeyAlgorithm, string[]>> = {
  'P-256': curve('P-256'),
  'P-384': curve('P-384'),
  'P-521': curve('P-521'),
  Ed25519: ['-algorithm', 'ed25519'],
  Ed448: ['-algorithm', 'ed448'],
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};
const made = new Set<string>();

/** A PEM request with this key, further `openssl req` arguments, and other sections if given. */
function request(
  key: KeyAlgorithm,
  sections: { dn?: string; attributes?: string },
  ...args: string[]
) {
  if (!made.has(key)) openssl(['genpkey', ...(genpkey[key] ?? []), '-out', `${key}.pem`]);
  made.add(key);
  let text = config;
  if (sections.dn)
    text = text.replace('distinguished_name = dn', `distinguished_name = ${sections.dn}`);
  if (sections.attributes)
    text = text.replace('[req]', `[req]\nattributes = ${sections.attributes}`);
  writeFileSync(join(folder, 'request.cnf'), text);
  return openssl(['req', '-new', '-config', 'request.cnf', '-key', `${key}.pem`, ...args]);
}

function acceptedRequest(text: string): CertificationRequest {
  const decoded = decodeRequestText(text);
  const read = decoded.ok ? readRequest(decoded.value) : decoded;
  if (!read.ok) throw new Error(read.violations.map(({ message }) => message).join(' '));
  return read.value;
}

const codesOf = (text: string): string[] => {
  const decoded = decodeRequestText(text);
  const read = decoded.ok ? readRequest(decoded.value) : decoded;
  return read.ok ? [] : read.violations.map(({ code }) => code);
};

describe.skipIf(noOpenssl)('requests of openssl', () => {
  test.each(Object.keys(genpkey) as KeyAlgorithm[])('%s', (key) => {
    const { subject, publicKey, extensions: asked } = acceptedRequest(request(key, {}));
    expect(nameText(subject)).toBe('CN=CS-0001,O=Example CPO,C=DE');
    expect(publicKey.algorithm).toBe(key);
    const pub = openssl(['pkey', '-in', `${key}.pem`, '-pubout']);
    expect(toPem('PUBLIC KEY', publicKey.spki)).toBe(pub);
    expect(asked).toEqual([]);
  });

  test.each(Object.keys(genpkey) as KeyAlgorithm[])('%s with extensions', (key) => {
    const { extensions: asked } = acceptedRequest(request(key, {}, '-reqexts', 'station'));
    expect(asked.map(({ oid, critical }) => [oid, critical])).toEqual([
      [extensions.keyUsage, true],
      [extensions.basicConstraints, false],
      [extensions.subjectAltName, false],
    ]);
    expect(asked[0]?.value).toEqual(namedBits([0, 4]));
    expect(asked[1]?.value).toEqual(sequence());
  });

  test('challengePassword and unstructuredName beside extensions', () => {
    const text = request('P-256', { attributes: 'password' }, '-reqexts', 'station');
    expect(openssl(['req', '-noout', '-text'], text)).toContain('one-time-secret');
    expect(acceptedRequest(text).extensions).toHaveLength(3);
  });

  test.each([
    [
      'open-ocpp',
      'S/N0123456789',
      'someone@example.com,CN=S/N0123456789,OU=Charging,O=Open,L=Berlin,ST=Berlin,C=DE',
    ],
    ['everest', 'DE*ABC*E123', 'DC=CPO,CN=DE*ABC*E123,O=Example CPO,C=DE'],
  ])('the subject of %s', (dn, cn, text) => {
    const { subject } = acceptedRequest(request('P-256', { dn }));
    expect(nameText(subject)).toMatch(new RegExp(`${text.replace(/[*+./]/g, '\\$&')}$`));
    expect(subject.attributes).toContainEqual({ type: 'CN', value: cn });
  });

  test('-text before the request, -newhdr, CRLF and hex', () => {
    const plain = request('P-256', {});
    const der = acceptedRequest(plain).der;
    const forms = [
      openssl(['req', '-text'], plain),
      openssl(['req', '-newhdr'], plain),
      plain.replaceAll('\n', '\r\n'),
      Buffer.from(der).toString('hex'),
    ];
    for (const form of forms) expect(acceptedRequest(form).der).toEqual(der);
  });

  test.each<[string, string[], { dn?: string }, string[]]>([
    ['C1: SHA-1', ['-sha1'], {}, ['csr-signature-algorithm']],
    ['C5: a multi-valued RDN', ['-multivalue-rdn'], { dn: 'multi' }, ['subject-malformed']],
    ['C5: CN twice', [], { dn: 'doubled' }, ['subject-malformed']],
  ])('%s is refused', (_name, args, sections, codes) => {
    expect(codesOf(request('P-256', sections, ...args))).toEqual(codes);
  });

  test('explicit curve parameters are refused', () => {
    const key = [
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-pkeyopt',
      'ec_param_enc:explicit',
    ];
    openssl(['genpkey', ...key, '-out', 'explicit.pem']);
    const text = openssl(['req', '-new', '-config', 'openssl.cnf', '-key', 'explicit.pem']);
    expect(codesOf(text)).toEqual(['key-malformed']);
  });

  test('openssl reads and verifies the requests that the tests build', () => {
    const usage = writeRawExtension(extensions.keyUsage, true, namedBits([0]));
    const der = buildRequest({ attributes: [extensionRequest(usage)] });
    const out = openssl(['req', '-inform', 'DER', '-noout', '-verify', '-text'], der);
    expect(out).toContain('Digital Signature');
    expect(out).toContain('C = DE, O = Example CPO, CN = CS-0001');
  });

  test.each([
    [
      'CN=x,O=Ltd,C=DE',
      [
        ['C', 'DE'],
        ['O', 'Ltd'],
        ['CN', 'x'],
      ],
    ],
    ['CN=a\\,b\\+c\\"d\\\\e', [['CN', 'a,b+c"d\\e']]],
    [
      'DC=V2G,CN=\\#1',
      [
        ['CN', '#1'],
        ['DC', 'V2G'],
      ],
    ],
    ['CN=\\ a\\ ', [['CN', ' a ']]],
  ])('RFC 4514: nameText is what openssl shows: %s', (text, pairs) => {
    const name = {
      attributes: pairs.map(([type, value]) => ({ type: type ?? '', value: value ?? '' })),
    };
    expect(nameText(name)).toBe(text);
    const der = buildRequest({ subject: writeName(name) });
    const out = openssl(
      ['req', '-inform', 'DER', '-noout', '-subject', '-nameopt', 'RFC2253'],
      der,
    );
    expect(out.replace(/\r?\n$/, '')).toBe(`subject=${text}`);
  });
});
