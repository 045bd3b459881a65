import { describe, expect, expectTypeOf, test } from 'vitest';
import { DerError } from '../../../src/pki/der-element.ts';
import { type CertificateExtensions, readExtensionSet } from '../../../src/pki/extensions/read.ts';
import { extensions as oids } from '../../../src/pki/oids.ts';
import type { ExtensionSet } from '../../../src/pki/template.ts';

type Name = keyof CertificateExtensions;
const raw = (name: Name, value: string, critical = false) => ({
  oid: oids[name],
  critical,
  value: Buffer.from(value, 'hex'),
});
const read = (name: Name, value: string) => readExtensionSet([raw(name, value)])[name];
const bytes = (hex: string) => Buffer.from(hex, 'hex');

describe('reading extensions', () => {
  const accepted: readonly [string, Name, string, object][] = [
    ['RFC 5280 4.2.1.9 a leaf', 'basicConstraints', '3000', { ca: false }],
    [
      'RFC 5280 4.2.1.9 path length',
      'basicConstraints',
      '30060101ff020105',
      { ca: true, pathLength: 5 },
    ],
    [
      'a path length without cA is left to lint',
      'basicConstraints',
      '3003020100',
      { ca: false, pathLength: 0 },
    ],
    [
      'RFC 5280 4.2.1.3 all nine bits',
      'keyUsage',
      '030307ff80',
      {
        usages: [
          'digitalSignature',
          'nonRepudiation',
          'keyEncipherment',
          'dataEncipherment',
          'keyAgreement',
          'keyCertSign',
          'cRLSign',
          'encipherOnly',
          'decipherOnly',
        ],
      },
    ],
    [
      'RFC 5280 4.2.1.12 known and unknown purposes',
      'extendedKeyUsage',
      '300c0604551d250006042a030405',
      { purposes: ['anyExtendedKeyUsage', '1.2.3.4.5'] },
    ],
    [
      'RFC 5280 4.2.1.1 key identifier only',
      'authorityKeyIdentifier',
      '300480020102',
      { value: bytes('0102') },
    ],
    [
      'RFC 5280 4.2.1.1 with issuer and serial number',
      'authorityKeyIdentifier',
      '300c80020102a103820161820105',
      { value: bytes('0102') },
    ],
    ['RFC 5280 4.2.1.1 nothing named', 'authorityKeyIdentifier', '3000', {}],
    [
      'RFC 5280 4.2.1.6 an IPv6 address, mail and directory names',
      'subjectAltName',
      '301e871020010db8000000000000000000000001810461406262a40430023000',
      {
        names: [
          { kind: 'ip', value: '2001:db8::1' },
          { kind: 'other', tag: 0x81, value: bytes('61406262') },
          { kind: 'other', tag: 0xa4, value: bytes('30023000') },
        ],
      },
    ],
    [
      'RFC 5280 4.2.1.4 qualifiers are passed over',
      'certificatePolicies',
      '300e300c06022a033006300406022a04',
      { policies: ['1.2.3'] },
    ],
    [
      'RFC 5280 4.2.1.10 names of every kind',
      'nameConstraints',
      '301aa0113003820161300a87080a000000ff000000a1053003820162',
      {
        permittedDns: ['a'],
        permittedOther: [{ kind: 'other', tag: 0x87, value: bytes('0a000000ff000000') }],
        excludedDns: ['b'],
      },
    ],
    [
      'RFC 5280 4.2.1.10 the DNS name that covers all',
      'nameConstraints',
      '3006a10430028200',
      { excludedDns: [''] },
    ],
    [
      'RFC 5280 4.2.1.13 two points',
      'crlDistributionPoints',
      '30143008a006a0048602613a3008a006a0048602623a',
      { urls: ['a:', 'b:'] },
    ],
    [
      'RFC 5280 4.2.1.13 a point for some reasons does not count',
      'crlDistributionPoints',
      '300e300ca006a0048602613a81020640',
      { urls: [] },
    ],
    [
      'RFC 5280 4.2.1.13 a point of another CRL issuer does not count',
      'crlDistributionPoints',
      '300f300da006a0048602613aa203820161',
      { urls: [] },
    ],
    [
      'RFC 5280 4.2.2.1 other methods are passed over',
      'authorityInfoAccess',
      '3010300e06082b060105050730058602613a',
      { ocsp: [], caIssuers: [] },
    ],
    ['RFC 6960 4.2.2.2.1 nocheck', 'ocspNoCheck', '0500', {}],
  ];
  test.each(accepted)('%s', (_title, name, value, expected) => {
    expect(read(name, value)).toEqual({ critical: false, ...expected });
  });

  const refused: readonly [string, Name, string, string][] = [
    ['RFC 5280 4.2.1.9 cA FALSE encoded', 'basicConstraints', '3003010100', 'default value'],
    [
      'RFC 5280 4.2.1.9 a negative path length',
      'basicConstraints',
      '30060101ff0201ff',
      'negative path length',
    ],
    [
      'RFC 5280 4.2.1.9 a third field',
      'basicConstraints',
      '30090101ff020100020100',
      'bytes follow',
    ],
    ['C1 a BER boolean', 'basicConstraints', '3003010101', 'neither 00 nor FF'],
    ['bytes after the value', 'basicConstraints', '30000500', 'bytes follow'],
    ['an empty value', 'basicConstraints', '', 'element is missing'],
    ['RFC 5280 4.2.1.3 no bit', 'keyUsage', '030100', 'no key usage'],
    ['RFC 5280 4.2.1.3 an octet without a bit', 'keyUsage', '03020000', 'end in zeros'],
    ['RFC 5280 4.2.1.3 trailing zero bits', 'keyUsage', '03020006', 'end in zeros'],
    ['RFC 5280 4.2.1.3 a tenth bit', 'keyUsage', '0303060040', 'no bit 9'],
    ['RFC 5280 4.2.1.12 no purpose', 'extendedKeyUsage', '3000', 'no key purposes'],
    ['RFC 5280 4.2.1.2 an empty identifier', 'subjectKeyIdentifier', '0400', 'identifier is empty'],
    [
      'RFC 5280 4.2.1.1 an empty identifier',
      'authorityKeyIdentifier',
      '30028000',
      'identifier is empty',
    ],
    [
      'RFC 5280 4.2.1.1 an issuer without serial number',
      'authorityKeyIdentifier',
      '3005a103820161',
      'element is missing',
    ],
    [
      'RFC 5280 4.2.1.1 a serial number without issuer',
      'authorityKeyIdentifier',
      '3003820101',
      'tag 0x82',
    ],
    ['RFC 5280 4.2.1.6 no name', 'subjectAltName', '3000', 'no names'],
    ['RFC 5280 4.2.1.6 the DNS name " "', 'subjectAltName', '3003820120', 'visible ASCII'],
    ['C6 a DNS name with NUL', 'subjectAltName', '30058203610062', 'visible ASCII'],
    ['C6 a DNS name beyond ASCII', 'subjectAltName', '30038201e4', 'visible ASCII'],
    ['C6 an address of 5 octets', 'subjectAltName', '300787050102030405', '5 octets'],
    ['an address range among addresses', 'subjectAltName', '300a87080a000000ff000000', '8 octets'],
    ['an unknown kind of name', 'subjectAltName', '3003890161', 'tag 0x89'],
    ['a constructed DNS name', 'subjectAltName', '3003a20161', 'tag 0xa2'],
    [
      'C1 an indefinite length within another name',
      'subjectAltName',
      '3006a40430800000',
      'indefinite length',
    ],
    [
      'RFC 5280 4.2.1.4 a policy twice',
      'certificatePolicies',
      '300c300406022a03300406022a03',
      'occurs twice',
    ],
    ['RFC 5280 4.2.1.4 no policy', 'certificatePolicies', '3000', 'no certificate policies'],
    [
      'RFC 5280 4.2.1.4 an empty list of qualifiers',
      'certificatePolicies',
      '3008300606022a033000',
      'no policy qualifiers',
    ],
    ['RFC 5280 4.2.1.10 no constraint', 'nameConstraints', '3000', 'no name constraints'],
    ['RFC 5280 4.2.1.10 no subtree', 'nameConstraints', '3002a000', 'no subtrees'],
    ['RFC 5280 4.2.1.10 a minimum', 'nameConstraints', '300aa0083006820161800101', 'bytes follow'],
    ['RFC 5280 4.2.1.10 a maximum', 'nameConstraints', '300aa0083006820161810101', 'bytes follow'],
    [
      'RFC 5280 4.2.1.10 an address without mask',
      'nameConstraints',
      '300aa008300687040a000000',
      '4 octets',
    ],
    ['RFC 5280 4.2.1.13 no point', 'crlDistributionPoints', '3000', 'no distribution points'],
    ['RFC 5280 4.2.1.13 an empty point', 'crlDistributionPoints', '30023000', 'neither a place'],
    [
      'RFC 5280 4.2.1.13 reasons alone',
      'crlDistributionPoints',
      '3006300481020640',
      'neither a place',
    ],
    ['RFC 5280 4.2.2.1 no description', 'authorityInfoAccess', '3000', 'no access desc'],
    ['RFC 6960 4.2.2.2.1 not NULL', 'ocspNoCheck', '3000', 'tag 0x30'],
  ];

  test.each(refused)('refuses %s', (_title, name, value, why) => {
    expect(() => read(name, value)).toThrow(DerError);
    expect(() => read(name, value)).toThrow(why);
    expect(() => read(name, value)).toThrow(`extension ${name}: `);
  });

  test('C4 RFC 5280 4.2 refuses the same extension twice', () => {
    const twice = [raw('keyUsage', '03020780'), raw('keyUsage', '03020780', true)];
    expect(() => readExtensionSet(twice)).toThrow('occurs twice');
  });

  test('what it does not understand stays in the raw list, malformed or not', () => {
    const foreign = { oid: '1.2.3', critical: true, value: bytes('ff') };
    expect(readExtensionSet([foreign, foreign, raw('ocspNoCheck', '0500', true)])).toEqual({
      ocspNoCheck: { critical: true },
    });
  });

  test('what was read cannot be issued as it is', () => {
    expectTypeOf<ExtensionSet>().toExtend<CertificateExtensions>();
    expectTypeOf<CertificateExtensions>().not.toExtend<ExtensionSet>();
  });
});
