import { describe, expect, test } from 'vitest';
import { DerReader } from '../../../src/pki/der.ts';
import { readExtensionSet } from '../../../src/pki/extensions/read.ts';
import { writeExtensions } from '../../../src/pki/extensions/write.ts';
import { readRawExtensions } from '../../../src/pki/raw-extensions.ts';
import type { ExtensionSet } from '../../../src/pki/template.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const rawOf = (set: ExtensionSet) =>
  readRawExtensions(DerReader.over(writeExtensions(set), 16384).sequence());
const firstValue = (set: ExtensionSet): string => hex(rawOf(set)[0]?.value ?? new Uint8Array());

const everything: ExtensionSet = {
  basicConstraints: { critical: true, ca: true, pathLength: 1 },
  keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
  extendedKeyUsage: { critical: false, purposes: ['serverAuth', '1.3.6.1.4.1.99999.1'] },
  subjectKeyIdentifier: { critical: false, value: new Uint8Array(8).fill(0x44) },
  authorityKeyIdentifier: { critical: false, value: new Uint8Array(20).fill(0x55) },
  subjectAltName: {
    critical: false,
    names: [
      { kind: 'dns', value: '*.csms.example' },
      { kind: 'ip', value: '192.0.2.1' },
      { kind: 'ip', value: '2001:db8::1' },
      { kind: 'uri', value: 'urn:evse:DE*ABC*E1' },
    ],
  },
  certificatePolicies: { critical: false, policies: ['2.5.29.32.0', '1.2.3.4'] },
  nameConstraints: {
    critical: true,
    permittedDns: ['cpo.example', '.x.example'],
    excludedDns: ['bad.cpo.example'],
  },
  crlDistributionPoints: { critical: false, urls: ['http://a.example/crl/1.crl', 'http://b/2'] },
  authorityInfoAccess: {
    critical: false,
    ocsp: ['http://a.example/ocsp'],
    caIssuers: ['http://a.example/ca/1.cer'],
  },
  ocspNoCheck: { critical: false },
};

describe('writing extensions', () => {
  // Each expected value was written out by hand from the ASN.1 of the clause.
  const values: readonly [string, ExtensionSet, string][] = [
    [
      'RFC 5280 4.2.1.9 cA FALSE is not encoded',
      { basicConstraints: { critical: true, ca: false } },
      '3000',
    ],
    [
      'RFC 5280 4.2.1.9 a root has no path length',
      { basicConstraints: { critical: true, ca: true } },
      '30030101ff',
    ],
    [
      'RFC 5280 4.2.1.9 path length zero is encoded',
      { basicConstraints: { critical: true, ca: true, pathLength: 0 } },
      '30060101ff020100',
    ],
    [
      'RFC 5280 4.2.1.3 the bits of a certification authority',
      { keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] } },
      '03020106',
    ],
    [
      'RFC 5280 4.2.1.3 order and repetition of usages do not matter',
      {
        keyUsage: { critical: true, usages: ['keyAgreement', 'digitalSignature', 'keyAgreement'] },
      },
      '03020388',
    ],
    [
      'RFC 5280 4.2.1.3 decipherOnly is the ninth bit',
      { keyUsage: { critical: true, usages: ['decipherOnly'] } },
      '0303070080',
    ],
    [
      'RFC 5280 4.2.1.12 clientAuth by name',
      { extendedKeyUsage: { critical: false, purposes: ['clientAuth'] } },
      '300a06082b06010505070302',
    ],
    [
      'RFC 5280 4.2.1.2 a subject key identifier of 8 octets',
      { subjectKeyIdentifier: { critical: false, value: Buffer.from('4400000000000001', 'hex') } },
      '04084400000000000001',
    ],
    [
      'RFC 5280 4.2.1.1 the authority key identifier is the key identifier alone',
      { authorityKeyIdentifier: { critical: false, value: Buffer.from('0102', 'hex') } },
      '300480020102',
    ],
    [
      'RFC 5280 4.2.1.6 names of every kind',
      {
        subjectAltName: {
          critical: false,
          names: [
            { kind: 'dns', value: 'ab' },
            { kind: 'ip', value: '1.2.3.4' },
            { kind: 'ip', value: '::1' },
            { kind: 'uri', value: 'a:b' },
          ],
        },
      },
      '3021820261628704010203048710000000000000000000000000000000018603613a62',
    ],
    [
      'RFC 5280 4.2.1.4 policies without qualifiers',
      { certificatePolicies: { critical: false, policies: ['1.2.3.4', '2.5.29.32.0'] } },
      '300f300506032a030430060604551d2000',
    ],
    [
      'RFC 5280 4.2.1.10 neither minimum nor maximum is encoded',
      { nameConstraints: { critical: true, permittedDns: ['a'], excludedDns: ['b'] } },
      '300ea0053003820161a1053003820162',
    ],
    [
      'RFC 5280 4.2.1.13 several URLs of the same CRL are names of one point',
      { crlDistributionPoints: { critical: false, urls: ['http://a', 'http://b'] } },
      '301a3018a016a0148608687474703a2f2f618608687474703a2f2f62',
    ],
    [
      'RFC 5280 4.2.2.1 OCSP before the issuer certificate',
      { authorityInfoAccess: { critical: false, ocsp: ['http://a'], caIssuers: ['http://b'] } },
      '302c301406082b060105050730018608687474703a2f2f61301406082b060105050730028608687474703a2f2f62',
    ],
    ['RFC 6960 4.2.2.2.1 nocheck is NULL', { ocspNoCheck: { critical: false } }, '0500'],
  ];
  test.each(values)('%s', (_name, set, expected) => {
    expect(firstValue(set)).toBe(expected);
  });

  test('the order is that of ExtensionSet, whatever the order of the members', () => {
    const order = [
      '2.5.29.19',
      '2.5.29.15',
      '2.5.29.37',
      '2.5.29.14',
      '2.5.29.35',
      '2.5.29.17',
      '2.5.29.32',
      '2.5.29.30',
      '2.5.29.31',
      '1.3.6.1.5.5.7.1.1',
      '1.3.6.1.5.5.7.48.1.5',
    ];
    expect(rawOf(everything).map(({ oid }) => oid)).toEqual(order);
    const reversed = Object.fromEntries(Object.entries(everything).reverse()) as ExtensionSet;
    expect(hex(writeExtensions(reversed))).toBe(hex(writeExtensions(everything)));
  });

  test('what is written is read back', () => {
    expect(readExtensionSet(rawOf(everything))).toEqual(everything);
  });

  // ISO 15118-20 Annex B wants some of these critical, RFC 5280 none of them.
  test.each(Object.keys(everything) as (keyof ExtensionSet)[])(
    'the criticality of %s is what the set says, and FALSE is not encoded',
    (name) => {
      for (const critical of [true, false]) {
        const set = { [name]: { ...everything[name], critical } } as ExtensionSet;
        expect(rawOf(set).map((raw) => raw.critical)).toEqual([critical]);
        expect(readExtensionSet(rawOf(set))).toEqual(set);
      }
      const withFlag = writeExtensions({ [name]: { ...everything[name], critical: true } });
      const without = writeExtensions({ [name]: { ...everything[name], critical: false } });
      expect(hex(withFlag)).toContain('0101ff04');
      expect(withFlag.length).toBeGreaterThanOrEqual(without.length + 3);
    },
  );

  const refusals: readonly [string, ExtensionSet][] = [
    ['no extension at all', {}],
    ['RFC 5280 4.2.1.9 a path length without cA', bc({ ca: false, pathLength: 0 })],
    ['RFC 5280 4.2.1.9 a negative path length', bc({ ca: true, pathLength: -1 })],
    ['RFC 5280 4.2.1.9 half a path length', bc({ ca: true, pathLength: 0.5 })],
    ['RFC 5280 4.2.1.3 no key usage', { keyUsage: { critical: true, usages: [] } }],
    ['RFC 5280 4.2.1.12 no purpose', eku([])],
    ['an unknown purpose', eku(['serverauth'])],
    ['a purpose twice, by name and dotted', eku(['serverAuth', '1.3.6.1.5.5.7.3.1'])],
    ['a name that every object has', eku(['constructor'])],
    ['an OID whose second arc is too large', eku(['1.40.1'])],
    ['an OID with a leading zero', eku(['1.3.06'])],
    ['an empty subject key identifier', { subjectKeyIdentifier: empty() }],
    ['an empty authority key identifier', { authorityKeyIdentifier: empty() }],
    ['RFC 5280 4.2.1.6 no name', san([])],
    ['RFC 5280 4.2.1.6 a DNS name of one space', san([{ kind: 'dns', value: ' ' }])],
    ['C6 a DNS name with NUL', san([{ kind: 'dns', value: 'a.example\0.evil' }])],
    ['C6 a DNS name beyond ASCII', san([{ kind: 'dns', value: 'bücher.example' }])],
    ['an empty DNS name', san([{ kind: 'dns', value: '' }])],
    ['C6 an address of three numbers', san([{ kind: 'ip', value: '1.2.3' }])],
    ['C6 an address in octal', san([{ kind: 'ip', value: '192.0.2.010' }])],
    ['RFC 5280 4.2.1.6 a relative URI', san([{ kind: 'uri', value: '/a' }])],
    ['a URI with a line break', san([{ kind: 'uri', value: 'a:b\nc' }])],
    ['RFC 5280 4.2.1.4 a policy twice', policies(['1.2.3', '1.2.3'])],
    ['no policy', policies([])],
    ['RFC 5280 4.2.1.10 empty constraints', { nameConstraints: { critical: true } }],
    [
      'RFC 5280 4.2.1.10 constraints of empty lists',
      { nameConstraints: { critical: true, permittedDns: [], excludedDns: [] } },
    ],
    ['no CRL URL', crl([])],
    ['a relative CRL URL', crl(['/crl/1.crl'])],
    ['a CRL URL that is not http', crl(['ldap://a/b'])],
    ['a CRL URL without host', crl(['http:///b'])],
    ['no access description', aia([], [])],
    ['an OCSP URL over TLS', aia(['https://a/ocsp'], [])],
  ];
  test.each(refusals)('refuses %s', (_name, set) => {
    expect(() => writeExtensions(set)).toThrow(RangeError);
  });
});

function bc(value: { ca: boolean; pathLength?: number }): ExtensionSet {
  return { basicConstraints: { critical: true, ...value } };
}
function eku(purposes: readonly string[]): ExtensionSet {
  return { extendedKeyUsage: { critical: false, purposes } };
}
function empty() {
  return { critical: false, value: new Uint8Array(0) };
}
function san(names: Required<ExtensionSet>['subjectAltName']['names']): ExtensionSet {
  return { subjectAltName: { critical: false, names } };
}
function policies(list: readonly string[]): ExtensionSet {
  return { certificatePolicies: { critical: false, policies: list } };
}
function crl(urls: readonly string[]): ExtensionSet {
  return { crlDistributionPoints: { critical: false, urls } };
}
function aia(ocsp: readonly string[], caIssuers: readonly string[]): ExtensionSet {
  return { authorityInfoAccess: { critical: false, ocsp, caIssuers } };
}
