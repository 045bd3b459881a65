/** Another root is certified by ours: what becomes of it, and what is refused. */

import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { writeName } from '../../src/pki/names.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import { readPublicKey } from '../../src/pki/public-key.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { opensslBelow, opensslRoot } from '../support/cross-certificates.ts';
import { foreignName, foreignRoot } from '../support/foreign-roots.ts';
import {
  authorityExtensions,
  generateKey,
  leafExtensions,
  type TestKey,
} from '../support/issuing.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl, withOpenssl } from '../support/other-tools.ts';
import { nameOf } from '../support/policy.ts';
import { agree, newCaller } from '../support/second-person.ts';

const PATH = '/v1/authorities/v2g-root/cross-certificates';
const blockedKey = generateKey();

let evpki: TestApp;
let proposing: Awaited<ReturnType<typeof newCaller>>;
let second: Awaited<ReturnType<typeof newCaller>>;
let ownRoot: string;
let bench: Workbench;
beforeAll(async () => {
  bench = workbench();
  const list = join(bench.folder, 'blocked');
  writeFileSync(list, `${await spkiHash(blockedKey.publicKey.spki)}\n`);
  evpki = await startTestApp({ env: { EVPKI_BLOCKED_KEYS: list } });
  proposing = await newCaller(evpki);
  second = await newCaller(evpki);
  ownRoot = (await evpki.call('GET', '/v1/authorities/v2g-root')).json.issuers[0].certificateChain;
});
afterAll(async () => {
  await evpki?.close();
  bench?.remove();
});

const spkiHash = async (spki: Uint8Array): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Uint8Array.from(spki))).toString('hex');

/** What two people get: the proposal of the one is approved by the other. */
async function certify(certificate: string, path = PATH): Promise<Answer> {
  const proposed = await proposing('POST', path, { certificate });
  if (proposed.status !== 202) return proposed;
  const { certificate: id } = await agree(second, proposed);
  return evpki.call('GET', `/v1/certificates/${id}`);
}
/** The key pair of the private key 1. */
function weakKey(): TestKey {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(`${'0'.repeat(63)}1`, 'hex');
  const point = pair.getPublicKey();
  const text = (octets: Uint8Array) => Buffer.from(octets).toString('base64url');
  const [x, y] = [text(point.subarray(1, 33)), text(point.subarray(33))];
  const d = text(Buffer.from(`${'0'.repeat(63)}1`, 'hex'));
  const privateKey = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d }, format: 'jwk' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const publicKey = readPublicKey(spki);
  if (!publicKey.ok) throw new Error('no key');
  return { publicKey: publicKey.value, privateKey };
}

const codesOf = ({ json }: Awaited<ReturnType<typeof certify>>): string[] =>
  json.violations.map(({ code }: { code: string }) => code).sort();
const first = (pem: string) => {
  const [block] = readPemBlocks(pem);
  if (!block) throw new Error('no certificate');
  return readCertificate(block.der);
};

describe('a cross-certificate', () => {
  test('repeats name, key and key identifier of the other root octet by octet', async () => {
    const other = foreignRoot();
    const answer = await certify(other.pem);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toMatchObject({ state: 'issued', profile: 'iso15118-2-cross' });
    const cross = first(answer.json.certificateChain);
    const { certificate: root } = other;
    expect(Buffer.from(cross.subjectDer)).toEqual(Buffer.from(root.subjectDer));
    expect(Buffer.from(cross.spki)).toEqual(Buffer.from(root.spki));
    expect(cross.extensions.subjectKeyIdentifier?.value).toHaveLength(20);
    expect(cross.extensions.subjectKeyIdentifier?.value).toEqual(
      root.extensions.subjectKeyIdentifier?.value,
    );
    expect(Buffer.from(cross.issuerDer)).toEqual(Buffer.from(first(ownRoot).subjectDer));
    expect(cross.extensions.basicConstraints).toMatchObject({ ca: true, pathLength: 2 });
  });

  test('ends with the other root where that ends first', async () => {
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 400 * 86_400_000);
    const answer = await certify(foreignRoot({ notAfter }).pem);
    expect(new Date(answer.json.notAfter)).toEqual(notAfter);
  });

  test('is in the list and in the log, and is revoked like any other', async () => {
    const other = foreignRoot();
    const { json } = await certify(other.pem);
    const question = ocspQuestion(`${json.certificateChain}${ownRoot}`);
    const { publicUrl } = evpki.app;
    expect((await askOcsp(publicUrl, question)).status).toBe('good');
    const listed = await evpki.call('GET', '/v1/certificates?profile=iso15118-2-cross');
    expect(listed.json.items.map(({ id }: { id: string }) => id)).toContain(json.id);
    const log = await evpki.call('GET', `/v1/audit?subject=${json.id}`);
    const sha256 = await spkiHash(other.certificate.der);
    expect(log.json.items).toMatchObject([
      { action: 'certificate.issued', details: { crossCertifies: sha256 } },
    ]);

    const revocation = `/v1/certificates/${json.id}/revocation?wait=crl`;
    const revoked = await evpki.call('POST', revocation, { reason: 'cessationOfOperation' });
    expect(revoked.status, revoked.text).toBe(200);
    expect((await askOcsp(publicUrl, question)).status).toBe('revoked');
    const crl = await fetch(`${publicUrl}/crl/${json.issuer}.crl`);
    bench.write('root.crl', new Uint8Array(await crl.arrayBuffer()));
    withOpenssl(() => {
      const text = bench.openssl('crl', '-inform', 'DER', '-in', 'root.crl', '-noout', '-text');
      expect(text.toLowerCase()).toContain(json.serialNumber);
    });
    const again = await certify(other.pem);
    expect(again.status).toBe(200);
    expect(again.json.serialNumber).not.toBe(json.serialNumber);
  });

  test.skipIf(noOpenssl)('leads OpenSSL from a leaf of the other root to ours', async () => {
    opensslRoot(bench, 'other');
    opensslBelow(bench, 'sub', 'other', '/O=Other/CN=Other Sub-CA/DC=V2G', [
      'basicConstraints=critical,CA:TRUE,pathlen:0',
      'keyUsage=critical,keyCertSign,cRLSign',
    ]);
    opensslBelow(bench, 'leaf', 'sub', '/O=Other/CN=DEABCE1/DC=CPO', [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
    ]);
    const answer = await certify(bench.read('other.pem'));
    expect(answer.status, answer.text).toBe(200);
    bench.write('ours.pem', ownRoot);
    bench.write('cross.pem', answer.json.certificateChain);
    const verify = (...untrusted: string[]) =>
      bench.openssl(
        ...['verify', '-x509_strict', '-CAfile', 'ours.pem'],
        ...untrusted.flatMap((file) => ['-untrusted', file]),
        'leaf.pem',
      );
    expect(() => verify('sub.pem')).toThrow(/unable to get (local )?issuer certificate/);
    expect(verify('sub.pem', 'cross.pem')).toBe('leaf.pem: OK\n');
  });
});

describe('what is refused', () => {
  const key = generateKey();
  const stranger = generateKey();
  const extended = (extensions: Partial<CertificateTemplate['extensions']>) => ({
    extensions: { ...authorityExtensions(key, key), ...extensions },
  });
  const { subjectKeyIdentifier: _, ...withoutIdentifier } = authorityExtensions(key, key);
  const spoiled = (changes: Partial<CertificateTemplate>) => foreignRoot(changes, { key }).pem;

  test.each<[string, () => string, readonly string[]]>([
    ['no PEM', () => 'hello', ['root-unreadable']],
    ['a request', () => toPem('CERTIFICATE REQUEST', new Uint8Array(5)), ['root-unreadable']],
    ['bad DER', () => toPem('CERTIFICATE', Uint8Array.of(0x30, 0x80)), ['root-unreadable']],
    ['two of them', () => foreignRoot().pem.repeat(2), ['root-unreadable']],
    [
      'one that another has signed',
      () => spoiled({ issuerName: writeName(nameOf('CN=Another')) }),
      ['root-not-self-signed'],
    ],
    [
      'one whose signature is of another key',
      () => foreignRoot({}, { key, signer: stranger }).pem,
      ['root-not-self-signed'],
    ],
    [
      'no authority',
      () => spoiled({ extensions: leafExtensions(key, key) }),
      ['root-key-usage', 'root-not-ca'],
    ],
    [
      'one that may not sign certificates',
      () => spoiled(extended({ keyUsage: { critical: true, usages: ['cRLSign'] } })),
      ['root-key-usage'],
    ],
    [
      'A1 one with a shorter path than ours would grant',
      () => spoiled({ extensions: authorityExtensions(key, key, 1) }),
      ['root-path-length'],
    ],
    [
      'A1 one that is limited to a purpose',
      () => spoiled(extended({ extendedKeyUsage: { critical: false, purposes: ['serverAuth'] } })),
      ['root-extended-key-usage'],
    ],
    [
      'A1 one that is limited to names',
      () => spoiled(extended({ nameConstraints: { critical: true, permittedDns: ['a.example'] } })),
      ['root-name-constraints'],
    ],
    [
      'one without key identifier',
      () => spoiled({ extensions: withoutIdentifier }),
      ['root-key-identifier'],
    ],
    [
      'one that is over',
      () =>
        spoiled({
          notBefore: new Date('2020-01-01T00:00:00Z'),
          notAfter: new Date('2021-01-01T00:00:00Z'),
        }),
      ['root-validity', 'validity-order'],
    ],
    ['one of our name', () => spoiled({ subject: first(ownRoot).subject }), ['subject-of-issuer']],
    ['our own', () => ownRoot, ['key-of-authority', 'subject-of-issuer']],
    ['C3 a blocked key', () => foreignRoot({}, { key: blockedKey }).pem, ['key-blocked']],
    ['C2 a weak key', () => foreignRoot({}, { key: weakKey() }).pem, ['key-weak']],
    [
      'a key of another kind',
      () => foreignRoot({}, { key: generateKey('P-384') }).pem,
      ['key-type'],
    ],
    [
      'C5 a name of another branch',
      () => spoiled({ subject: nameOf('DC=MO', 'O=Other', 'CN=Other') }),
      ['subject-attribute-mismatch'],
    ],
    [
      'C5 a name that lacks what the profile demands',
      () => spoiled({ subject: nameOf('CN=Other', 'DC=V2G') }),
      ['subject-attribute-missing'],
    ],
    [
      'a name too long for the size of the standard',
      () => {
        const long = '\u{10400}'.repeat(60);
        return spoiled({ subject: nameOf(`O=${long}`, `OU=${long}`, `CN=${long}`, 'DC=V2G') });
      },
      ['certificate-too-large'],
    ],
  ])('%s', async (_name, pem, codes) => {
    const answer = await certify(pem());
    expect([answer.status, answer.json.code], answer.text).toEqual([422, 'root-refused']);
    expect(codesOf(answer)).toEqual([...codes]);
  });

  test.skipIf(noOpenssl).each([
    [
      'with a critical extension that is unknown',
      'P-256',
      ['1.2.3.4=critical,ASN1:NULL'],
      ['root-critical-extension'],
    ],
    ['with a key that evpki does not know', 'secp256k1', [], ['root-key']],
  ] as const)('one %s', async (_name, key, more, codes) => {
    const extensions = [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign',
      'subjectKeyIdentifier=hash',
    ];
    const pem = opensslRoot(bench, 'odd', { key, extensions: [...extensions, ...more] });
    const answer = await certify(pem);
    expect([answer.status, answer.json.code], answer.text).toEqual([422, 'root-refused']);
    expect(codesOf(answer)).toEqual([...codes]);
  });

  test('C3 a key that is certified for another name', async () => {
    const reused = generateKey();
    expect((await certify(foreignRoot({}, { key: reused }).pem)).status).toBe(200);
    const renamed = nameOf('DC=V2G', 'O=Other Operator', 'CN=Renamed');
    const answer = await certify(foreignRoot({ subject: renamed }, { key: reused }).pem);
    expect([answer.status, codesOf(answer)]).toEqual([422, ['key-in-use']]);
  });

  test('everything at once', async () => {
    const subject = { attributes: foreignName.attributes.filter(({ type }) => type !== 'DC') };
    const extensions = authorityExtensions(blockedKey, blockedKey, 0);
    const answer = await certify(foreignRoot({ subject, extensions }, { key: blockedKey }).pem);
    expect(codesOf(answer)).toEqual([
      'key-blocked',
      'root-path-length',
      'subject-attribute-mismatch',
    ]);
  });

  test('A2 by an authority that certifies no roots, or that is not there', async () => {
    const { pem } = foreignRoot();
    const answer = await certify(pem, '/v1/authorities/mo-root/cross-certificates');
    expect([answer.status, codesOf(answer)]).toEqual([422, ['issuer-not-allowed']]);
    expect((await certify(pem, '/v1/authorities/nowhere/cross-certificates')).status).toBe(404);
  });
});
