import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { canonicalJson, type Json } from '../../src/pki/canonical-json.ts';
import { grantedKeyUsages, type Profile } from '../../src/pki/profile.ts';
import { parseProfile, parseProfiles } from '../../src/pki/profile-file.ts';

const leaf = `
title: A leaf
standard: None
kind: secc
issuedBy: [some-ca]
subject:
  - C: { registered: organization.country, optional: true }
  - O: { registered: organization.name }
  - CN: { request: secc-id, equals: station.seccId }
  - DC: { fixed: CPO }
keys: [P-256, RSA-2048]
validity: { default: P60D, maximum: P90D, minimum: P7D, backdate: PT1H }
extensions:
  basicConstraints: { critical: true, ca: false }
  keyUsage:
    critical: true
    usages: [digitalSignature, keyAgreement]
    byKey: { RSA: [digitalSignature, keyEncipherment] }
  extendedKeyUsage: { critical: false, purposes: [serverAuth] }
  subjectKeyIdentifier: { critical: false, octets: 8 }
  authorityKeyIdentifier: { critical: false }
request:
  allowedExtensions: [keyUsage]
  ignoredExtensions: [subjectAltName]
  repeatWindow: P1D
  approval: false
maximumSize: 800
`;

const contract = `
title: A contract
standard: None
kind: contract
issuedBy: [some-ca]
subject:
  - CN: { request: emaid, equals: contract.emaid }
keys: [P-521]
validity: { default: P60D, maximum: P90D, minimum: P7D, backdate: PT1H }
extensions:
  basicConstraints: { critical: true, ca: false }
  keyUsage: { critical: true, usages: [digitalSignature] }
  subjectKeyIdentifier: { critical: false, octets: 8 }
  authorityKeyIdentifier: { critical: false }
request: { allowedExtensions: [], repeatWindow: PT0S, approval: false }
`;

const authority = `
title: An authority
standard: None
kind: sub-ca
issuedBy: [some-root]
subject: [{ CN: { registered: authority.name } }]
keys: [P-256]
validity: { default: P2Y, maximum: P4Y, minimum: P90D, backdate: PT1H }
extensions:
  basicConstraints: { critical: true, ca: true, pathLength: 1 }
  keyUsage: { critical: true, usages: [keyCertSign, cRLSign] }
  subjectKeyIdentifier: { critical: false, octets: 20 }
  authorityKeyIdentifier: { critical: false }
  authorityInfoAccess: { critical: false, ocsp: true, caIssuers: true }
request: { allowedExtensions: [], repeatWindow: PT0S, approval: true }
revocation: { ocspValidity: P8D, crlValidity: P9D }
`;

type Change = readonly [path: string, value: unknown];

/** The document with values replaced, added, or (undefined) taken away, by dotted path. */
function changed(text: string, ...changes: readonly Change[]): unknown {
  const document: unknown = parse(text);
  for (const [path, value] of changes) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    let node = document as Record<string, unknown>;
    for (const part of parts) node = node[part] as Record<string, unknown>;
    if (value === undefined) delete node[last];
    else node[last] = value;
  }
  return document;
}

function profileOf(document: unknown): Profile {
  const result = parseProfile('a-name', document, 'policies/a-name.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.profile;
}

function errorsOf(document: unknown, name = 'a-name'): string[] {
  const result = parseProfile(name, document, 'policies/a-name.yaml');
  if (result.ok) return [];
  for (const error of result.errors) expect(error.source).toBe('policies/a-name.yaml');
  return result.errors.map(({ path, message }) => `${path}: ${message}`);
}

describe('a profile from its file', () => {
  test('is what was written, in the units of the code', () => {
    const day = 86_400_000;
    const { hash, ...profile } = profileOf(parse(leaf));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(profile).toEqual({
      name: 'a-name',
      title: 'A leaf',
      standard: 'None',
      kind: 'secc',
      issuedBy: ['some-ca'],
      subject: [
        {
          attribute: 'C',
          source: { from: 'registered', fact: 'organization.country', form: 'country' },
          optional: true,
        },
        {
          attribute: 'O',
          source: { from: 'registered', fact: 'organization.name', form: 'organization-name' },
          optional: false,
        },
        {
          attribute: 'CN',
          source: { from: 'request', form: 'secc-id', equals: 'station.seccId' },
          optional: false,
        },
        { attribute: 'DC', source: { from: 'fixed', value: 'CPO' }, optional: false },
      ],
      keys: ['P-256', 'RSA-2048'],
      validity: { default: 60 * day, maximum: 90 * day, minimum: 7 * day, backdate: 3_600_000 },
      extensions: {
        basicConstraints: { critical: true, ca: false },
        keyUsage: {
          critical: true,
          usages: ['digitalSignature', 'keyAgreement'],
          byKey: { RSA: ['digitalSignature', 'keyEncipherment'] },
        },
        extendedKeyUsage: { critical: false, purposes: ['serverAuth'] },
        subjectKeyIdentifier: { critical: false, octets: 8 },
        authorityKeyIdentifier: { critical: false },
      },
      request: {
        allowedExtensions: ['keyUsage'],
        ignoredExtensions: ['subjectAltName'],
        repeatWindow: day,
        approval: false,
        renewal: { grace: 30 * day },
      },
      ocspValidity: 0,
      crlValidity: 0,
      maximumSize: 800,
    });
  });

  test('says when a certificate can be renewed, and for how long after its end', () => {
    const saying = (renewal: string) =>
      profileOf(parse(leaf.replace('approval: false', `approval: false\n  renewal: ${renewal}`)));
    const day = 86_400_000;
    expect(saying('{ window: P30D }').request.renewal).toEqual({
      window: 30 * day,
      grace: 30 * day,
    });
    expect(saying('{ grace: PT0S }').request.renewal).toEqual({ grace: 0 });
    // What is left out has no part in the hash, as in profiles from before.
    expect(saying('{ window: P30D }').hash).not.toBe(profileOf(parse(leaf)).hash);
  });

  test('an authority says how long its status answers hold', () => {
    const profile = profileOf(parse(authority));
    expect(profile.ocspValidity).toBe(8 * 86_400_000);
    expect(profile.crlValidity).toBe(9 * 86_400_000);
    expect(profile).not.toHaveProperty('maximumSize');
  });

  test('self and any become an empty list of issuers', () => {
    const root = changed(authority, ['kind', 'root-ca'], ['issuedBy', ['self']]);
    expect(profileOf(root).issuedBy).toEqual([]);
  });

  test('a root says what chains that end at it are accepted for, or nothing', () => {
    const root = changed(authority, ['kind', 'root-ca'], ['issuedBy', ['self']]);
    expect(profileOf(root)).not.toHaveProperty('anchorFor');
    const anchor = { ...(root as object), anchorFor: ['v2g', 'contract-validation'] };
    expect(profileOf(anchor).anchorFor).toEqual(['v2g', 'contract-validation']);
    expect(profileOf(anchor).hash).not.toBe(profileOf(root).hash);
  });

  test('is frozen to its leaves, and the document is left alone', () => {
    const document = parse(leaf);
    const profile = profileOf(document);
    const open: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) open.push(path);
      for (const [key, member] of Object.entries(value)) visit(member, `${path}.${key}`);
    };
    visit(profile, 'profile');
    expect(open).toEqual([]);
    expect(document).toEqual(parse(leaf));
    expect(Object.isFrozen(document.keys)).toBe(false);
  });

  test('key usages go by the type of key', () => {
    const profile = profileOf(parse(leaf));
    expect(grantedKeyUsages(profile, 'P-256')).toEqual(['digitalSignature', 'keyAgreement']);
    expect(grantedKeyUsages(profile, 'RSA-2048')).toEqual(['digitalSignature', 'keyEncipherment']);
  });
});

describe('the hash of a profile', () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    );
  };

  test('is SHA-256 of the canonical JSON of what is written', () => {
    const document = parse(leaf) as Json;
    const expected = createHash('sha256').update(canonicalJson(document)).digest('hex');
    expect(profileOf(document).hash).toBe(expected);
  });

  test('does not depend on the order of keys, on comments or on layout', () => {
    const { hash } = profileOf(parse(leaf));
    expect(profileOf(reversed(parse(leaf))).hash).toBe(hash);
    expect(profileOf(parse(`# A comment\n${leaf}`)).hash).toBe(hash);
  });

  test.each<Change>([
    ['title', 'Another leaf'],
    ['validity.default', 'P61D'],
    ['extensions.keyUsage.critical', false],
    ['extensions.keyUsage.byKey.RSA', ['digitalSignature']],
    ['request.ignoredExtensions', undefined],
    ['maximumSize', 801],
    ['keys', ['RSA-2048', 'P-256']],
  ])('changes with %s', (path, value) => {
    expect(profileOf(changed(leaf, [path, value])).hash).not.toBe(profileOf(parse(leaf)).hash);
  });

  test('does not change when a variant is added', () => {
    const variants = { strict: { title: 'Strict', critical: ['subjectKeyIdentifier'] } };
    expect(profileOf(changed(leaf, ['variants', variants])).hash).toBe(profileOf(parse(leaf)).hash);
  });
});

test('contracts of ISO 15118-2 may have any key identifier', () => {
  const octets = ['extensions.subjectKeyIdentifier.octets', 20] as const;
  expect(errorsOf(changed(contract, ['keys', ['P-256']], octets))).toEqual([]);
});

describe('variants', () => {
  const variants = {
    'annex-b': {
      title: 'Variant',
      issuedBy: ['some-ca.annex-b'],
      critical: ['subjectKeyIdentifier', 'authorityKeyIdentifier'],
    },
  };

  test('are profiles of their own, with only what they change changed', () => {
    const result = parseProfiles('a-name', changed(leaf, ['variants', variants]), 'f');
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    const [base, variant] = result.profiles;
    expect(result.profiles.map(({ name }) => name)).toEqual(['a-name', 'a-name.annex-b']);
    expect(variant?.hash).not.toBe(base?.hash);
    expect(variant).toEqual({
      ...base,
      name: 'a-name.annex-b',
      title: 'Variant',
      hash: variant?.hash,
      issuedBy: ['some-ca.annex-b'],
      extensions: {
        ...base?.extensions,
        subjectKeyIdentifier: { critical: true, octets: 8 },
        authorityKeyIdentifier: { critical: true },
      },
    });
  });

  test.each<[string, unknown, string]>([
    ['an unknown key', { keys: ['P-256'] }, 'variants.v.keys: is not a known key'],
    [
      'an extension that is absent',
      { critical: ['authorityInfoAccess'] },
      'variants.v.critical[0]: authorityInfoAccess is not in extensions',
    ],
    [
      'an unknown extension',
      { critical: ['subjectKeyIdentifer'] },
      'did you mean "subjectKeyIdentifier"?',
    ],
    [
      'a repeated extension',
      { critical: ['keyUsage', 'keyUsage'] },
      'variants.v.critical[1]: repeats variants.v.critical[0]',
    ],
    ['no change', { critical: [] }, 'variants.v.critical: must not be an empty list'],
    [
      'a leaf made a root',
      { issuedBy: ['self'] },
      'variants.v.issuedBy: a root-ca, and nothing else',
    ],
    ['any issuer', { issuedBy: ['any'] }, 'variants.v.issuedBy: only an ocsp-responder'],
  ])('refuses %s', (_, change, expected) => {
    const variant = { title: 'T', critical: ['keyUsage'], ...(change as object) };
    const errors = errorsOf(changed(leaf, ['variants', { v: variant }]));
    expect(errors.join('\n')).toContain(expected);
  });

  test('refuses a name that is none', () => {
    const variant = { title: 'T', critical: ['keyUsage'] };
    const errors = errorsOf(changed(leaf, ['variants', { 'Annex B': variant }]));
    expect(errors).toEqual(['variants.Annex B: must be a name such as annex-b']);
  });
});

describe('a broken file', () => {
  test('is told everything at once, whether of shape or of sense', () => {
    const document = changed(
      leaf,
      ['tilte', 'x'],
      ['kind', 'sec'],
      [
        'subject',
        [{ CN: { request: 'emaid', equals: 'station.seccId' } }, { DC: { fixed: 'CP' } }],
      ],
      ['keys', ['P-256', 'P-256']],
      ['validity.default', 'P91D'],
      ['extensions.basicConstraints.pathLength', 0],
      ['extensions.keyUsage.usage', []],
      ['extensions.ocspNoCheck', { critical: true }],
    );
    expect(errorsOf(document).map((line) => line.split(': ')[0])).toEqual([
      'kind',
      'extensions.keyUsage.usage',
      'extensions.ocspNoCheck.critical',
      'tilte',
      'extensions.basicConstraints.pathLength',
      'extensions.ocspNoCheck',
      'validity.default',
      'keys[1]',
      'subject[0].CN.equals',
      'subject[1].DC.fixed',
    ]);
  });

  test.each([null, undefined, 'text', 7, [], [leaf]])('is no mapping: %j', (document) => {
    expect(errorsOf(document)).toEqual([': must be a mapping of keys to values']);
  });

  test.each(['', 'Station', 'a_b', '../a', 'a.b', '-a', 'a--b'])('has the bad name %j', (name) => {
    expect(errorsOf(parse(leaf), name)).toEqual([expect.stringContaining('cannot name a profile')]);
  });

  test('says where an unknown key is and which are allowed', () => {
    expect(errorsOf(changed(leaf, ['extensions.keyUsages', {}]))).toEqual([
      'extensions.keyUsages: is not a known key; did you mean "keyUsage"? Allowed: basicConstraints, keyUsage, extendedKeyUsage, subjectKeyIdentifier, authorityKeyIdentifier, certificatePolicies, subjectAltName, crlDistributionPoints, authorityInfoAccess, ocspNoCheck',
    ]);
  });

  test.each([
    'title',
    'standard',
    'kind',
    'issuedBy',
    'subject',
    'keys',
    'validity',
    'extensions',
    'request',
    'validity.backdate',
    'extensions.keyUsage',
    'extensions.keyUsage.critical',
    'request.approval',
  ])('has no %s', (path) => {
    const errors = errorsOf(changed(leaf, [path, undefined]));
    expect(errors[0]).toContain(`${path}: is missing`);
  });
});

const san = {
  critical: false,
  kinds: ['dns'],
  required: true,
  wildcards: false,
  includeCommonName: true,
};

describe.each<[string, string, readonly (readonly [string, readonly Change[], string])[]]>([
  [
    'subject rules',
    leaf,
    [
      [
        'two attributes in one',
        [['subject.1.CN', { fixed: 'x' }]],
        'subject[1]: must have exactly one of',
      ],
      ['none in one', [['subject.1', {}]], 'subject[1]: must have exactly one of'],
      [
        'C5 the same attribute twice',
        [['subject.0', { CN: { fixed: 'x' } }]],
        'subject[2].CN: CN is in the subject already',
      ],
      ['two sources', [['subject.1.O.fixed', 'x']], 'subject[1].O: must have exactly one of fixed'],
      ['no source', [['subject.1.O', {}]], 'subject[1].O: must have exactly one of fixed'],
      [
        'equals without request',
        [['subject.1.O.equals', 'organization.name']],
        'subject[1].O.equals: is only for',
      ],
      [
        'a fact of another form',
        [['subject.2.CN.equals', 'contract.emaid']],
        'subject[2].CN.equals: contract.emaid has the form emaid, not secc-id',
      ],
      [
        'a country in O',
        [['subject.1.O', { registered: 'organization.country' }]],
        'subject[1].O.registered: organization.country does not belong into O',
      ],
      [
        'an identifier in O',
        [['subject.1.O', { request: 'emaid' }]],
        'subject[1].O.request: emaid does not belong into O',
      ],
      [
        'C5 a country of one letter',
        [['subject.0.C', { fixed: 'D' }]],
        'subject[0].C.fixed: must be two upper-case',
      ],
      [
        'C5 a country in lower case',
        [['subject.0.C', { fixed: 'de' }]],
        'subject[0].C.fixed: must be two upper-case',
      ],
      [
        'C5 an unknown domain component',
        [['subject.3.DC.fixed', 'COP']],
        'must be one of V2G, CPO, CPS, MO, OEM; found "COP"; did you mean "CPO"?',
      ],
      [
        'C5 a domain component in lower case',
        [['subject.3.DC.fixed', 'cpo']],
        'subject[3].DC.fixed: must be one of',
      ],
      [
        'C5 a domain component of the request',
        [['subject.3.DC', { request: 'common-name' }]],
        'subject[3].DC.request: common-name does not belong into DC',
      ],
      [
        'C5 65 characters',
        [['subject.1.O', { fixed: 'x'.repeat(65) }]],
        'subject[1].O.fixed: cannot be in a name',
      ],
      [
        'C5 a hidden character',
        [['subject.1.O', { fixed: 'a\u202eb' }]],
        'subject[1].O.fixed: cannot be in a name',
      ],
      [
        'RFC 5280 4.1.2.6 nothing that must be there',
        [['subject', [{ CN: { request: 'secc-id', optional: true } }]]],
        'subject: must have an attribute that is not optional',
      ],
      [
        'an unknown fact',
        [['subject.2.CN.equals', 'station.secId']],
        'did you mean "station.seccId"?',
      ],
    ],
  ],
  [
    'key usage',
    leaf,
    [
      [
        'C4 RFC 5280 4.2.1.3 keyCertSign in a leaf',
        [['extensions.keyUsage.usages', ['keyCertSign']]],
        'must not include keyCertSign without',
      ],
      [
        'C4 cRLSign in a leaf',
        [['extensions.keyUsage.usages', ['cRLSign']]],
        'must not include cRLSign without',
      ],
      [
        'C4 keyCertSign for one family',
        [['extensions.keyUsage.byKey.RSA', ['keyCertSign']]],
        'byKey.RSA: must not include keyCertSign',
      ],
      [
        'C4 keyCertSign without basicConstraints',
        [
          ['extensions.basicConstraints', undefined],
          ['extensions.keyUsage.usages', ['keyCertSign']],
        ],
        'must not include keyCertSign without',
      ],
      [
        'RFC 8813 keyEncipherment with EC',
        [['extensions.keyUsage.usages', ['keyEncipherment']]],
        'keyEncipherment is not possible with EC keys',
      ],
      [
        'RFC 9295 keyAgreement with Ed448',
        [['keys', ['Ed448', 'RSA-2048']]],
        'keyAgreement is not possible with EdDSA keys',
      ],
      [
        'RFC 3279 keyAgreement with RSA',
        [['extensions.keyUsage.byKey', undefined]],
        'keyAgreement is not possible with RSA keys',
      ],
      [
        'usages of keys that are not allowed',
        [['keys', ['P-256']]],
        'extensions.keyUsage.byKey.RSA: is for keys not in keys',
      ],
      [
        'encipherOnly alone',
        [['extensions.keyUsage.usages', ['digitalSignature', 'encipherOnly']]],
        'encipherOnly needs keyAgreement',
      ],
      ...(['encipherOnly', 'decipherOnly'] as const).map((usage): [string, Change[], string] => [
        `${usage} alone, for keys of one type`,
        [
          ['keys', ['P-256']],
          ['extensions.keyUsage.byKey', { EC: ['digitalSignature', usage] }],
        ],
        `extensions.keyUsage.byKey.EC: ${usage} needs keyAgreement`,
      ]),
      [
        'no bit (RFC 5280 4.2.1.3)',
        [['extensions.keyUsage.usages', []]],
        'extensions.keyUsage.usages: must not be an empty list',
      ],
      [
        'a repeated bit',
        [['extensions.keyUsage.usages', ['digitalSignature', 'digitalSignature']]],
        'usages[1]: repeats extensions.keyUsage.usages[0]',
      ],
      [
        'an unknown bit',
        [['extensions.keyUsage.usages', ['keyAgrement']]],
        'did you mean "keyAgreement"?',
      ],
    ],
  ],
  [
    'extensions of leaves',
    leaf,
    [
      [
        'C4 a leaf with cA',
        [['extensions.basicConstraints.ca', true]],
        'extensions.basicConstraints.ca: must be false in a profile of kind secc',
      ],
      [
        'RFC 5280 4.2.1.9 a path length without cA',
        [['extensions.basicConstraints.pathLength', 0]],
        'pathLength: is only for authorities',
      ],
      [
        'C4 anyExtendedKeyUsage',
        [['extensions.extendedKeyUsage.purposes', ['anyExtendedKeyUsage']]],
        'extensions.extendedKeyUsage.purposes[0]: must be one of serverAuth',
      ],
      [
        'an unknown purpose',
        [['extensions.extendedKeyUsage.purposes', ['severAuth']]],
        'did you mean "serverAuth"?',
      ],
      [
        'O3 OCSPSigning in another leaf',
        [['extensions.extendedKeyUsage.purposes', ['OCSPSigning']]],
        'an ocsp-responder, and no other leaf, has OCSPSigning',
      ],
      [
        'O3 RFC 6960 4.2.2.2.1 nocheck without OCSPSigning',
        [['extensions.ocspNoCheck', { critical: false }]],
        'extensions.ocspNoCheck: is only for OCSPSigning',
      ],
      [
        'RFC 5280 4.2.1.1 no AKI',
        [['extensions.authorityKeyIdentifier', undefined]],
        'extensions.authorityKeyIdentifier: is missing',
      ],
      [
        'RFC 5280 4.2.1.1 a critical AKI',
        [['extensions.authorityKeyIdentifier.critical', true]],
        'extensions.authorityKeyIdentifier.critical: must be false',
      ],
      [
        'RFC 5280 4.2.1.2 a critical SKI',
        [['extensions.subjectKeyIdentifier.critical', true]],
        'extensions.subjectKeyIdentifier.critical: must be false',
      ],
      [
        'RFC 5280 4.2.2.1 a critical AIA',
        [['extensions.authorityInfoAccess', { critical: true, ocsp: true, caIssuers: true }]],
        'extensions.authorityInfoAccess.critical: must be false',
      ],
      [
        'an SKI of 16 octets',
        [['extensions.subjectKeyIdentifier.octets', 16]],
        'must be one of 8, 20; found 16',
      ],
      [
        'an AIA without locations',
        [['extensions.authorityInfoAccess', { critical: false, ocsp: false, caIssuers: false }]],
        'must have ocsp or caIssuers',
      ],
      [
        'RFC 5280 4.2.1.4 a repeated policy',
        [['extensions.certificatePolicies', { critical: false, policies: ['1.2.3', '1.2.3'] }]],
        'policies[1]: repeats',
      ],
      ...(['1.40.1', '3.1', `2.5.${'9'.repeat(100)}`] as const).map(
        (policy): [string, Change[], string] => [
          `RFC 5280 4.2.1.4 a policy that no OID can name: ${policy.slice(0, 8)}`,
          [['extensions.certificatePolicies', { critical: false, policies: [policy] }]],
          'policies[0]: must be a dotted OID',
        ],
      ),
      [
        'C6 a CN that is no host, as a dNSName',
        [['extensions.subjectAltName', san]],
        'includeCommonName: is only for a CN that is a host name',
      ],
      [
        'C6 a CN as dNSName where none may be',
        [['extensions.subjectAltName', { ...san, kinds: ['ip'] }]],
        'subjectAltName.kinds: must have dns',
      ],
      [
        'C6 otherName',
        [['extensions.subjectAltName', { ...san, kinds: ['otherName'] }]],
        'kinds[0]: must be one of dns, ip, uri',
      ],
      [
        'how long answers hold',
        [['revocation', { ocspValidity: 'P1D', crlValidity: 'P1D' }]],
        'revocation: is only for authorities',
      ],
    ],
  ],
  [
    'authorities',
    authority,
    [
      [
        'RFC 5280 4.2.1.3 no keyCertSign',
        [['extensions.keyUsage.usages', ['cRLSign']]],
        'must include keyCertSign',
      ],
      ['no cRLSign', [['extensions.keyUsage.usages', ['keyCertSign']]], 'must include cRLSign'],
      [
        'RFC 5280 4.2.1.9 basicConstraints not critical',
        [['extensions.basicConstraints.critical', false]],
        'extensions.basicConstraints.critical: must be true',
      ],
      [
        'keyUsage not critical',
        [['extensions.keyUsage.critical', false]],
        'extensions.keyUsage.critical: must be true',
      ],
      [
        'a sub-CA without cA',
        [['extensions.basicConstraints', undefined]],
        'extensions.basicConstraints.ca: must be true in a profile of kind sub-ca',
      ],
      [
        'RFC 5280 4.2.1.2 no SKI',
        [['extensions.subjectKeyIdentifier', undefined]],
        'extensions.subjectKeyIdentifier: is missing in an authority',
      ],
      ['no word on how long answers hold', [['revocation', undefined]], 'revocation: is missing'],
      [
        'answers that hold for no time',
        [['revocation.ocspValidity', 'PT0S']],
        'revocation.ocspValidity: must be more than nothing',
      ],
      [
        'A1 serverAuth with other authorities below',
        [['extensions.extendedKeyUsage', { critical: false, purposes: ['serverAuth'] }]],
        'an authority may have serverAuth only with pathLength 0',
      ],
      [
        'A1 a negative path length',
        [['extensions.basicConstraints.pathLength', -1]],
        'extensions.basicConstraints.pathLength: -1 is too small',
      ],
      [
        'a sub-CA that signs itself',
        [['issuedBy', ['self']]],
        'issuedBy: a root-ca, and nothing else',
      ],
      ['a root below another', [['kind', 'root-ca']], 'issuedBy: a root-ca, and nothing else'],
      [
        'A1 a sub-CA of anybody',
        [['issuedBy', ['any']]],
        'issuedBy: only an ocsp-responder may be issued by [any]',
      ],
      [
        'A1 a sub-CA where chains end',
        [['anchorFor', ['v2g']]],
        'anchorFor: is only for a root-ca: nothing else is where chains end',
      ],
      ['an end of no chains', [['anchorFor', []]], 'anchorFor: must not be an empty list'],
      [
        'an end of unknown chains',
        [['anchorFor', ['all']]],
        'anchorFor[0]: must be one of oem-provisioning, contract-validation, v2g, est-client; found "all"',
      ],
      ['nobody', [['issuedBy', []]], 'issuedBy: must not be an empty list'],
      ['self among others', [['issuedBy', ['self', 'some-ca']]], 'issuedBy: self must stand alone'],
    ],
  ],
  [
    'contracts of ISO 15118-20',
    contract,
    [
      [
        'V2G20-2492 an SKI that no vehicle opens a key with',
        [['extensions.subjectKeyIdentifier.octets', 20]],
        'extensions.subjectKeyIdentifier.octets: must be 8 in a contract of ISO 15118-20',
      ],
      [
        'V2G20-2492 the same with Ed448, beside a key of -2',
        [
          ['keys', ['P-256', 'Ed448']],
          ['extensions.subjectKeyIdentifier.octets', 20],
        ],
        'extensions.subjectKeyIdentifier.octets: must be 8',
      ],
      [
        'V2G20-2492 no SKI',
        [['extensions.subjectKeyIdentifier', undefined]],
        'extensions.subjectKeyIdentifier: is missing in a contract of ISO 15118-20',
      ],
    ],
  ],
  [
    'validity and requests',
    leaf,
    [
      [
        'a default over the maximum',
        [['validity.default', 'P91D']],
        'validity.default: must not be over maximum',
      ],
      [
        'a minimum over the default',
        [['validity.minimum', 'P61D']],
        'validity.minimum: must not be over default',
      ],
      ['no minimum', [['validity.minimum', 'PT0S']], 'validity.minimum: must be more than nothing'],
      [
        'S5 a backdate over 24 hours',
        [['validity.backdate', 'PT24H1S']],
        'validity.backdate: must not be over PT24H',
      ],
      [
        'S5 a backdate that eats the validity',
        [
          ['validity.default', 'PT1H'],
          ['validity.minimum', 'PT1H'],
        ],
        'validity.backdate: must be less than default',
      ],
      ['months', [['validity.maximum', 'P3M']], 'validity.maximum: "P3M" counts in months'],
      [
        'a number for a duration',
        [['validity.maximum', 90]],
        'validity.maximum: must be a text, found 90',
      ],
      [
        'C4 an extension that it does not grant',
        [
          ['request.allowedExtensions', ['subjectAltName']],
          ['request.ignoredExtensions', undefined],
        ],
        'request.allowedExtensions[0]: subjectAltName is not in extensions',
      ],
      [
        'C4 an extension that policy cannot compare',
        [['request.allowedExtensions', ['nameConstraints']]],
        'request.allowedExtensions[0]: must be one of basicConstraints',
      ],
      [
        'C4 overlooking basicConstraints',
        [['request.ignoredExtensions', ['basicConstraints']]],
        'request.ignoredExtensions[0]: must be one of subjectAltName',
      ],
      [
        'C4 overlooking keyUsage',
        [['request.ignoredExtensions', ['keyUsage']]],
        'request.ignoredExtensions[0]: must be one of subjectAltName',
      ],
      [
        'C4 an extension both granted and ignored',
        [
          ['request.allowedExtensions', ['extendedKeyUsage']],
          ['request.ignoredExtensions', ['extendedKeyUsage']],
        ],
        'extendedKeyUsage is also in ignoredExtensions',
      ],
      ['C2 an unknown key type', [['keys', ['P-224']]], 'keys[0]: must be one of P-256'],
      ['C2 RSA-1024', [['keys', ['RSA-1024']]], 'keys[0]: must be one of P-256'],
      [
        'a repeated key type',
        [['keys', ['P-256', 'RSA-2048', 'P-256']]],
        'keys[2]: repeats keys[0]',
      ],
      [
        'an issuer that is no name',
        [['issuedBy', ['Some CA']]],
        'issuedBy[0]: must be the name of a profile',
      ],
      [
        'a repeated issuer',
        [['issuedBy', ['some-ca', 'some-ca']]],
        'issuedBy[1]: repeats issuedBy[0]',
      ],
      ['a title of two lines', [['title', 'a\nb']], 'title: must be one line'],
    ],
  ],
])('refuses in %s', (_, text, cases) => {
  test('nothing to begin with', () => expect(errorsOf(parse(text))).toEqual([]));

  test.each(cases)('%s', (_name, changes, expected) => {
    expect(errorsOf(changed(text, ...changes)).join('\n')).toContain(expected);
  });
});

describe('accepts', () => {
  test('S5 a backdate of exactly 24 hours', () => {
    expect(errorsOf(changed(leaf, ['validity.backdate', 'PT24H']))).toEqual([]);
  });

  test('OCSPSigning in a V2G root, as the field has it', () => {
    const purposes = { critical: false, purposes: ['OCSPSigning'] };
    expect(errorsOf(changed(authority, ['extensions.extendedKeyUsage', purposes]))).toEqual([]);
  });

  test('A1 an authority just above leaves that is limited to serverAuth', () => {
    const purposes = { critical: false, purposes: ['serverAuth'] };
    const document = changed(
      authority,
      ['extensions.extendedKeyUsage', purposes],
      ['extensions.basicConstraints.pathLength', 0],
    );
    expect(errorsOf(document)).toEqual([]);
  });

  test('keyEncipherment for an EC key only in a contract certificate (ISO 15118-2 Annex F)', () => {
    const document = changed(
      leaf,
      ['kind', 'contract'],
      ['keys', ['P-256']],
      ['extensions.keyUsage.byKey', undefined],
      ['extensions.keyUsage.usages', ['digitalSignature', 'keyEncipherment']],
    );
    expect(errorsOf(document)).toEqual([]);
    expect(errorsOf({ ...(document as object), kind: 'secc' })).not.toEqual([]);
  });
});
