import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import * as pkijs from 'pkijs';
import { describe, expect, test } from 'vitest';
import { assembleCertificate, buildTbs } from '../../src/pki/build-certificate.ts';
import { readTbs, serialHex } from '../../src/pki/certificate.ts';
import { DerReader } from '../../src/pki/der.ts';
import { tags } from '../../src/pki/der-element.ts';
import { sequence } from '../../src/pki/der-writer.ts';
import { writeName } from '../../src/pki/names.ts';
import { algorithmIdentifier } from '../../src/pki/signature-algorithm.ts';
import {
  type CertificateTemplate,
  type ExtensionSet,
  type GeneralName,
  keyUsages,
} from '../../src/pki/template.ts';
import { commonName, generateKey, issue, templateFor } from '../support/issuing.ts';

const key = generateKey('P-256');
const issuerKey = generateKey('P-256');
const build = (changes: Partial<CertificateTemplate>) =>
  buildTbs(templateFor(key, issuerKey, changes));

/** The two elements of the validity, as tag and text. */
function writtenValidity(tbs: Uint8Array): [number, string][] {
  const fields = DerReader.over(tbs, 16384).sequence();
  for (let skipped = 0; skipped < 4; skipped++) fields.read();
  const validity = fields.sequence();
  return [validity.read(), validity.read()].map(({ tag, content }) => [
    tag,
    Buffer.from(content).toString('latin1'),
  ]);
}

describe('building a certificate', () => {
  test('S5 RFC 5280 4.1.2.5 UTCTime through 2049, GeneralizedTime from 2050', () => {
    const tbs = build({
      notBefore: new Date('2049-12-31T23:59:59Z'),
      notAfter: new Date('2050-01-01T00:00:00Z'),
    });
    expect(writtenValidity(tbs)).toEqual([
      [tags.utcTime, '491231235959Z'],
      [tags.generalizedTime, '20500101000000Z'],
    ]);
  });

  test('S5 RFC 5280 4.1.2.5 the certificate that never expires', () => {
    const tbs = build({ notAfter: new Date('9999-12-31T23:59:59Z') });
    expect(writtenValidity(tbs)[1]).toEqual([tags.generalizedTime, '99991231235959Z']);
  });

  test('RFC 5280 4.1.2.1 v3, and 4.1.2.8 no unique ids', () => {
    const read = readTbs(build({}));
    expect(read.version).toBe(2);
    expect(read.hasUniqueIds).toBe(false);
  });

  test('RFC 5280 4.1.2.4 the issuer is taken over byte for byte', () => {
    // A name that evpki itself would write otherwise: CN as PrintableString.
    const issuerName = Buffer.from('300f310d300b06035504031304526f6f74', 'hex');
    expect(Buffer.from(readTbs(build({ issuerName })).issuerDer)).toEqual(issuerName);
  });

  const serials: readonly [string, string][] = [
    ['one octet', '01'],
    ['its highest bit', '7f'],
    ['20 octets', `40${'00'.repeat(18)}ff`],
  ];
  test.each(serials)('S1 RFC 5280 4.1.2.2 serial number: %s', (_name, hex) => {
    const read = readTbs(build({ serialNumber: Buffer.from(hex, 'hex') }));
    expect(Buffer.from(read.serialNumber).toString('hex')).toBe(hex);
  });

  const refusals: readonly [string, Partial<CertificateTemplate>, string][] = [
    ['S1 no serial number', { serialNumber: new Uint8Array(0) }, 'serial'],
    ['S1 serial number 0', { serialNumber: new Uint8Array([0]) }, 'serial'],
    ['S1 a leading zero', { serialNumber: new Uint8Array([0, 0x80]) }, 'serial'],
    ['S1 a negative serial number', { serialNumber: new Uint8Array([0x80]) }, 'serial'],
    ['S1 21 octets', { serialNumber: new Uint8Array(21).fill(1) }, 'serial'],
    ['S5 a fraction of a second', { notBefore: new Date('2026-01-01T00:00:00.001Z') }, 'fraction'],
    ['S5 a fraction at the end', { notAfter: new Date('2030-01-01T00:00:00.999Z') }, 'fraction'],
    ['S5 no time at all', { notAfter: new Date(Number.NaN) }, 'fraction'],
    ['S5 an end before the start', { notAfter: new Date('2025-12-31T23:59:59Z') }, 'before it'],
    ['S5 a year before 1950', { notBefore: new Date('1949-12-31T23:59:59Z') }, 'year 1949'],
    ['an issuer that is no sequence', { issuerName: new Uint8Array([0x31, 0]) }, 'issuer name'],
    ['an issuer with more behind it', { issuerName: Buffer.from('30003000', 'hex') }, 'issuer'],
    ['no issuer', { issuerName: new Uint8Array(0) }, 'issuer'],
    ['a key that is no sequence', { spki: new Uint8Array([4, 0]) }, 'public key'],
    ['no extensions', { extensions: {} }, 'extensions'],
  ];
  test.each(refusals)('refuses %s', (_name, changes, why) => {
    expect(() => build(changes)).toThrow(RangeError);
    expect(() => build(changes)).toThrow(why);
  });

  test('S6 RFC 5280 4.1.1.2 inner and outer algorithm are the same, or nothing is assembled', () => {
    const tbs = build({});
    const certificate = assembleCertificate(tbs, 'ecdsa-with-SHA256', new Uint8Array([1]));
    expect(Buffer.from(certificate)).toEqual(
      Buffer.from(
        sequence(tbs, algorithmIdentifier('ecdsa-with-SHA256'), new Uint8Array([3, 2, 0, 1])),
      ),
    );
    expect(() => assembleCertificate(tbs, 'ecdsa-with-SHA384', new Uint8Array([1]))).toThrow(
      'not built to be signed with ecdsa-with-SHA384',
    );
  });

  test('S6 the parameters of an ECDSA algorithm are absent', () => {
    const der = Buffer.from(readTbs(build({})).signatureAlgorithmDer);
    expect(der.toString('hex')).toBe('300a06082a8648ce3d040302');
  });
});

describe('reading back what was built', () => {
  const dns = fc.stringMatching(/^[a-z]{1,10}(\.[a-z]{1,10}){0,2}$/);
  const http = dns.map((host) => `http://${host}/x`);
  const critical = fc.boolean();
  const arc = fc.integer({ min: 0, max: 2 ** 31 });
  const dotted = fc.tuple(fc.integer({ min: 0, max: 39 }), arc).map(([a, b]) => `1.${a}.${b}`);
  const some = <T>(values: fc.Arbitrary<T>) => fc.array(values, { minLength: 1, maxLength: 3 });
  const identifier = fc.uint8Array({ minLength: 1, maxLength: 20 });
  const generalName: fc.Arbitrary<GeneralName> = fc.oneof(
    dns.map((value) => ({ kind: 'dns' as const, value })),
    fc.ipV4().map((value) => ({ kind: 'ip' as const, value })),
    http.map((value) => ({ kind: 'uri' as const, value })),
  );
  const extensions: fc.Arbitrary<ExtensionSet> = fc
    .record(
      {
        basicConstraints: fc.oneof(
          fc.record({ critical, ca: fc.boolean() }),
          fc.record({ critical, ca: fc.constant(true), pathLength: fc.nat() }),
        ),
        keyUsage: fc.record({
          critical,
          usages: fc.subarray([...keyUsages], { minLength: 1 }),
        }),
        extendedKeyUsage: fc.record({
          critical,
          purposes: fc.uniqueArray(fc.oneof(dotted, fc.constantFrom('serverAuth', 'OCSPSigning')), {
            minLength: 1,
            maxLength: 3,
          }),
        }),
        subjectKeyIdentifier: fc.record({ critical, value: identifier }),
        authorityKeyIdentifier: fc.record({ critical, value: identifier }),
        subjectAltName: fc.record({ critical, names: some(generalName) }),
        certificatePolicies: fc.record({
          critical,
          policies: fc.uniqueArray(dotted, { minLength: 1, maxLength: 3 }),
        }),
        nameConstraints: fc
          .record({ critical, permittedDns: some(dns), excludedDns: some(dns) })
          .chain(({ permittedDns, excludedDns, ...rest }) =>
            fc.constantFrom(
              { ...rest, permittedDns },
              { ...rest, excludedDns },
              { ...rest, permittedDns, excludedDns },
            ),
          ),
        crlDistributionPoints: fc.record({ critical, urls: some(http) }),
        authorityInfoAccess: fc.record({ critical, ocsp: some(http), caIssuers: fc.array(http) }),
        ocspNoCheck: fc.record({ critical }),
      },
      { requiredKeys: [] },
    )
    .filter((set) => Object.keys(set).length > 0);
  const second = (from: string, to: string) =>
    fc
      .integer({ min: Date.parse(from) / 1000, max: Date.parse(to) / 1000 })
      .map((seconds) => new Date(seconds * 1000));
  const text = fc.stringMatching(/^[A-Za-z0-9ÄÖÜß][A-Za-z0-9ÄÖÜß -]{0,40}[A-Za-z0-9]$/);
  const keys = [key, generateKey('P-384'), generateKey('Ed25519'), generateKey('Ed448')];

  test('property: readTbs(buildTbs(template)) gives back the template', () => {
    const template = fc.record({
      serialNumber: fc
        .tuple(fc.integer({ min: 1, max: 0x7f }), fc.uint8Array({ maxLength: 19 }))
        .map(([first, rest]) => new Uint8Array([first, ...rest])),
      subjectKey: fc.constantFrom(...keys),
      notBefore: second('1950-01-01T00:00:00Z', '2060-01-01T00:00:00Z'),
      notAfter: second('2060-01-01T00:00:00Z', '9999-12-31T23:59:59Z'),
      cn: text,
      o: text,
      extensions,
    });
    fc.assert(
      fc.property(template, ({ subjectKey, cn, o, ...rest }) => {
        const subject = {
          attributes: [
            { type: 'C', value: 'DE' },
            { type: 'O', value: o },
            { type: 'CN', value: cn },
            { type: 'DC', value: 'CPO' },
          ],
        };
        const built = templateFor(subjectKey, issuerKey, { ...rest, subject });
        const read = readTbs(buildTbs(built));
        const back: CertificateTemplate = {
          serialNumber: new Uint8Array(read.serialNumber),
          signatureAlgorithm: read.signatureAlgorithm as CertificateTemplate['signatureAlgorithm'],
          issuerName: read.issuerDer,
          notBefore: read.notBefore,
          notAfter: read.notAfter,
          subject: read.subject,
          keyAlgorithm: read.publicKey?.algorithm as CertificateTemplate['keyAlgorithm'],
          spki: read.spki,
          extensions: read.extensions as ExtensionSet,
        };
        expect(plain(back)).toEqual(plain(built));
      }),
      { numRuns: 150 },
    );
  });
});

/** Bytes as hex, so that Buffers and views compare by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Date || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

describe('second opinions', () => {
  const template = templateFor(key, issuerKey, {
    serialNumber: Buffer.from('7f00112233445566778899aabbccddeeff001122', 'hex'),
    issuerName: writeName(commonName('V2G Root')),
    subject: {
      attributes: [
        { type: 'C', value: 'DE' },
        { type: 'O', value: 'Ladesäulen GmbH' },
        { type: 'CN', value: 'station-1' },
        { type: 'DC', value: 'CPO' },
      ],
    },
    notAfter: new Date('2051-02-03T04:05:06Z'),
    extensions: {
      basicConstraints: { critical: true, ca: true, pathLength: 2 },
      keyUsage: { critical: true, usages: ['digitalSignature', 'keyCertSign', 'decipherOnly'] },
      extendedKeyUsage: { critical: false, purposes: ['serverAuth', 'clientAuth', '1.2.3.4'] },
      subjectKeyIdentifier: { critical: false, value: Buffer.from('4411223344556677', 'hex') },
      authorityKeyIdentifier: { critical: false, value: Buffer.from('4499', 'hex') },
      subjectAltName: {
        critical: false,
        names: [
          { kind: 'dns', value: 'a.example' },
          { kind: 'ip', value: '192.0.2.7' },
          { kind: 'ip', value: '2001:db8::7' },
          { kind: 'uri', value: 'urn:x:y' },
        ],
      },
      certificatePolicies: { critical: false, policies: ['1.2.3.4.5'] },
      crlDistributionPoints: { critical: false, urls: ['http://a.example/1.crl'] },
      authorityInfoAccess: {
        critical: false,
        ocsp: ['http://a.example/ocsp'],
        caIssuers: ['http://a.example/1.cer'],
      },
    },
  });
  const certificate = issue(template, issuerKey);

  test('node:crypto reads the same certificate', () => {
    const other = new X509Certificate(certificate.der);
    expect(other.serialNumber.toLowerCase()).toBe(serialHex(certificate));
    expect(other.issuer).toBe('CN=V2G Root');
    expect(other.subject).toBe('C=DE\nO=Ladesäulen GmbH\nCN=station-1\nDC=CPO');
    expect(new Date(other.validFrom)).toEqual(template.notBefore);
    expect(new Date(other.validTo)).toEqual(template.notAfter);
    expect(other.ca).toBe(true);
    expect(other.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '1.2.3.4']);
    expect(other.subjectAltName).toBe(
      'DNS:a.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, URI:urn:x:y',
    );
    expect(other.infoAccess).toBe(
      'OCSP - URI:http://a.example/ocsp\nCA Issuers - URI:http://a.example/1.cer',
    );
    expect(other.publicKey.export({ format: 'der', type: 'spki' })).toEqual(
      Buffer.from(key.publicKey.spki),
    );
    expect(other.verify(issuerKeyObject())).toBe(true);
  });

  const issuerKeyObject = () => {
    const self = issue(templateFor(issuerKey, issuerKey), issuerKey);
    return new X509Certificate(self.der).publicKey;
  };

  test('pkijs reads the same certificate', () => {
    const other = pkijs.Certificate.fromBER(new Uint8Array(certificate.der));
    expect(other.version).toBe(2);
    expect(other.serialNumber.valueBlock.toString()).toBe(
      BigInt(`0x${serialHex(certificate)}`).toString(),
    );
    expect(namesOf(other.subject)).toEqual([
      ['2.5.4.6', 'DE'],
      ['2.5.4.10', 'Ladesäulen GmbH'],
      ['2.5.4.3', 'station-1'],
      ['0.9.2342.19200300.100.1.25', 'CPO'],
    ]);
    expect(namesOf(other.issuer)).toEqual([['2.5.4.3', 'V2G Root']]);
    expect(other.notBefore.value).toEqual(template.notBefore);
    expect(other.notAfter.value).toEqual(template.notAfter);
    expect(Buffer.from(other.subjectPublicKeyInfo.toSchema().toBER())).toEqual(
      Buffer.from(template.spki),
    );
    expect(other.signatureAlgorithm.isEqual(other.signature)).toBe(true);

    const extensions = other.extensions ?? [];
    const parsed = (oid: string): unknown =>
      extensions.find(({ extnID }) => extnID === oid)?.parsedValue;
    expect(extensions.map(({ extnID, critical }) => [extnID, critical])).toEqual(
      certificate.rawExtensions.map(({ oid, critical }) => [oid, critical]),
    );
    expect(parsed('2.5.29.19')).toMatchObject({ cA: true, pathLenConstraint: 2 });
    expect(hexOf(parsed('2.5.29.15'))).toBe('8480');
    expect(parsed('2.5.29.37')).toMatchObject({
      keyPurposes: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '1.2.3.4'],
    });
    expect(hexOf(parsed('2.5.29.14'))).toBe('4411223344556677');
    const authority = parsed('2.5.29.35') as pkijs.AuthorityKeyIdentifier;
    expect(authority.keyIdentifier && hexOf(authority.keyIdentifier)).toBe('4499');
    const names = (parsed('2.5.29.17') as pkijs.AltName).altNames;
    expect(names.map(({ type, value }) => [type, type === 7 ? hexOf(value) : value])).toEqual([
      [2, 'a.example'],
      [7, 'c0000207'],
      [7, '20010db8000000000000000000000007'],
      [6, 'urn:x:y'],
    ]);
    expect(parsed('2.5.29.32')).toMatchObject({
      certificatePolicies: [{ policyIdentifier: '1.2.3.4.5' }],
    });
    expect(parsed('2.5.29.31')).toMatchObject({
      distributionPoints: [{ distributionPoint: [{ type: 6, value: 'http://a.example/1.crl' }] }],
    });
    expect(parsed('1.3.6.1.5.5.7.1.1')).toMatchObject({
      accessDescriptions: [
        {
          accessMethod: '1.3.6.1.5.5.7.48.1',
          accessLocation: { type: 6, value: 'http://a.example/ocsp' },
        },
        {
          accessMethod: '1.3.6.1.5.5.7.48.2',
          accessLocation: { type: 6, value: 'http://a.example/1.cer' },
        },
      ],
    });
  });
});

/** The value octets of a primitive element as asn1js holds it. */
const hexOf = (element: unknown): string =>
  Buffer.from(
    (element as { valueBlock: { valueHexView: Uint8Array } }).valueBlock.valueHexView,
  ).toString('hex');

const namesOf = (name: pkijs.RelativeDistinguishedNames): [string, unknown][] =>
  name.typesAndValues.map(({ type, value }) => [type, value.valueBlock.value]);
