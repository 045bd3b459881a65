/** Cases about fields and extensions of single certificates. */

import { nullValue, oid, sequence } from '../../src/pki/der-writer.ts';
import { extensions as oids } from '../../src/pki/oids.ts';
import type { Tolerance } from '../../src/pki/path/rules.ts';
import { algorithmIdentifier } from '../../src/pki/signature-algorithm.ts';
import { anchors, type PathCase, under } from './path-case.ts';
import {
  alternativeNames,
  authority,
  authorityKeyIdentifier,
  basicConstraints,
  certify,
  crlDistributionPoints,
  extendedKeyUsage,
  extension,
  general,
  keyOf,
  keyUsage,
  leaf,
  nameOf,
  ocspAccess,
  root,
  subjectKeyIdentifier,
} from './path-certificates.ts';

const sub = authority('Sub', 'Root');
const annexB: { readonly tolerated: readonly Tolerance[] } = {
  tolerated: ['critical-information'],
};
const withoutIdentifiers: { readonly tolerated: readonly Tolerance[] } = {
  tolerated: ['missing-key-identifiers'],
};
const unknown = (critical: boolean) => extension('1.2.3.4.5', nullValue(), critical);
const byRoot = (more: Parameters<typeof leaf>[1]) => ({ anchors, certificate: leaf('Root', more) });

const identifiers: readonly PathCase[] = [
  {
    id: 'aki/critical',
    about: 'RFC 5280 4.2.1.1 the authority key identifier is never critical',
    ...byRoot({ extensions: [authorityKeyIdentifier('Root', true)] }),
    problems: ['extension-criticality'],
  },
  {
    id: 'aki/critical-as-annex-b',
    about: 'ISO 15118-20 Annex B wants it critical, and the caller reads it so',
    ...byRoot({
      extensions: [
        authorityKeyIdentifier('Root', true),
        subjectKeyIdentifier('Leaf', true),
        ocspAccess(true),
        crlDistributionPoints(true),
      ],
    }),
    rules: annexB,
    problems: [],
  },
  {
    id: 'aki/missing',
    about: 'RFC 5280 4.2.1.1 all but roots have it',
    ...byRoot({ without: [oids.authorityKeyIdentifier] }),
    problems: ['key-identifier'],
  },
  {
    id: 'aki/missing-tolerated',
    about: 'it helps to find the issuer and proves nothing',
    ...byRoot({ without: [oids.authorityKeyIdentifier] }),
    rules: withoutIdentifiers,
    problems: [],
  },
  {
    id: 'aki/missing-in-anchor',
    about: 'who issued an anchor does not matter',
    anchors: [authority('Root', 'Other Root', { without: [oids.authorityKeyIdentifier] })],
    certificate: leaf('Root'),
    problems: [],
  },
  {
    id: 'ski/critical',
    about: 'RFC 5280 4.2.1.2 the subject key identifier is never critical',
    anchors: [root('Root', { extensions: [subjectKeyIdentifier('Root', true)] })],
    certificate: leaf('Root'),
    problems: ['extension-criticality'],
  },
  {
    id: 'ski/critical-as-annex-b',
    about: 'ISO 15118-20 Annex B, of an anchor',
    anchors: [root('Root', { extensions: [subjectKeyIdentifier('Root', true)] })],
    certificate: leaf('Root'),
    rules: annexB,
    problems: [],
  },
  {
    id: 'ski/missing-in-root',
    about: 'RFC 5280 4.2.1.2 every authority has one',
    anchors: [root('Root', { without: [oids.subjectKeyIdentifier] })],
    certificate: leaf('Root'),
    problems: ['key-identifier'],
  },
  {
    id: 'ski/missing-in-intermediate',
    about: 'RFC 5280 4.2.1.2 every authority has one',
    ...under(authority('Sub', 'Root', { without: [oids.subjectKeyIdentifier] })),
    problems: ['key-identifier'],
  },
];

const purposes: readonly PathCase[] = [
  {
    id: 'eku/wrong',
    about: 'RFC 5280 4.2.1.12 a leaf for another purpose',
    ...byRoot({ extensions: [extendedKeyUsage('clientAuth')] }),
    rules: { purpose: 'serverAuth' },
    problems: ['key-purpose'],
  },
  {
    id: 'eku/right',
    about: 'RFC 5280 4.2.1.12 one of its purposes',
    ...byRoot({ extensions: [extendedKeyUsage('clientAuth', 'serverAuth')] }),
    rules: { purpose: 'serverAuth' },
    problems: [],
  },
  {
    id: 'eku/none',
    about: 'RFC 5280 4.2.1.12 without the extension every purpose',
    ...byRoot({}),
    rules: { purpose: 'serverAuth' },
    problems: [],
  },
  {
    id: 'eku/any',
    about: 'RFC 5280 4.2.1.12 anyExtendedKeyUsage',
    ...byRoot({ extensions: [extendedKeyUsage('anyExtendedKeyUsage')] }),
    rules: { purpose: 'serverAuth' },
    problems: [],
  },
  {
    id: 'eku/not-asked',
    about: 'RFC 5280 6.1 knows purposes only where the caller has one',
    ...byRoot({ extensions: [extendedKeyUsage('clientAuth')] }),
    problems: [],
  },
  {
    id: 'eku/of-authority',
    about: 'an authority certifies for its purposes only',
    ...under(authority('Sub', 'Root', { extensions: [extendedKeyUsage('clientAuth')] })),
    rules: { purpose: 'serverAuth' },
    problems: ['key-purpose'],
  },
  {
    id: 'eku/ocsp-signing-of-root',
    about: 'ISO 15118-2 Annex F a root that may sign OCSP answers constrains nothing',
    anchors: [root('Root', { extensions: [extendedKeyUsage('OCSPSigning')] })],
    certificate: leaf('Root'),
    rules: { purpose: 'serverAuth' },
    problems: [],
  },
];

const serials: readonly PathCase[] = [
  {
    id: 'serial/zero',
    about: 'RFC 5280 4.1.2.2 positive',
    ...byRoot({ serial: new Uint8Array([0]) }),
    problems: ['serial-number'],
  },
  {
    id: 'serial/negative',
    about: 'RFC 5280 4.1.2.2 positive',
    ...byRoot({ serial: new Uint8Array([0x85]) }),
    problems: ['serial-number'],
  },
  {
    id: 'serial/twenty-octets',
    about: 'RFC 5280 4.1.2.2 twenty octets must be read',
    ...byRoot({ serial: new Uint8Array(20).fill(0x7f) }),
    problems: [],
  },
  {
    id: 'serial/twenty-one-octets',
    about: 'RFC 5280 4.1.2.2 and no more',
    ...byRoot({ serial: new Uint8Array(21).fill(0x7f) }),
    problems: ['serial-number'],
  },
];

const fields: readonly PathCase[] = [
  {
    id: 'fields/empty-issuer',
    about: 'RFC 5280 4.1.2.4 and 4.1.2.6 neither issuer nor the subject of an authority is empty',
    anchors: [root('Root', { subject: nameOf(), issuer: nameOf(), key: 'Root', signer: 'Root' })],
    certificate: certify({ subject: 'Leaf', issuer: nameOf(), signer: 'Root' }),
    problems: ['name-missing', 'name-missing', 'name-missing'],
  },
  {
    id: 'fields/empty-subject',
    about: 'RFC 5280 4.2.1.6 an empty subject wants a critical alternative name',
    anchors,
    certificate: certify({ subject: nameOf(), issuer: 'Root' }),
    problems: ['name-missing'],
  },
  {
    id: 'fields/version-1-authority',
    about: 'RFC 5280 6.1.4 (k) a v1 certificate is none of an authority',
    ...under(authority('Sub', 'Root', { version: 0 })),
    problems: ['not-an-authority', 'key-usage'],
  },
  {
    id: 'fields/version-1-leaf',
    about: 'RFC 5280 4.1.2.1 a leaf may be v1',
    ...byRoot({ version: 0 }),
    problems: [],
  },
  {
    id: 'fields/weak-signature',
    about: 'a signature with SHA-1 proves nothing any more',
    ...byRoot({ algorithm: sequence(oid('1.2.840.10045.4.1')) }),
    problems: ['signature-algorithm'],
  },
  {
    id: 'fields/two-signature-algorithms',
    about: 'RFC 5280 4.1.1.2 the same algorithm inside and outside',
    ...byRoot({ outerAlgorithm: algorithmIdentifier('ecdsa-with-SHA256') }),
    problems: ['signature-algorithm'],
  },
  {
    id: 'fields/strange-key',
    about: 'an authority whose key is of no kind that signs',
    ...under(authority('Sub', 'Root', { spki: strangeSpki() })),
    problems: ['public-key'],
  },
];

/** The algorithm is X25519, which signs nothing. */
function strangeSpki(): Uint8Array {
  const spki = Uint8Array.from(keyOf('Strange').publicKey.spki);
  spki[8] = 0x6e;
  return spki;
}

const extensions: readonly PathCase[] = [
  {
    id: 'extensions/critical-unknown-leaf',
    about: 'RFC 5280 4.2 an unknown critical extension',
    ...byRoot({ extensions: [unknown(true)] }),
    problems: ['critical-extension'],
  },
  {
    id: 'extensions/critical-unknown-authority',
    about: 'RFC 5280 4.2 an unknown critical extension',
    ...under(authority('Sub', 'Root', { extensions: [unknown(true)] })),
    problems: ['critical-extension'],
  },
  {
    id: 'extensions/critical-unknown-anchor',
    about: 'RFC 5280 4.2 an unknown critical extension',
    anchors: [root('Root', { extensions: [unknown(true)] })],
    certificate: leaf('Root'),
    problems: ['critical-extension'],
  },
  {
    id: 'extensions/unknown',
    about: 'RFC 5280 4.2 unknown and not critical: ignored',
    ...byRoot({ extensions: [unknown(false)] }),
    problems: [],
  },
  {
    id: 'extensions/duplicate',
    about: 'RFC 5280 4.2 no extension twice, known or not',
    ...byRoot({ extensions: [unknown(false), unknown(false)] }),
    problems: ['extension-duplicate'],
  },
  {
    id: 'extensions/critical-qualifier',
    about: 'RFC 5280 4.2.1.4 critical policies with a qualifier that nobody knows',
    ...byRoot({
      extensions: [
        extension(
          oids.certificatePolicies,
          sequence(sequence(oid('2.999.1'), sequence(sequence(oid('2.999.9'), nullValue())))),
          true,
        ),
      ],
    }),
    problems: ['critical-extension'],
  },
  {
    id: 'extensions/information-critical',
    about: 'RFC 5280 4.2.2.1 authority information access is never critical',
    ...byRoot({ extensions: [ocspAccess(true)] }),
    problems: ['extension-criticality'],
  },
  {
    id: 'extensions/information',
    about: 'RFC 5280 4.2.2.1 authority information access',
    ...byRoot({ extensions: [ocspAccess()] }),
    problems: [],
  },
  {
    id: 'extensions/distribution-points-critical',
    about: 'RFC 5280 4.2.1.13 CRL distribution points may be critical',
    ...byRoot({ extensions: [crlDistributionPoints(true)] }),
    problems: [],
  },
  {
    id: 'extensions/authority-without-key-usage',
    about: 'RFC 5280 4.2.1.3 an authority that signs has a key usage',
    ...under(authority('Sub', 'Root', { without: [oids.keyUsage] })),
    problems: ['key-usage'],
  },
  {
    id: 'extensions/no-key-usage',
    about: 'RFC 5280 4.2.1.3 a leaf needs no key usage',
    ...byRoot({ without: [oids.keyUsage] }),
    problems: [],
  },
  {
    id: 'extensions/no-basic-constraints',
    about: 'RFC 5280 4.2.1.9 a leaf needs no basic constraints',
    ...byRoot({ without: [oids.basicConstraints] }),
    problems: [],
  },
  {
    id: 'extensions/authority-without-basic-constraints',
    about: 'RFC 5280 6.1.4 (k) an authority says that it is one',
    ...under(authority('Sub', 'Root', { without: [oids.basicConstraints] })),
    problems: ['key-usage', 'not-an-authority'],
  },
  {
    id: 'extensions/root-without-basic-constraints',
    about: 'RFC 5280 4.2.1.9 an anchor too',
    anchors: [root('Root', { without: [oids.basicConstraints] })],
    certificate: leaf('Root'),
    problems: ['key-usage', 'not-an-authority'],
  },
  {
    id: 'extensions/basic-constraints-not-critical',
    about: 'RFC 5280 4.2.1.9 critical in an authority',
    anchors: [root('Root', { extensions: [basicConstraints({}, false)] })],
    certificate: leaf('Root'),
    problems: ['extension-criticality'],
  },
  {
    id: 'extensions/leaf-signs-leaf',
    about: 'RFC 5280 6.1.4 (k), (n) a leaf has certified another',
    ...under(certify({ subject: 'Sub', issuer: 'Root' })),
    problems: ['not-an-authority', 'key-usage'],
  },
  {
    id: 'extensions/authority-without-key-cert-sign',
    about: 'RFC 5280 6.1.4 (n) keyCertSign',
    ...under(authority('Sub', 'Root', { extensions: [keyUsage('cRLSign')] })),
    problems: ['key-usage'],
  },
  {
    id: 'extensions/leaf-with-key-cert-sign',
    about: 'RFC 5280 4.2.1.9 keyCertSign without cA',
    ...byRoot({ extensions: [keyUsage('digitalSignature', 'keyCertSign')] }),
    problems: ['key-usage'],
  },
  {
    id: 'extensions/leaf-with-path-length',
    about: 'RFC 5280 4.2.1.9 a path length without cA',
    ...byRoot({ extensions: [basicConstraints({ ca: false, pathLength: 0 })] }),
    problems: ['basic-constraints'],
  },
  {
    id: 'extensions/path-length-without-key-cert-sign',
    about: 'RFC 5280 4.2.1.9 a path length without keyCertSign',
    anchors,
    candidates: [sub],
    certificate: authority('Leaf', 'Sub', { pathLength: 0, extensions: [keyUsage('cRLSign')] }),
    problems: ['basic-constraints'],
  },
  {
    id: 'san/critical-with-empty-subject',
    about: 'RFC 5280 4.2.1.6 a critical alternative name instead of a subject',
    anchors,
    certificate: certify({
      subject: nameOf(),
      issuer: 'Root',
      extensions: [alternativeNames([general.dns('a.example')], { critical: true })],
    }),
    problems: [],
  },
  {
    id: 'san/not-critical-with-empty-subject',
    about: 'RFC 5280 4.2.1.6 where the subject is empty, it is critical',
    anchors,
    certificate: certify({
      subject: nameOf(),
      issuer: 'Root',
      extensions: [alternativeNames([general.dns('a.example')])],
    }),
    problems: ['name-missing'],
  },
];

export const extensionCases: readonly PathCase[] = [
  ...[identifiers, purposes, serials, fields, extensions].flat(),
];
