import { describe, expect, test } from 'vitest';
import { DerError } from '../../../src/pki/der-element.ts';
import { readPolicyExtensions } from '../../../src/pki/extensions/read-policies.ts';
import { extensions as oids } from '../../../src/pki/oids.ts';

type Name = 'policyMappings' | 'policyConstraints' | 'inhibitAnyPolicy' | 'certificatePolicies';
const raw = (name: Name, value: string, critical = true) => ({
  oid: oids[name],
  critical,
  value: Buffer.from(value, 'hex'),
});

describe('reading extensions about policies', () => {
  test.each<[string, Name, string, object]>([
    [
      'RFC 5280 4.2.1.5 a mapping',
      'policyMappings',
      '300a300806022a0306022a04',
      {
        policyMappings: {
          critical: true,
          mappings: [{ issuerDomain: '1.2.3', subjectDomain: '1.2.4' }],
        },
      },
    ],
    [
      'RFC 5280 4.2.1.11 both',
      'policyConstraints',
      '3006800101810102',
      {
        policyConstraints: { critical: true, requireExplicitPolicy: 1, inhibitPolicyMapping: 2 },
      },
    ],
    [
      'RFC 5280 4.2.1.11 one',
      'policyConstraints',
      '3003810100',
      { policyConstraints: { critical: true, inhibitPolicyMapping: 0 } },
    ],
    [
      'RFC 5280 4.2.1.14',
      'inhibitAnyPolicy',
      '020103',
      { inhibitAnyPolicy: { critical: true, skipCertificates: 3 } },
    ],
  ])('%s', (_name, name, value, expected) => {
    expect(readPolicyExtensions([raw(name, value)])).toEqual({
      unknownQualifiers: [],
      ...expected,
    });
  });

  test.each<[string, Name, string]>([
    ['RFC 5280 4.2.1.5 no mappings', 'policyMappings', '3000'],
    ['RFC 5280 4.2.1.5 half a mapping', 'policyMappings', '3006300406022a03'],
    ['RFC 5280 4.2.1.5 three', 'policyMappings', '300e300c06022a0306022a0406022a05'],
    ['RFC 5280 4.2.1.11 empty', 'policyConstraints', '3000'],
    ['RFC 5280 4.2.1.11 in the wrong order', 'policyConstraints', '3006810102800101'],
    ['RFC 5280 4.2.1.11 negative', 'policyConstraints', '30038001ff'],
    ['RFC 5280 4.2.1.11 something else', 'policyConstraints', '3003820101'],
    ['RFC 5280 4.2.1.14 negative', 'inhibitAnyPolicy', '0201ff'],
    ['RFC 5280 4.2.1.14 with more after it', 'inhibitAnyPolicy', '0201030500'],
  ])('refuses %s', (_name, name, value) => {
    expect(() => readPolicyExtensions([raw(name, value)])).toThrow(DerError);
  });

  test('RFC 5280 4.2.1.4 tells known qualifiers from others', () => {
    const statement = '3012301006022a03300a300806062a0304050607';
    const known = '3014301206022a03300c300a06082b06010505070201';
    expect(readPolicyExtensions([raw('certificatePolicies', statement)])).toEqual({
      unknownQualifiers: ['1.2.3.4.5.6.7'],
    });
    expect(readPolicyExtensions([raw('certificatePolicies', known)])).toEqual({
      unknownQualifiers: [],
    });
  });

  test('passes over everything else', () => {
    const other = { oid: '1.2.3', critical: true, value: Buffer.from('00', 'hex') };
    expect(readPolicyExtensions([other])).toEqual({ unknownQualifiers: [] });
  });
});
