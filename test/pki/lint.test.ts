import { describe, expect, test } from 'vitest';
import { buildTbs } from '../../src/pki/build-certificate.ts';
import { DerReader } from '../../src/pki/der.ts';
import { tags } from '../../src/pki/der-element.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  generalizedTime,
  ia5String,
  integer,
  nullValue,
  octetString,
  oid,
  printableString,
  sequence,
  set,
  time,
  utf8String,
} from '../../src/pki/der-writer.ts';
import { keyIdentifier } from '../../src/pki/key-identifier.ts';
import type { LintContext } from '../../src/pki/lint/rule.ts';
import { lintRules } from '../../src/pki/lint/rules.ts';
import { lintTbs, strictDer } from '../../src/pki/lint.ts';
import { writeName } from '../../src/pki/names.ts';
import { algorithms, attributeTypes, extensions as oids } from '../../src/pki/oids.ts';
import { decide, type PolicyInput } from '../../src/pki/policy.ts';
import type { Profile } from '../../src/pki/profile.ts';
import type { CertificateTemplate, ExtensionSet } from '../../src/pki/template.ts';
import { generateKey } from '../support/issuing.ts';
import {
  issuerFacts,
  nameOf,
  rootProfile,
  stationInput,
  stationProfile,
  subCaProfile,
} from '../support/policy.ts';

/** A certificate without fault, what lint is told about it, and a way to spoil both. */
interface Sample {
  readonly template: CertificateTemplate;
  readonly context: LintContext;
}

function sampleOf(input: PolicyInput): Sample {
  const decision = decide(input);
  if (!decision.ok) throw new Error(JSON.stringify(decision.violations));
  const issuer = input.issuer === 'self' ? 'self' : lintIssuerOf(input.issuer);
  return {
    template: decision.value,
    context: { profile: input.profile, issuer, issuerKeyAlgorithm: 'P-256' },
  };
}

const lintIssuerOf = (facts: typeof issuerFacts) => ({
  subjectDer: facts.subjectDer,
  keyIdentifier: facts.keyIdentifier,
  notBefore: facts.notBefore,
  notAfter: facts.notAfter,
  ...(facts.pathLength === undefined ? {} : { pathLength: facts.pathLength }),
});

function withContext(sample: Sample, changes: Partial<LintContext>): Sample {
  return { ...sample, context: { ...sample.context, ...changes } };
}

const leaf = sampleOf(stationInput);
const subCa = sampleOf({
  ...stationInput,
  profile: subCaProfile,
  issuer: { ...issuerFacts, profile: 'root', pathLength: 1 },
  facts: { 'authority.name': 'CPO Sub-CA 3' },
});
const root = sampleOf({
  ...stationInput,
  profile: rootProfile,
  issuer: 'self',
  facts: { 'authority.name': 'V2G Root' },
});

const crossProfile: Profile = {
  ...subCaProfile,
  name: 'cross',
  kind: 'cross-ca',
  subject: subCaProfile.subject.map((rule) =>
    rule.attribute === 'CN' ? { ...rule, source: { from: 'request', form: 'common-name' } } : rule,
  ),
};
const otherRootName = nameOf('DC=V2G', 'OU=PKI', 'CN=Other Root');
const otherRoot = {
  subject: otherRootName,
  subjectDer: writeName(otherRootName),
  spki: stationInput.request.publicKey.spki,
  keyIdentifier: new Uint8Array(20).fill(7),
  sha256: '',
};
const cross = withContext(
  sampleOf({
    ...stationInput,
    profile: crossProfile,
    issuer: { ...issuerFacts, profile: 'root', pathLength: 1 },
    certified: otherRoot,
  }),
  { certified: otherRoot },
);

const withTemplate = (sample: Sample, changes: Partial<CertificateTemplate>): Sample => ({
  ...sample,
  template: { ...sample.template, ...changes },
});

/** Extensions replaced; `undefined` takes one away. */
const withSet = (
  sample: Sample,
  changes: { readonly [name in keyof ExtensionSet]?: ExtensionSet[name] | undefined },
): Sample => {
  const merged = Object.entries({ ...sample.template.extensions, ...changes });
  const extensions = Object.fromEntries(merged.filter(([, value]) => value !== undefined));
  return withTemplate(sample, { extensions });
};

const withProfile = (sample: Sample, changes: Partial<Profile>): Sample =>
  withContext(sample, { profile: { ...sample.context.profile, ...changes } });

const withProfileExtensions = (sample: Sample, changes: Partial<Profile['extensions']>): Sample =>
  withProfile(sample, { extensions: { ...sample.context.profile.extensions, ...changes } });

/** The fields of a TBSCertificate in their order, for surgery. */
type Field =
  | 'version'
  | 'serial'
  | 'algorithm'
  | 'issuer'
  | 'validity'
  | 'subject'
  | 'spki'
  | 'ids'
  | 'extensions';
const order: readonly Field[] = [
  'version',
  'serial',
  'algorithm',
  'issuer',
  'validity',
  'subject',
  'spki',
  'ids',
  'extensions',
];

function operate(
  sample: Sample,
  changes: Partial<Record<Field, Uint8Array | undefined>>,
): Uint8Array {
  const reader = DerReader.over(buildTbs(sample.template), 4096).sequence();
  const parts: Partial<Record<Field, Uint8Array | undefined>> = {};
  for (const field of order) if (field !== 'ids') parts[field] = reader.read().raw;
  const operated = { ...parts, ...changes };
  return sequence(...order.flatMap((field) => operated[field] ?? []));
}

/** Another extension after those that the builder wrote. */
function withRawExtension(sample: Sample, dotted: string, value: Uint8Array, critical = false) {
  const reader = DerReader.over(buildTbs(sample.template), 4096).sequence();
  while (!reader.has(0xa3)) reader.read();
  const list = reader.enter(0xa3).read().content;
  const added = critical
    ? sequence(oid(dotted), boolean(true), octetString(value))
    : sequence(oid(dotted), octetString(value));
  return operate(sample, { extensions: explicit(3, element(tags.sequence, list, added)) });
}

const rdn = (type: keyof typeof attributeTypes, value: Uint8Array) =>
  set(sequence(oid(attributeTypes[type]), value));

const dns = (...values: readonly string[]): ExtensionSet => ({
  subjectAltName: { critical: false, names: values.map((value) => ({ kind: 'dns', value })) },
});
const purposes = (...list: readonly string[]) => ({
  extendedKeyUsage: { critical: false, purposes: list },
});
const p384 = generateKey('P-384');
const otherKey = generateKey();
const subjectOf = (...attributes: readonly string[]) =>
  withTemplate(leaf, { subject: nameOf(...attributes) });

interface Case {
  /** The rule that is broken. */
  readonly rule: string;
  readonly how: string;
  readonly broken: Sample;
  /** The bytes if the builder would not make them. */
  readonly tbs?: Uint8Array;
  /** Rules that cannot but be broken along with it. */
  readonly also?: readonly string[];
}

const cases: readonly Case[] = [
  {
    rule: 'strict-der',
    how: 'RFC 5280 4.1.2.5 a fraction of a second',
    broken: leaf,
    tbs: operate(leaf, {
      validity: sequence(
        element(tags.generalizedTime, Buffer.from('20260301110000.5Z')),
        time(new Date('2026-05-01T00:00:00Z')),
      ),
    }),
  },
  {
    rule: 'strict-der',
    how: 'RFC 5280 4.1.2.5 GeneralizedTime before 2050',
    broken: leaf,
    tbs: operate(leaf, {
      validity: sequence(
        generalizedTime(new Date('2026-03-01T11:00:00Z')),
        time(new Date('2026-05-01T00:00:00Z')),
      ),
    }),
  },
  {
    rule: 'strict-der',
    how: 'bytes after the end',
    broken: leaf,
    tbs: Buffer.concat([buildTbs(leaf.template), nullValue()]),
  },
  {
    rule: 'strict-der',
    how: 'RFC 5280 4.2 an extension twice',
    broken: leaf,
    tbs: withRawExtension(leaf, oids.subjectKeyIdentifier, octetString(new Uint8Array(8))),
  },
  {
    rule: 'strict-der',
    how: 'RFC 5280 4.2.1.6 an address of 5 octets',
    broken: leaf,
    tbs: withRawExtension(leaf, oids.subjectAltName, sequence(element(0x87, new Uint8Array(5)))),
  },
  {
    rule: 'version-3',
    how: 'v2',
    broken: leaf,
    tbs: operate(leaf, { version: explicit(0, integer(1)), extensions: undefined }),
    also: ['aki-present', 'extensions-of-profile'],
  },
  {
    rule: 'serial-positive',
    how: 'zero',
    broken: leaf,
    tbs: operate(leaf, { serial: integer(0) }),
    also: ['serial-at-least-64-bits'],
  },
  {
    rule: 'serial-positive',
    how: 'negative',
    broken: leaf,
    tbs: operate(leaf, { serial: element(tags.integer, new Uint8Array(16).fill(0x91)) }),
  },
  {
    rule: 'serial-at-most-20-octets',
    how: '21 octets',
    broken: leaf,
    tbs: operate(leaf, { serial: element(tags.integer, new Uint8Array(21).fill(0x11)) }),
  },
  {
    rule: 'serial-at-least-64-bits',
    how: 'S1 7 octets',
    broken: withTemplate(leaf, { serialNumber: new Uint8Array(7).fill(0x11) }),
  },
  {
    rule: 'serial-at-least-64-bits',
    how: 'S1 8 octets, of whose bits the first is the sign',
    broken: withTemplate(leaf, { serialNumber: new Uint8Array(8).fill(0x7f) }),
  },
  {
    rule: 'signature-algorithm-of-issuer',
    how: 'of another curve',
    broken: withTemplate(leaf, { signatureAlgorithm: 'ecdsa-with-SHA384' }),
  },
  {
    rule: 'signature-algorithm-parameters',
    how: 'S6 ECDSA with NULL',
    broken: leaf,
    tbs: operate(leaf, { algorithm: sequence(oid(algorithms.ecdsaWithSha256), nullValue()) }),
  },
  {
    rule: 'signature-algorithm-parameters',
    how: 'S6 RSA without NULL',
    broken: withProfile(withContext(leaf, { issuerKeyAlgorithm: 'RSA-2048' }), {
      maximumSize: 4096,
    }),
    tbs: operate(leaf, { algorithm: sequence(oid(algorithms.sha256WithRsaEncryption)) }),
  },
  {
    rule: 'issuer-name',
    how: 'another string type',
    broken: withTemplate(leaf, {
      issuerName: sequence(
        rdn('CN', printableString('CPO Sub-CA 2')),
        rdn('O', utf8String('Example')),
        rdn('DC', ia5String('V2G')),
      ),
    }),
  },
  {
    rule: 'issuer-not-empty',
    how: 'RFC 5280 4.1.2.4 empty, as in the issuer',
    broken: withContext(withTemplate(leaf, { issuerName: sequence() }), {
      issuer: { ...lintIssuerOf(issuerFacts), subjectDer: sequence() },
    }),
  },
  {
    rule: 'self-signed-root',
    how: 'a key of another type than the one that signs',
    broken: withProfile(
      withTemplate(root, {
        spki: p384.publicKey.spki,
        extensions: {
          ...root.template.extensions,
          subjectKeyIdentifier: { critical: false, value: keyIdentifier(p384.publicKey, 8) },
        },
      }),
      { keys: ['P-384'] },
    ),
  },
  {
    rule: 'self-signed-root',
    how: 'a root of another issuer',
    broken: withContext(
      withTemplate(root, {
        issuerName: issuerFacts.subjectDer,
        extensions: { ...root.template.extensions },
      }),
      { issuer: { ...lintIssuerOf(issuerFacts), pathLength: 5 } },
    ),
    also: ['aki-present', 'path-length-within-issuer'],
  },
  {
    rule: 'subject-not-issuer',
    how: 'a leaf',
    broken: withContext(withTemplate(leaf, { issuerName: writeName(leaf.template.subject) }), {
      issuer: { ...lintIssuerOf(issuerFacts), subjectDer: writeName(leaf.template.subject) },
    }),
  },
  {
    rule: 'validity-order',
    how: 'an end before the start',
    broken: leaf,
    tbs: operate(leaf, {
      validity: sequence(
        time(new Date('2026-05-01T00:00:00Z')),
        time(new Date('2026-04-01T00:00:00Z')),
      ),
    }),
  },
  {
    rule: 'validity-within-issuer',
    how: 'S5 a second later',
    broken: withContext(leaf, {
      issuer: {
        ...lintIssuerOf(issuerFacts),
        notAfter: new Date(leaf.template.notAfter.getTime() - 1000),
      },
    }),
  },
  {
    rule: 'validity-within-issuer',
    how: 'S5 a second earlier',
    broken: withContext(leaf, {
      issuer: {
        ...lintIssuerOf(issuerFacts),
        notBefore: new Date(leaf.template.notBefore.getTime() + 1000),
      },
    }),
  },
  {
    rule: 'validity-within-profile',
    how: 'S5 a second too long, both ends counted',
    broken: withTemplate(leaf, {
      notAfter: new Date(leaf.template.notBefore.getTime() + stationProfile.validity.maximum),
    }),
  },
  {
    rule: 'no-unique-ids',
    how: 'a subjectUniqueID',
    broken: leaf,
    tbs: operate(leaf, { ids: element(0x82, new Uint8Array([0, 1])) }),
  },
  {
    rule: 'public-key-encoding',
    how: 'a compressed point',
    broken: leaf,
    tbs: operate(leaf, {
      spki: sequence(
        sequence(oid(algorithms.ecPublicKey), oid('1.2.840.10045.3.1.7')),
        bitString(Buffer.from(`02${'11'.repeat(32)}`, 'hex')),
      ),
    }),
  },
  {
    rule: 'public-key-of-profile',
    how: 'P-256 under a profile for P-384',
    broken: withProfile(leaf, { keys: ['P-384'] }),
  },
  {
    rule: 'subject-strict-name',
    how: 'RFC 5280 4.1.2.6 TeletexString',
    broken: leaf,
    tbs: operate(leaf, {
      subject: sequence(
        rdn('CN', element(tags.teletexString, Buffer.from('DE-ABC-1'))),
        rdn('O', utf8String('Example Charging')),
        rdn('C', printableString('DE')),
        rdn('DC', ia5String('CPO')),
      ),
    }),
  },
  {
    rule: 'subject-strict-name',
    how: 'two attributes in an RDN',
    broken: leaf,
    tbs: operate(leaf, {
      subject: sequence(
        rdn('CN', utf8String('DE-ABC-1')),
        set(
          sequence(oid(attributeTypes.C), printableString('DE')),
          sequence(oid(attributeTypes.O), utf8String('Example Charging')),
        ),
        rdn('DC', ia5String('CPO')),
      ),
    }),
    also: ['subject-attributes'],
  },
  {
    rule: 'subject-strict-name',
    how: 'C as UTF8String',
    broken: leaf,
    tbs: operate(leaf, {
      subject: sequence(
        rdn('CN', utf8String('DE-ABC-1')),
        rdn('O', utf8String('Example Charging')),
        rdn('C', utf8String('DE')),
        rdn('DC', ia5String('CPO')),
      ),
    }),
  },
  {
    rule: 'subject-strict-name',
    how: 'a zero-width space',
    broken: leaf,
    tbs: operate(leaf, {
      subject: sequence(
        rdn('CN', utf8String('DE-ABC-1')),
        rdn('O', utf8String('Ex\u200bample')),
        rdn('C', printableString('DE')),
        rdn('DC', ia5String('CPO')),
      ),
    }),
    also: ['subject-normal-values'],
  },
  {
    rule: 'subject-attributes',
    how: 'another order',
    broken: subjectOf('O=Example Charging', 'CN=DE-ABC-1', 'C=DE', 'DC=CPO'),
  },
  {
    rule: 'subject-attributes',
    how: 'one too many',
    broken: subjectOf('CN=DE-ABC-1', 'O=Example Charging', 'OU=x', 'DC=CPO'),
  },
  { rule: 'subject-attributes', how: 'one missing', broken: subjectOf('CN=DE-ABC-1', 'DC=CPO') },
  {
    rule: 'subject-fixed-values',
    how: 'a fixed unit',
    broken: withProfile(subjectOf('CN=DE-ABC-1', 'OU=Other', 'DC=CPO'), {
      subject: [
        ...stationProfile.subject.slice(0, 1),
        { attribute: 'OU', source: { from: 'fixed', value: 'Unit' }, optional: false },
        ...stationProfile.subject.slice(3),
      ],
    }),
  },
  {
    rule: 'subject-normal-values',
    how: 'not in its form',
    broken: subjectOf('CN=DE ABC', 'O=Example Charging', 'DC=CPO'),
  },
  {
    rule: 'subject-or-critical-names',
    how: 'RFC 5280 4.2.1.6 empty without names',
    broken: withProfile(withTemplate(leaf, { subject: nameOf() }), {
      subject: [],
      kind: 'station',
    }),
  },
  {
    rule: 'dc-is-domain-or-waived',
    how: 'a single label that is no branch',
    broken: withProfile(subjectOf('CN=DE-ABC-1', 'O=Example Charging', 'DC=ACME'), {
      kind: 'station',
      subject: [
        ...stationProfile.subject.slice(0, 3),
        { attribute: 'DC', source: { from: 'fixed', value: 'ACME' }, optional: false },
      ],
    }),
  },
  {
    rule: 'dc-of-kind',
    how: 'V2G2-925 the branch of another',
    broken: withProfile(subjectOf('CN=DE-ABC-1', 'O=Example Charging', 'DC=MO'), {
      subject: [
        ...stationProfile.subject.slice(0, 3),
        { attribute: 'DC', source: { from: 'fixed', value: 'MO' }, optional: false },
      ],
    }),
  },
  {
    rule: 'dc-of-kind',
    how: 'V2G2-925 no mark',
    broken: withProfile(subjectOf('CN=DE-ABC-1', 'O=Example Charging'), {
      subject: stationProfile.subject.slice(0, 3),
    }),
  },
  {
    rule: 'dc-of-kind',
    how: 'V2G2-925 no mark, however the profile writes its standard',
    broken: withProfile(subjectOf('CN=DE-ABC-1', 'O=Example Charging'), {
      standard: 'ISO15118-2',
      subject: stationProfile.subject.slice(0, 3),
    }),
  },
  {
    rule: 'extensions-unique',
    how: 'an unknown one twice',
    broken: leaf,
    tbs: (() => {
      const twice = sequence(oid('1.2.3'), octetString(nullValue()));
      return operate(leaf, {
        extensions: explicit(3, sequence(...extensionsOf(leaf), twice, twice)),
      });
    })(),
    also: ['extensions-known'],
  },
  {
    rule: 'extensions-known',
    how: 'freshestCRL',
    broken: leaf,
    tbs: withRawExtension(leaf, oids.freshestCrl, sequence()),
  },
  {
    rule: 'extensions-nothing-unread',
    how: 'RFC 5280 4.2.1.4 a policy with a qualifier',
    broken: withProfileExtensions(leaf, {
      certificatePolicies: { critical: false, policies: ['1.2.3'] },
    }),
    tbs: withRawExtension(
      leaf,
      oids.certificatePolicies,
      sequence(
        sequence(oid('1.2.3'), sequence(sequence(oid('1.3.6.1.5.5.7.2.1'), ia5String('http://x')))),
      ),
    ),
  },
  {
    rule: 'extensions-nothing-unread',
    how: 'C4 an authority key identifier with more than the identifier',
    broken: withSet(leaf, { authorityKeyIdentifier: undefined }),
    tbs: withRawExtension(
      withSet(leaf, { authorityKeyIdentifier: undefined }),
      oids.authorityKeyIdentifier,
      sequence(
        element(0x80, issuerFacts.keyIdentifier),
        element(0xa1, element(0x82, Buffer.from('x'))),
        element(0x82, new Uint8Array([1])),
      ),
    ),
  },
  {
    rule: 'aki-present',
    how: 'absent, as in the profile',
    broken: (() => {
      const { authorityKeyIdentifier: _, ...extensions } = stationProfile.extensions;
      return withProfile(withSet(leaf, { authorityKeyIdentifier: undefined }), { extensions });
    })(),
  },
  {
    rule: 'aki-of-issuer',
    how: 'RFC 5280 4.2.1.1 of another key',
    broken: withSet(leaf, {
      authorityKeyIdentifier: { critical: false, value: new Uint8Array(8).fill(1) },
    }),
  },
  {
    rule: 'ski-in-ca',
    how: 'absent, as in the profile',
    broken: (() => {
      const { subjectKeyIdentifier: _, ...extensions } = subCaProfile.extensions;
      return withProfile(withSet(subCa, { subjectKeyIdentifier: undefined }), { extensions });
    })(),
  },
  {
    rule: 'ski-of-key',
    how: 'RFC 5280 4.2.1.2 of another key',
    broken: withSet(leaf, {
      subjectKeyIdentifier: { critical: false, value: keyIdentifier(otherKey.publicKey, 8) },
    }),
  },
  ...(
    [
      ['another key', { spki: otherKey.publicKey.spki }],
      ['another name', { subjectDer: writeName(nameOf('DC=V2G', 'CN=Other Root')) }],
      ['another key identifier', { keyIdentifier: new Uint8Array(20).fill(8) }],
    ] as const
  ).map(([how, changes]) => ({
    rule: 'cross-as-certified',
    how: `the other root has ${how}`,
    broken: withContext(cross, { certified: { ...otherRoot, ...changes } }),
  })),
  {
    rule: 'cross-as-certified',
    how: 'nobody is cross-certified',
    broken: withContext(subCa, {
      certified: {
        ...{ subjectDer: writeName(subCa.template.subject), spki: subCa.template.spki },
        keyIdentifier: subCa.template.extensions.subjectKeyIdentifier?.value ?? new Uint8Array(),
      },
    }),
  },
  {
    rule: 'subject-attributes',
    how: 'another root without a common name',
    broken: (() => {
      const subjectDer = writeName(nameOf('DC=V2G', 'OU=PKI'));
      const certified = { ...otherRoot, subjectDer };
      return withContext(withTemplate(cross, { subjectDer }), { certified });
    })(),
  },
  {
    rule: 'information-not-critical',
    how: 'as in the profile',
    broken: withProfileExtensions(
      withSet(leaf, { subjectKeyIdentifier: { critical: true, value: keyIdentifierOf(leaf) } }),
      { subjectKeyIdentifier: { critical: true, octets: 8 } },
    ),
  },
  {
    rule: 'key-usage-in-ca',
    how: 'without keyCertSign, as in the profile',
    broken: withProfileExtensions(
      withSet(subCa, { keyUsage: { critical: true, usages: ['cRLSign'] } }),
      { keyUsage: { critical: true, usages: ['cRLSign'] } },
    ),
  },
  {
    rule: 'cert-sign-only-in-ca',
    how: 'in a leaf, as in the profile',
    broken: withProfileExtensions(
      withSet(leaf, { keyUsage: { critical: true, usages: ['keyCertSign'] } }),
      { keyUsage: { critical: true, usages: ['keyCertSign'] } },
    ),
  },
  {
    rule: 'key-agreement-direction',
    how: 'encipherOnly alone',
    broken: withProfileExtensions(
      withSet(leaf, { keyUsage: { critical: true, usages: ['encipherOnly'] } }),
      { keyUsage: { critical: true, usages: ['encipherOnly'] } },
    ),
  },
  {
    rule: 'basic-constraints-critical-in-ca',
    how: 'as in the profile',
    broken: withProfileExtensions(
      withSet(subCa, { basicConstraints: { critical: false, ca: true, pathLength: 0 } }),
      { basicConstraints: { critical: false, ca: true, pathLength: 0 } },
    ),
  },
  {
    rule: 'path-length-only-in-ca',
    how: 'in a leaf',
    broken: withProfileExtensions(withSet(leaf, { basicConstraints: undefined }), {
      basicConstraints: { critical: true, ca: false, pathLength: 0 },
    }),
    tbs: withRawExtension(
      withSet(leaf, { basicConstraints: undefined }),
      oids.basicConstraints,
      sequence(integer(0)),
      true,
    ),
    also: ['extensions-nothing-unread'],
  },
  {
    rule: 'path-length-within-issuer',
    how: 'A1 as long as that of the issuer',
    broken: withContext(subCa, { issuer: { ...lintIssuerOf(issuerFacts), pathLength: 0 } }),
  },
  {
    rule: 'purposes-definite',
    how: 'as in the profile',
    broken: withProfileExtensions(
      withSet(leaf, purposes('anyExtendedKeyUsage')),
      purposes('anyExtendedKeyUsage'),
    ),
  },
  {
    rule: 'ocsp-signing-only-in-responder',
    how: 'O3 in another leaf, as in the profile',
    broken: withProfileExtensions(withSet(leaf, purposes('OCSPSigning')), purposes('OCSPSigning')),
  },
  {
    rule: 'ocsp-signing-only-in-responder',
    how: 'O3 a responder with a second purpose',
    broken: withProfile(withSet(leaf, purposes('OCSPSigning', 'serverAuth')), {
      kind: 'ocsp-responder',
      extensions: { ...stationProfile.extensions, ...purposes('OCSPSigning', 'serverAuth') },
    }),
  },
  {
    rule: 'ocsp-signing-only-in-responder',
    how: 'O3 nocheck in another leaf',
    broken: withProfileExtensions(withSet(leaf, { ocspNoCheck: { critical: false } }), {
      ocspNoCheck: { critical: false },
    }),
  },
  {
    rule: 'alternative-names',
    how: 'C6 a name in upper case',
    broken: withSet(leaf, dns('A.example')),
  },
  {
    rule: 'alternative-names',
    how: 'C6 not a host name',
    broken: withSet(leaf, dns('a_b.example')),
  },
  {
    rule: 'alternative-names',
    how: 'C6 a directory name',
    broken: leaf,
    tbs: withRawExtension(
      leaf,
      oids.subjectAltName,
      sequence(element(0xa4, writeName(nameOf('CN=x')))),
    ),
    also: ['extensions-nothing-unread'],
  },
  {
    rule: 'name-constraints-in-ca',
    how: 'RFC 5280 4.2.1.10 in a leaf',
    broken: withSet(leaf, { nameConstraints: { critical: true, permittedDns: ['x'] } }),
    also: ['extensions-of-profile'],
  },
  {
    rule: 'name-constraints-in-ca',
    how: 'RFC 5280 4.2.1.10 not critical',
    broken: withSet(subCa, { nameConstraints: { critical: false, permittedDns: ['x'] } }),
    also: ['extensions-of-profile'],
  },
  {
    rule: 'http-addresses',
    how: 'RFC 5280 4.2.2.1 https',
    broken: withSet(leaf, { authorityInfoAccess: undefined }),
    tbs: withRawExtension(
      withSet(leaf, { authorityInfoAccess: undefined }),
      oids.authorityInfoAccess,
      sequence(
        ...['1.3.6.1.5.5.7.48.1', '1.3.6.1.5.5.7.48.2'].map((method) =>
          sequence(oid(method), element(0x86, Buffer.from('https://pki.example/'))),
        ),
      ),
    ),
    also: ['extensions-nothing-unread'],
  },
  {
    rule: 'crl-for-all-reasons',
    how: 'for some reasons',
    broken: withSet(leaf, { crlDistributionPoints: undefined }),
    tbs: withRawExtension(
      withSet(leaf, { crlDistributionPoints: undefined }),
      oids.crlDistributionPoints,
      sequence(
        sequence(
          element(0xa0, element(0xa0, element(0x86, Buffer.from('http://x')))),
          element(0x81, new Uint8Array([1, 2])),
        ),
      ),
    ),
    also: ['extensions-nothing-unread'],
  },
  {
    rule: 'ca-of-kind',
    how: 'A1 a leaf that is an authority, as in the profile',
    broken: withProfileExtensions(
      withSet(leaf, {
        basicConstraints: { critical: true, ca: true },
        keyUsage: { critical: true, usages: ['keyCertSign'] },
      }),
      {
        basicConstraints: { critical: true, ca: true },
        keyUsage: { critical: true, usages: ['keyCertSign'] },
      },
    ),
    also: ['path-length-within-issuer'],
  },
  {
    rule: 'extensions-of-profile',
    how: 'C4 one too many',
    broken: withSet(leaf, { certificatePolicies: { critical: false, policies: ['1.2.3'] } }),
  },
  {
    rule: 'extensions-of-profile',
    how: 'one missing',
    broken: withSet(leaf, { extendedKeyUsage: undefined }),
  },
  {
    rule: 'extensions-of-profile',
    how: 'required names missing',
    broken: withProfileExtensions(leaf, {
      subjectAltName: {
        critical: false,
        kinds: ['dns'],
        required: true,
        wildcards: false,
        includeCommonName: false,
      },
    }),
  },
  {
    rule: 'criticality-of-profile',
    how: 'critical',
    broken: withSet(leaf, { extendedKeyUsage: { critical: true, purposes: ['serverAuth'] } }),
  },
  {
    rule: 'criticality-of-profile',
    how: 'not critical',
    broken: withSet(leaf, {
      keyUsage: { critical: false, usages: ['digitalSignature', 'keyAgreement'] },
    }),
  },
  {
    rule: 'basic-constraints-of-profile',
    how: 'another path length',
    broken: withContext(
      withSet(subCa, { basicConstraints: { critical: true, ca: true, pathLength: 1 } }),
      { issuer: { ...lintIssuerOf(issuerFacts), pathLength: 2 } },
    ),
  },
  {
    rule: 'key-usage-of-profile',
    how: 'C4 one more',
    broken: withSet(leaf, {
      keyUsage: { critical: true, usages: ['digitalSignature', 'nonRepudiation', 'keyAgreement'] },
    }),
  },
  {
    rule: 'key-usage-of-profile',
    how: 'one less',
    broken: withSet(leaf, { keyUsage: { critical: true, usages: ['digitalSignature'] } }),
  },
  {
    rule: 'purposes-of-profile',
    how: 'C4 one more',
    broken: withSet(leaf, purposes('serverAuth', 'clientAuth')),
  },
  {
    rule: 'policies-of-profile',
    how: 'another',
    broken: withProfileExtensions(
      withSet(leaf, { certificatePolicies: { critical: false, policies: ['1.2.3'] } }),
      { certificatePolicies: { critical: false, policies: ['1.2.4'] } },
    ),
  },
  {
    rule: 'ski-length-of-profile',
    how: '20 octets instead of 8',
    broken: withSet(leaf, {
      subjectKeyIdentifier: {
        critical: false,
        value: keyIdentifier(stationInput.request.publicKey, 20),
      },
    }),
  },
  {
    rule: 'alternative-names-of-profile',
    how: 'C6 another kind',
    broken: withSet(leaf, {
      subjectAltName: { critical: false, names: [{ kind: 'uri', value: 'urn:x' }] },
    }),
  },
  {
    rule: 'alternative-names-of-profile',
    how: 'C6 a wildcard',
    broken: withSet(leaf, dns('*.example.com')),
  },
  {
    rule: 'access-of-profile',
    how: 'no responder',
    broken: withSet(leaf, {
      authorityInfoAccess: {
        critical: false,
        ocsp: [],
        caIssuers: ['http://pki.example/ca/1.cer'],
      },
    }),
  },
  {
    rule: 'maximum-size',
    how: 'V2G2-010 larger than 800 bytes',
    broken: withSet(
      leaf,
      dns(
        'a'.repeat(60).concat('.example'),
        'b'.repeat(60).concat('.example'),
        'c'.repeat(60).concat('.example'),
      ),
    ),
  },
];

function keyIdentifierOf(sample: Sample): Uint8Array {
  return sample.template.extensions.subjectKeyIdentifier?.value ?? new Uint8Array();
}

/** The extensions of a sample, each as DER. */
function extensionsOf(sample: Sample): readonly Uint8Array[] {
  const reader = DerReader.over(buildTbs(sample.template), 4096).sequence();
  while (!reader.has(0xa3)) reader.read();
  const list = reader.enter(0xa3).sequence();
  const found: Uint8Array[] = [];
  while (!list.atEnd) found.push(list.read().raw);
  return found;
}

const findingsOf = (tbs: Uint8Array, context: LintContext) =>
  lintTbs(tbs, context).map(({ rule }) => rule);

describe('lint', () => {
  test.each<[string, Sample]>([
    ['a leaf', leaf],
    ['a subordinate authority', subCa],
    ['a root', root],
    ['a leaf with names', withSet(leaf, dns('a.example'))],
    [
      'a critical key identifier under ISO 15118-20 Annex B, waived',
      withProfile(
        withProfileExtensions(
          withSet(leaf, { subjectKeyIdentifier: { critical: true, value: keyIdentifierOf(leaf) } }),
          { subjectKeyIdentifier: { critical: true, octets: 8 } },
        ),
        { standard: 'ISO 15118-20 Annex B' },
      ),
    ],
    [
      'a responder',
      withProfile(withSet(leaf, { ...purposes('OCSPSigning'), ocspNoCheck: { critical: false } }), {
        kind: 'ocsp-responder',
        extensions: {
          ...stationProfile.extensions,
          ...purposes('OCSPSigning'),
          ocspNoCheck: { critical: false },
        },
      }),
    ],
    ['a cross-certificate', cross],
  ])('finds nothing in %s', (_, { template, context }) => {
    expect(lintTbs(buildTbs(template), context)).toEqual([]);
  });

  test('a cross-certificate is held against its own root, also when one like it was linted', () => {
    // What is frozen is remembered (see lint/recurring.ts).
    const context = { ...cross.context, profile: Object.freeze({ ...crossProfile }) };
    const tbs = buildTbs(cross.template);
    expect(lintTbs(tbs, context)).toEqual([]);
    expect(lintTbs(tbs, context)).toEqual([]);
    const certified = { ...otherRoot, spki: otherKey.publicKey.spki };
    const findings = lintTbs(tbs, { ...context, certified });
    expect(findings.map(({ rule }) => rule)).toContain('cross-as-certified');
  });

  test.each(cases.map((one) => [one.rule, one.how, one] as const))(
    '%s: %s',
    (rule, _, { broken, tbs, also = [] }) => {
      const found = findingsOf(tbs ?? buildTbs(broken.template), broken.context);
      expect([...found].sort()).toEqual([rule, ...also].sort());
    },
  );

  test('every rule has a case that breaks it, and a clause', () => {
    const ids = [strictDer.id, ...lintRules.map(({ id }) => id)];
    expect(new Set(ids).size).toBe(ids.length);
    const broken = new Set(cases.map(({ rule }) => rule));
    expect(ids.filter((id) => !broken.has(id))).toEqual([]);
    expect(lintRules.filter(({ clause, what }) => clause === '' || what === '')).toEqual([]);
  });

  test('a finding names its rule, clause and severity', () => {
    const [finding] = lintTbs(buildTbs(leaf.template), withProfile(leaf, { keys: [] }).context);
    expect(finding).toEqual({
      rule: 'public-key-of-profile',
      clause: 'ISO 15118-2 [V2G2-007]',
      severity: 'error',
      message: 'The profile does not allow keys of P-256.',
    });
  });
});
