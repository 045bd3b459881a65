import { describe, expect, test } from 'vitest';
import { buildTbs } from '../../src/pki/build-certificate.ts';
import { DerReader } from '../../src/pki/der.ts';
import { writeExtensions } from '../../src/pki/extensions/write.ts';
import { lintTbs } from '../../src/pki/lint.ts';
import { writeName } from '../../src/pki/names.ts';
import { decide, type IssuerFacts, type PolicyInput } from '../../src/pki/policy.ts';
import type { Profile } from '../../src/pki/profile.ts';
import { readRawExtensions } from '../../src/pki/raw-extensions.ts';
import type { ExtensionSet, GeneralName, KeyUsage } from '../../src/pki/template.ts';
import { generateKey } from '../support/issuing.ts';
import {
  DAY,
  issuerFacts,
  issuerKey,
  NOW,
  nameOf,
  rawExtension,
  rootProfile,
  stationInput,
  stationKey,
  stationProfile,
  subCaProfile,
  withRequest,
} from '../support/policy.ts';

const codesOf = (input: PolicyInput): readonly string[] => {
  const decision = decide(input);
  return decision.ok ? [] : decision.violations.map(({ code }) => code);
};

const templateOf = (input: PolicyInput) => {
  const decision = decide(input);
  if (!decision.ok) throw new Error(JSON.stringify(decision.violations));
  return decision.value;
};

const asking = (set: ExtensionSet) =>
  readRawExtensions(DerReader.over(writeExtensions(set), 8192).sequence());

const withExtensions = (set: ExtensionSet, profile: Profile = stationProfile) =>
  withRequest({ extensions: asking(set) }, { profile });

const usage = (...usages: readonly KeyUsage[]): ExtensionSet => ({
  keyUsage: { critical: false, usages },
});
const purposes = (...names: readonly string[]): ExtensionSet => ({
  extendedKeyUsage: { critical: false, purposes: names },
});
const names = (...list: readonly GeneralName[]): ExtensionSet => ({
  subjectAltName: { critical: false, names: list },
});
const dns = (value: string): GeneralName => ({ kind: 'dns', value });
const ip = (value: string): GeneralName => ({ kind: 'ip', value });

const issuedBy = (changes: Partial<IssuerFacts>, rest: Partial<PolicyInput> = {}): PolicyInput => ({
  ...stationInput,
  ...rest,
  issuer: { ...issuerFacts, ...changes },
});

const { urls: _, ...withoutUrls } = issuerFacts;

const subCaInput: PolicyInput = {
  ...stationInput,
  profile: subCaProfile,
  issuer: { ...issuerFacts, profile: 'root', pathLength: 1 },
  facts: { 'authority.name': 'CPO Sub-CA 3' },
  keyHistory: { ...stationInput.keyHistory, ofAuthority: true },
  authorityKeys: true,
};

const rootInput: PolicyInput = {
  ...subCaInput,
  profile: rootProfile,
  issuer: 'self',
  facts: { 'authority.name': 'V2G Root' },
};

/** A subject that the name of any root of V2G fits. */
const ofRoots = [
  { attribute: 'DC', source: { from: 'fixed', value: 'V2G' }, optional: false },
] as const;
const crossProfile: Profile = {
  ...{ ...subCaProfile, name: 'cross', kind: 'cross-ca' },
  subject: ofRoots,
};
const otherName = nameOf('CN=V2G Other Root', 'DC=V2G');
const certified = {
  ...{ subject: otherName, subjectDer: writeName(otherName), spki: stationKey.publicKey.spki },
  ...{ keyIdentifier: Uint8Array.of(1, 2, 3), sha256: '' },
};
const crossInput: PolicyInput = { ...subCaInput, profile: crossProfile, certified };
const { certified: __, ...withoutRoot } = crossInput;

const sanProfile = (
  changes: Partial<NonNullable<Profile['extensions']['subjectAltName']>>,
): Profile => ({
  ...stationProfile,
  subject: [{ attribute: 'CN', source: { from: 'request', form: 'common-name' }, optional: false }],
  extensions: {
    ...stationProfile.extensions,
    subjectAltName: {
      critical: false,
      kinds: ['dns', 'ip'],
      required: true,
      wildcards: false,
      includeCommonName: true,
      ...changes,
    },
  },
});

const uriProfile = sanProfile({ kinds: ['dns', 'uri'], includeCommonName: false });

describe('a decision in favour', () => {
  test('says what the profile, the registration and the issuer say', () => {
    const template = templateOf(stationInput);
    expect(template).toMatchObject({
      signatureAlgorithm: 'ecdsa-with-SHA256',
      issuerName: issuerFacts.subjectDer,
      notBefore: new Date('2026-03-01T11:00:00Z'),
      notAfter: new Date('2026-05-30T10:59:59Z'),
      subject: nameOf('CN=DE-ABC-1', 'O=Example Charging', 'C=DE', 'DC=CPO'),
      keyAlgorithm: 'P-256',
      spki: stationKey.publicKey.spki,
      extensions: {
        basicConstraints: { critical: true, ca: false },
        keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
        authorityKeyIdentifier: { critical: false, value: issuerFacts.keyIdentifier },
        crlDistributionPoints: { critical: false, urls: ['http://pki.example/crl/1.crl'] },
        authorityInfoAccess: {
          critical: false,
          ocsp: ['http://pki.example/ocsp'],
          caIssuers: ['http://pki.example/ca/1.cer'],
        },
      },
    });
    expect(template.extensions.subjectKeyIdentifier?.value).toHaveLength(8);
    expect(template.extensions.subjectAltName).toBeUndefined();
  });

  test.each<[string, PolicyInput]>([
    [
      'what EVerest asks for',
      withExtensions({
        ...usage('digitalSignature', 'keyAgreement'),
        basicConstraints: { critical: true, ca: false },
      }),
    ],
    [
      'C4 less key usage than given: the profile is issued',
      withExtensions(usage('digitalSignature')),
    ],
    ['C4 the purpose of the profile', withExtensions(purposes('serverAuth'))],
    ['a subordinate authority', subCaInput],
    ['a root', rootInput],
    ['a cross-certificate', crossInput],
    [
      'an extension that the profile ignores, although malformed',
      withRequest(
        { extensions: [rawExtension('subjectKeyIdentifier', 'ff')] },
        {
          profile: {
            ...stationProfile,
            request: { ...stationProfile.request, ignoredExtensions: ['subjectKeyIdentifier'] },
          },
        },
      ),
    ],
    [
      'A1 OCSPSigning in the certificate of a root constrains nobody (ISO 15118-2 Annex F)',
      issuedBy({ extendedKeyUsage: { purposes: ['OCSPSigning'] } }),
    ],
    [
      'A1 purposes within those of the issuer',
      issuedBy({ extendedKeyUsage: { purposes: ['serverAuth', 'clientAuth'] } }),
    ],
    [
      'A2 a retired authority still gets responders',
      issuedBy({ state: 'retired' }, { profile: { ...stationProfile, kind: 'ocsp-responder' } }),
    ],
    [
      'A1 a DNS name within the constraints',
      {
        ...withExtensions(names(dns('a.example.com'))),
        issuer: { ...issuerFacts, nameConstraints: { permittedDns: ['example.com'] } },
      },
    ],
  ])('%s', (_, input) => {
    expect(codesOf(input)).toEqual([]);
    expect(templateOf(input).extensions.keyUsage).toEqual(input.profile.extensions.keyUsage);
  });

  test('a root is its own issuer', () => {
    const template = templateOf(rootInput);
    const lint = lintTbs(buildTbs(template), {
      profile: rootProfile,
      issuer: 'self',
      issuerKeyAlgorithm: 'P-256',
    });
    expect(lint).toEqual([]);
  });

  test('key usage follows the family of the key', () => {
    const profile: Profile = {
      ...stationProfile,
      keys: ['Ed448'],
      extensions: {
        ...stationProfile.extensions,
        keyUsage: {
          critical: true,
          usages: ['digitalSignature', 'keyAgreement'],
          byKey: { EdDSA: ['digitalSignature'] },
        },
      },
    };
    const { publicKey } = generateKey('Ed448');
    const extensions = asking(usage('digitalSignature', 'keyAgreement'));
    const template = templateOf(withRequest({ publicKey, extensions }, { profile }));
    expect(template.extensions.keyUsage?.usages).toEqual(['digitalSignature']);
  });
});

describe('every violation', () => {
  const unconstrained = { ...stationProfile.extensions };
  test.each<[string, PolicyInput, string[]]>([
    [
      'key of another type',
      withRequest({ publicKey: generateKey('P-384').publicKey }),
      ['key-type'],
    ],
    [
      'C3 blocked key',
      { ...stationInput, keyHistory: { ...stationInput.keyHistory, blocked: true } },
      ['key-blocked'],
    ],
    [
      'C3 key of an authority',
      { ...stationInput, keyHistory: { ...stationInput.keyHistory, ofAuthority: true } },
      ['key-of-authority'],
    ],
    [
      'C3 key of the issuer itself',
      withRequest({ publicKey: issuerKey.publicKey }),
      ['key-of-authority'],
    ],
    [
      'C3 key of the issuer as a new authority',
      { ...subCaInput, request: { ...subCaInput.request, publicKey: issuerKey.publicKey } },
      ['key-of-authority'],
    ],
    [
      'C3 key of another subject',
      { ...stationInput, keyHistory: { ...stationInput.keyHistory, certifiedForOther: true } },
      ['key-in-use'],
    ],
    [
      'C7 EVSE id of another operator',
      { ...stationInput, foreignOperator: 'DEICX' },
      ['operator-not-allowed'],
    ],
    ['a station that gets nothing', { ...stationInput, stationRefused: true }, ['station-refused']],
    ['subject missing', withRequest({ subject: nameOf('O=x') }), ['subject-attribute-missing']],
    [
      'C5 subject malformed',
      withRequest({ subject: nameOf('CN=a b') }),
      ['subject-attribute-invalid'],
    ],
    [
      'C7 subject of somebody else',
      withRequest({ subject: nameOf('CN=DE-ABC-2') }),
      ['subject-attribute-mismatch'],
    ],
    [
      'C5 the name of the issuer in other case',
      {
        ...subCaInput,
        issuer: {
          ...issuerFacts,
          profile: 'root',
          pathLength: 1,
          subject: nameOf('CN=cpo  sub-ca 3', 'DC=v2g'),
        },
      },
      ['subject-of-issuer'],
    ],
    [
      'C4 duplicate extension',
      withRequest({
        extensions: [...asking(usage('digitalSignature')), ...asking(usage('digitalSignature'))],
      }),
      ['extension-duplicate'],
    ],
    [
      'C4 unknown extension',
      withRequest({ extensions: [rawExtension('1.2.3.4', '0500', true)] }),
      ['extension-forbidden'],
    ],
    [
      'C4 name constraints',
      withRequest({ extensions: [rawExtension('nameConstraints', '3000', true)] }),
      ['extension-forbidden'],
    ],
    [
      'C4 malformed extension',
      withRequest({ extensions: [rawExtension('keyUsage', '0500')] }),
      ['extension-malformed'],
    ],
    [
      'C4 CA:TRUE',
      withExtensions({ basicConstraints: { critical: true, ca: true } }),
      ['extension-mismatch'],
    ],
    [
      'C4 CA:TRUE with a path length',
      withExtensions({ basicConstraints: { critical: true, ca: true, pathLength: 0 } }),
      ['extension-mismatch'],
    ],
    [
      'C4 CA:FALSE for an authority',
      {
        ...subCaInput,
        request: {
          ...subCaInput.request,
          extensions: asking({ basicConstraints: { critical: true, ca: false } }),
        },
      },
      ['extension-mismatch'],
    ],
    [
      'C4 a longer path for an authority',
      {
        ...subCaInput,
        request: {
          ...subCaInput.request,
          extensions: asking({ basicConstraints: { critical: true, ca: true, pathLength: 1 } }),
        },
      },
      ['extension-mismatch'],
    ],
    [
      'C4 keyCertSign',
      withExtensions(usage('digitalSignature', 'keyCertSign')),
      ['extension-mismatch'],
    ],
    [
      'C4 two usages too many',
      withExtensions(usage('nonRepudiation', 'cRLSign')),
      ['extension-mismatch', 'extension-mismatch'],
    ],
    [
      'C4 another purpose',
      withExtensions(purposes('serverAuth', 'clientAuth')),
      ['extension-mismatch'],
    ],
    ['C4 any purpose', withExtensions(purposes('anyExtendedKeyUsage')), ['extension-mismatch']],
    [
      'C4 any purpose, even if a profile gives it',
      withExtensions(purposes('anyExtendedKeyUsage'), {
        ...stationProfile,
        extensions: {
          ...stationProfile.extensions,
          extendedKeyUsage: { critical: false, purposes: ['anyExtendedKeyUsage'] },
        },
      }),
      ['extension-mismatch'],
    ],
    [
      'C4 an extension in which requesters have no say, even if a profile takes it',
      withRequest(
        {
          extensions: asking({
            subjectKeyIdentifier: { critical: false, value: new Uint8Array(8) },
          }),
        },
        {
          profile: {
            ...stationProfile,
            request: { ...stationProfile.request, allowedExtensions: ['subjectKeyIdentifier'] },
          },
        },
      ),
      ['extension-mismatch'],
    ],
    [
      'C6 alternative names where the profile gives none',
      (() => {
        const { subjectAltName: _, ...extensions } = unconstrained;
        return withExtensions(names(dns('a.example')), { ...stationProfile, extensions });
      })(),
      ['extension-mismatch'],
    ],
    ['C6 wildcard', withExtensions(names(dns('*.example.com'))), ['san-invalid']],
    ['C6 not a host name', withExtensions(names(dns('-a.example'))), ['san-invalid']],
    [
      'C6 kind that the profile does not give',
      withExtensions(names({ kind: 'uri', value: 'urn:x' })),
      ['san-invalid'],
    ],
    [
      'C6 otherName',
      withRequest({
        extensions: [rawExtension('subjectAltName', '300f a00d 06032a0304 a006 0c0461626364')],
      }),
      ['san-invalid'],
    ],
    ['A3 a cross-certificate for nobody', withoutRoot, ['certified-root']],
    [
      'A3 another root under the profile of an authority of ours',
      { ...crossInput, profile: { ...subCaProfile, subject: ofRoots } },
      ['certified-root'],
    ],
    [
      'A3 another root under a profile of leaves',
      { ...stationInput, profile: { ...stationProfile, subject: ofRoots }, certified },
      ['certified-root'],
    ],
    [
      'C6 a name outside the registered hosts',
      { ...withExtensions(names(dns('a.example'), dns('b.example'))), hosts: ['A.example'] },
      ['san-invalid'],
    ],
    [
      'C6 a common name outside the registered hosts',
      {
        ...withExtensions(names(dns('a.example')), sanProfile({})),
        hosts: ['a.example'],
      },
      ['san-invalid'],
    ],
    ...[
      'https://evil.example/',
      'https://a.example@evil.example/',
      'https://a.example.evil.example',
      'https://evil.example#a.example',
      'https://evil.example?@a.example',
      'https://b.a.example',
      'https://*.a.example/',
      'https://[2001:db8::2]/',
      'https://[::ffff:192.0.2.1]/',
      'https://192.0.2.2/',
      'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
      'mailto:a.example',
    ].map((value): [string, PolicyInput, string[]] => [
      `C6 a URI that is not at a registered host: ${value}`,
      {
        ...withExtensions(names(dns('a.example'), { kind: 'uri', value }), uriProfile),
        hosts: ['a.example', '2001:db8::1', '192.0.2.1'],
      },
      ['san-invalid'],
    ]),
    ...[
      'https:///path',
      'https://a.example.:443/',
      'https://a%2eexample/',
      'https://a.example:x/',
      'https://a.example@b.example@c.example/',
      'https://2001:db8::1/',
      'https://[192.0.2.1]/',
      'https://[v1.a]/',
      'https://[fe80::1%25eth0]/',
      'https://0x7f.1/',
      'https://192.0.2.1.',
    ].map((value): [string, PolicyInput, string[]] => [
      `C6 a URI whose host is neither a name nor an address (RFC 5280 4.2.1.6): ${value}`,
      withExtensions(names(dns('a.example'), { kind: 'uri', value }), uriProfile),
      ['san-invalid'],
    ]),
    [
      'C6 common name that is no host name',
      withRequest({ subject: nameOf('CN=Not a host') }, { profile: sanProfile({}) }),
      ['san-invalid'],
    ],
    [
      'C6 required and missing',
      withRequest(
        { subject: nameOf('CN=csms.example') },
        { profile: sanProfile({ includeCommonName: false }) },
      ),
      ['san-missing'],
    ],
    [
      'S5 an end in the past',
      { ...stationInput, notAfter: new Date('2026-02-01T00:00:00Z') },
      ['validity-order'],
    ],
    [
      'S5 an end beyond the maximum',
      { ...stationInput, notAfter: new Date('2026-12-01T00:00:00Z') },
      ['validity-too-long'],
    ],
    [
      'S5 an end beyond the issuer',
      issuedBy(
        { notAfter: new Date(NOW.getTime() + 30 * DAY) },
        { notAfter: new Date(NOW.getTime() + 31 * DAY) },
      ),
      ['validity-beyond-issuer'],
    ],
    [
      'S5 too little left',
      issuedBy({ notAfter: new Date(NOW.getTime() + DAY) }),
      ['validity-too-short'],
    ],
    [
      'A2 awaiting its certificate',
      issuedBy({ state: 'awaiting-certificate' }),
      ['issuer-not-active'],
    ],
    ['A2 retired', issuedBy({ state: 'retired' }), ['issuer-not-active']],
    ['A2 revoked', issuedBy({ state: 'revoked' }), ['issuer-not-active']],
    [
      'A2 revoked, even for a responder',
      issuedBy({ state: 'revoked' }, { profile: { ...stationProfile, kind: 'ocsp-responder' } }),
      ['issuer-not-active'],
    ],
    [
      'A2 expired',
      issuedBy({ notAfter: new Date(NOW.getTime() - 1000) }),
      ['validity-too-short', 'issuer-not-valid'],
    ],
    [
      'A2 not yet valid',
      issuedBy({ notBefore: new Date(NOW.getTime() + 1000) }),
      ['issuer-not-valid'],
    ],
    [
      'another authority than the profile names',
      issuedBy({ profile: 'mo-sub-ca' }),
      ['issuer-not-allowed'],
    ],
    [
      'a leaf that signs itself',
      { ...stationInput, issuer: 'self' },
      ['issuer-not-allowed', 'issuer-without-addresses'],
    ],
    [
      'a root under another authority',
      { ...rootInput, issuer: { ...issuerFacts, profile: 'root', pathLength: 5 } },
      ['issuer-not-allowed', 'path-length'],
    ],
    [
      'A1 a purpose that the issuer does not have',
      issuedBy({ extendedKeyUsage: { purposes: ['clientAuth'] } }),
      ['issuer-not-allowed'],
    ],
    [
      'A1 any purpose below an issuer with some',
      {
        ...subCaInput,
        issuer: {
          ...issuerFacts,
          profile: 'root',
          pathLength: 1,
          extendedKeyUsage: { purposes: ['clientAuth'] },
        },
      },
      ['issuer-not-allowed'],
    ],
    [
      'A1 path length used up',
      { ...subCaInput, issuer: { ...issuerFacts, profile: 'root', pathLength: 0 } },
      ['path-length'],
    ],
    [
      'A1 no path length below an issuer that has one',
      {
        ...subCaInput,
        profile: {
          ...subCaProfile,
          extensions: {
            ...subCaProfile.extensions,
            basicConstraints: { critical: true, ca: true },
          },
        },
      },
      ['path-length'],
    ],
    [
      'A1 outside the permitted names',
      {
        ...withExtensions(names(dns('a.example'))),
        issuer: { ...issuerFacts, nameConstraints: { permittedDns: ['example.com'] } },
      },
      ['name-constraint'],
    ],
    [
      'A1 a common name outside the permitted names',
      withRequest(
        { subject: nameOf('CN=bank.test'), extensions: asking(names(dns('a.example'))) },
        {
          profile: sanProfile({}),
          issuer: { ...issuerFacts, nameConstraints: { permittedDns: ['example'] } },
        },
      ),
      ['name-constraint'],
    ],
    [
      'A1 constraints that cannot be compared',
      issuedBy({ nameConstraints: { permittedOther: [{}] } }),
      ['name-constraint'],
    ],
    ['no addresses', { ...stationInput, issuer: withoutUrls }, ['issuer-without-addresses']],
  ])('%s', (_, input, codes) => {
    expect(codesOf(input)).toEqual(codes);
  });

  test('all of them at once', () => {
    const input: PolicyInput = {
      ...withRequest({
        subject: nameOf('CN=DE-ABC-2'),
        publicKey: generateKey('Ed25519').publicKey,
        extensions: [...asking(usage('keyCertSign')), rawExtension('nameConstraints', '3000')],
      }),
      issuer: { ...issuerFacts, state: 'revoked' },
      notAfter: new Date('2040-01-01T00:00:00Z'),
    };
    expect(codesOf(input)).toEqual([
      'key-type',
      'subject-attribute-mismatch',
      'extension-mismatch',
      'extension-forbidden',
      'validity-beyond-issuer',
      'validity-too-long',
      'issuer-not-active',
    ]);
  });
});

describe('RFC 5280 4.2.1.6 alternative names', () => {
  const issuedNames = (
    rules: Partial<NonNullable<Profile['extensions']['subjectAltName']>>,
    cn: string,
    ...requested: readonly GeneralName[]
  ) =>
    templateOf(
      withRequest(
        {
          subject: nameOf(`CN=${cn}`),
          extensions: requested.length > 0 ? asking(names(...requested)) : [],
        },
        { profile: sanProfile(rules) },
      ),
    ).extensions.subjectAltName?.names;

  test('in normal form, each once, in the order of the request', () => {
    const asked = [dns('B.example'), ip('2001:DB8::1'), dns('a.example'), dns('b.EXAMPLE')];
    expect(issuedNames({}, 'A.example', ...asked)).toEqual([
      dns('b.example'),
      ip('2001:db8::1'),
      dns('a.example'),
    ]);
  });

  test('wildcards and URIs where the profile allows them', () => {
    const rules = { wildcards: true, kinds: ['dns', 'uri'], includeCommonName: false } as const;
    const uri: GeneralName = { kind: 'uri', value: 'urn:uuid:1' };
    expect(issuedNames(rules, 'x', dns('*.example.com'), uri)).toEqual([dns('*.example.com'), uri]);
  });

  test.each<[string, string, readonly GeneralName[], readonly GeneralName[]]>([
    ['no names: the common name', 'CSMS.example', [], [dns('csms.example')]],
    [
      'no DNS name: the common name too',
      'csms.example',
      [ip('192.0.2.1')],
      [ip('192.0.2.1'), dns('csms.example')],
    ],
    [
      'C6 another DNS name: the common name too',
      'CSMS.example',
      [dns('a.example')],
      [dns('a.example'), dns('csms.example')],
    ],
    ['the common name: not twice', 'CSMS.example', [dns('csms.example')], [dns('csms.example')]],
    ['an address as common name', '192.0.2.1', [], [ip('192.0.2.1')]],
  ])('%s', (_, cn, requested, expected) => {
    expect(issuedNames({}, cn, ...requested)).toEqual(expected);
  });

  test.each([
    'https://a.example',
    'https://A.Example:8443/x?y@z#w:/[]',
    'wss://user:secret@a.example/ocpp',
    'https://[2001:DB8:0::1]:443/',
    'https://192.0.2.1?x',
    'https://a.example:/',
  ])('a URI at a registered host: %s', (value) => {
    const input = withExtensions(names({ kind: 'uri', value }), uriProfile);
    expect(codesOf({ ...input, hosts: ['a.EXAMPLE', '2001:db8::1', '192.0.2.1'] })).toEqual([]);
  });

  test('names among the registered hosts, in any spelling', () => {
    const input = withExtensions(names(dns('A.example'), ip('2001:db8::1')));
    expect(codesOf({ ...input, hosts: ['a.EXAMPLE', '2001:DB8:0::1'] })).toEqual([]);
  });
});
