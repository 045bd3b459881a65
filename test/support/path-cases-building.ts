/** Cases about finding a path, its length, its time and its revocation. */

import { extensions as oids } from '../../src/pki/oids.ts';
import { anchors, chain, ordinary, type PathCase, sub1, sub2, under } from './path-case.ts';
import { authority, certificatePolicies, leaf, policyMappings, root } from './path-certificates.ts';

const validity: readonly PathCase[] = [
  {
    id: 'validity/last-second',
    about: 'RFC 5280 4.1.2.5 notAfter is included',
    ...chain,
    rules: { at: '2036-01-01T00:00:00Z' },
    problems: [],
  },
  {
    id: 'validity/within-last-second',
    about: 'RFC 5280 4.1.2.5 knows whole seconds only',
    ...chain,
    rules: { at: '2036-01-01T00:00:00.999Z' },
    problems: [],
  },
  {
    id: 'validity/expired',
    about: 'RFC 5280 6.1.3 (a) (2) all that have expired are named',
    ...chain,
    rules: { at: '2036-01-01T00:00:01Z' },
    problems: ['expired', 'expired', 'expired', 'expired'],
  },
  {
    id: 'validity/first-second',
    about: 'RFC 5280 4.1.2.5 notBefore is included',
    ...chain,
    rules: { at: '2026-01-01T00:00:00Z' },
    problems: [],
  },
  {
    id: 'validity/not-yet',
    about: 'RFC 5280 6.1.3 (a) (2) one second before',
    anchors,
    certificate: leaf('Root', { notBefore: '2030-01-01T00:00:01Z' }),
    problems: ['not-yet-valid'],
  },
  {
    id: 'validity/expired-anchor',
    about: 'an anchor that has expired is none',
    anchors: [root('Root', { notAfter: '2027-01-01T00:00:00Z' })],
    certificate: leaf('Root'),
    problems: ['expired'],
  },
  {
    id: 'validity/expired-anchor-tolerated',
    about: 'RFC 5280 6.1.1 (d) an anchor has no end unless the caller gives it one',
    anchors: [root('Root', { notAfter: '2027-01-01T00:00:00Z' })],
    certificate: leaf('Root'),
    rules: { tolerated: ['expired-anchor'] },
    problems: [],
  },
  {
    id: 'validity/expired-and-tolerated-for-anchors-only',
    about: 'the tolerance for anchors does not reach below them',
    anchors,
    candidates: [authority('Sub', 'Root', { notAfter: '2027-01-01T00:00:00Z' })],
    certificate: leaf('Sub'),
    rules: { tolerated: ['expired-anchor'] },
    problems: ['expired'],
  },
];

const pathLength: readonly PathCase[] = [
  {
    id: 'pathlen/two-below-one',
    about: 'RFC 5280 6.1.4 (l) one authority too many',
    ...chain,
    candidates: [authority('Sub 1', 'Root', { pathLength: 0 }), sub2],
    problems: ['path-length'],
  },
  {
    id: 'pathlen/may-increase',
    about: 'RFC 5280 6.1.4 (m) a larger one further down changes nothing',
    ...chain,
    candidates: [
      authority('Sub 1', 'Root', { pathLength: 1 }),
      authority('Sub 2', 'Sub 1', { pathLength: 7 }),
    ],
    problems: [],
  },
  {
    id: 'pathlen/field-sub-ca-2',
    about: 'a Sub-CA 2 with path length 1 and a leaf without basic constraints, as in the field',
    ...chain,
    candidates: [
      authority('Sub 1', 'Root', { pathLength: 1 }),
      authority('Sub 2', 'Sub 1', { pathLength: 1 }),
    ],
    certificate: leaf('Sub 2', { without: [oids.basicConstraints] }),
    problems: [],
  },
  {
    id: 'pathlen/of-anchor',
    about: 'RFC 5937 the path length of an anchor holds below it',
    ...chain,
    anchors: [root('Root', { pathLength: 1 })],
    problems: ['path-length'],
  },
  {
    id: 'pathlen/self-issued',
    about: 'RFC 5280 6.1.4 (l) self-issued authorities are not counted',
    anchors: [root('Root', { pathLength: 1 })],
    candidates: [
      authority('Sub', 'Root', { key: 'Old' }),
      authority('Sub', 'Sub', { key: 'New', signer: 'Old' }),
    ],
    certificate: leaf('Sub', { signer: 'New' }),
    problems: [],
  },
  {
    id: 'pathlen/leaf-is-authority',
    about: 'RFC 5280 4.2.1.9 the last certificate is not counted, whatever it is',
    anchors,
    candidates: [authority('Sub', 'Root', { pathLength: 0 })],
    certificate: authority('Sub 2', 'Sub', { pathLength: 0 }),
    problems: [],
  },
  {
    id: 'pathlen/caller-allows-none',
    about: 'the caller may demand what anchors do not',
    ...under(authority('Sub', 'Root')),
    rules: { maximumPathLength: 0 },
    problems: ['path-length'],
  },
  {
    id: 'pathlen/caller-allows-two',
    about: '[V2G2-009] two authorities between root and leaf',
    ...chain,
    rules: { maximumPathLength: 2 },
    problems: [],
  },
];

/** A root, and one of the same name with another key, as after a rollover ([V2G2-878]). */
const oldRoot = root('Root', { key: 'Root before', signer: 'Root before' });
const building: readonly PathCase[] = [
  { id: 'building/in-order', about: 'RFC 5280 6.1 an ordinary chain', ...chain, problems: [] },
  {
    id: 'building/no-root-name',
    about: 'RFC 5280 6.1.1 (d) without its anchor nothing holds',
    ...chain,
    anchors: [root('Other Root')],
    problems: ['path-not-found'],
  },
  {
    id: 'building/intermediate-missing',
    about: 'RFC 5280 6.1 nothing is between leaf and root',
    ...chain,
    candidates: [sub1],
    problems: ['path-not-found'],
  },
  {
    id: 'building/several-anchors-of-one-name',
    about: '[V2G2-878] the key decides between anchors of one name',
    ...chain,
    anchors: [oldRoot, ...anchors],
    problems: [],
  },
  {
    id: 'building/right-name-wrong-key',
    about: '[V2G2-878] a name alone is no anchor',
    ...chain,
    anchors: [oldRoot],
    problems: ['signature-invalid'],
  },
  {
    id: 'building/tampered',
    about: 'RFC 5280 6.1.3 (a) (1) a signature that does not verify',
    ...chain,
    certificate: leaf('Sub 2', { tampered: true }),
    problems: ['signature-invalid'],
  },
  {
    id: 'building/anchor-is-intermediate',
    about: 'RFC 5280 6.1.1 (d) an anchor need not be self-signed',
    ...chain,
    anchors: [sub1],
    candidates: [...anchors, sub1, sub2],
    problems: [],
  },
  {
    id: 'building/anchor-is-certificate',
    about: 'RFC 5280 6.1 whoever is trusted needs no path',
    anchors: [ordinary],
    certificate: ordinary,
    problems: [],
  },
  {
    id: 'building/names-differ-in-case-and-space',
    about: 'RFC 5280 7.1 names are compared without regard to case and amount of space',
    ...chain,
    certificate: leaf('sub  2', { signer: 'Sub 2' }),
    problems: [],
  },
  {
    id: 'building/contradicting-key-identifier',
    about: 'RFC 5280 4.2.1.1 key identifiers help to find and do not decide',
    ...chain,
    certificate: leaf('Sub 2', {
      extensions: [{ oid: oids.authorityKeyIdentifier, critical: false, value: keyIdentifierOf() }],
    }),
    problems: [],
  },
  {
    id: 'building/cross-certificate',
    about: 'a path through a cross-certificate of another root',
    ...chain,
    anchors: [root('Other Root')],
    candidates: [authority('Root', 'Other Root'), sub1, sub2],
    problems: [],
  },
  {
    id: 'building/better-of-two',
    about: 'an expired intermediate does not hide another that holds',
    ...chain,
    candidates: [authority('Sub 1', 'Root', { notAfter: '2027-01-01T00:00:00Z' }), sub1, sub2],
    problems: [],
  },
  {
    id: 'building/expired-root-replaced',
    about: 'the longer path through a cross-certificate where the short one has expired',
    anchors: [root('Root', { notAfter: '2027-01-01T00:00:00Z' }), root('Other Root')],
    candidates: [authority('Root', 'Other Root')],
    certificate: leaf('Root'),
    problems: [],
  },
];

/** An authority key identifier of nobody's key. */
function keyIdentifierOf(): Uint8Array {
  return Buffer.from('30048002dead', 'hex');
}

const pathological: readonly PathCase[] = [
  {
    id: 'pathological/cycle',
    about: 'two authorities that certify each other, and no anchor above',
    anchors,
    candidates: [authority('A', 'B'), authority('B', 'A')],
    certificate: leaf('A'),
    problems: ['path-not-found'],
  },
  {
    id: 'pathological/cycle-with-a-way-out',
    about: 'a cycle that one certificate of the root leads out of',
    anchors,
    candidates: [authority('A', 'B'), authority('B', 'A'), authority('A', 'Root')],
    certificate: leaf('B'),
    problems: [],
  },
  {
    id: 'pathological/look-alikes',
    about: 'twenty authorities of one name and one key, none below the anchor of that name',
    anchors: [oldRoot],
    candidates: Array.from({ length: 20 }, (_, index) =>
      root('Root', { serial: new Uint8Array([0x40 + index]) }),
    ),
    certificate: leaf('Root'),
    problems: ['path-not-found'],
  },
  {
    id: 'pathological/nine-certificates',
    about: 'a path longer than the limit',
    anchors,
    candidates: [
      authority('1', 'Root'),
      ...Array.from({ length: 6 }, (_, index) => authority(`${index + 2}`, `${index + 1}`)),
    ],
    certificate: leaf('7'),
    problems: ['path-not-found', 'limit-depth'],
  },
];

const revocation: readonly PathCase[] = [
  {
    id: 'crl/leaf-revoked',
    about: 'RFC 5280 6.1.3 (a) (3) a leaf that is revoked',
    ...chain,
    revoked: [ordinary],
    problems: ['revoked'],
  },
  {
    id: 'crl/authority-revoked',
    about: 'RFC 5280 6.1.3 (a) (3) an authority that is revoked',
    ...chain,
    revoked: [sub1],
    problems: ['revoked'],
  },
  {
    id: 'crl/another-path',
    about: 'a revoked authority does not hide its other certificate',
    ...chain,
    candidates: [sub1, authority('Sub 1', 'Root', { serial: new Uint8Array([7]) }), sub2],
    revoked: [sub1],
    problems: [],
  },
];

const known: readonly PathCase[] = [
  {
    id: 'cve/2024-0567-cross-signed-roots',
    about: 'three roots that certify each other, one of them an anchor',
    anchors: [root('A')],
    candidates: [
      ...['B', 'C'].map((issuer) => authority('A', issuer)),
      ...['A', 'C'].map((issuer) => authority('B', issuer)),
      ...['A', 'B'].map((issuer) => authority('C', issuer)),
      authority('A 1', 'A'),
    ],
    certificate: leaf('A 1'),
    problems: [],
  },
  {
    id: 'cve/2023-0464-policies-that-multiply',
    about: 'mappings that would make a tree of policies grow with every certificate',
    anchors,
    candidates: Array.from({ length: 6 }, (_, index) =>
      authority(`Sub ${index}`, index === 0 ? 'Root' : `Sub ${index - 1}`, {
        extensions: [
          certificatePolicies(['2.999.1', '2.999.2']),
          policyMappings(
            ['2.999.1', '2.999.1'],
            ['2.999.1', '2.999.2'],
            ['2.999.2', '2.999.1'],
            ['2.999.2', '2.999.2'],
          ),
        ],
      }),
    ),
    certificate: leaf('Sub 5', { extensions: [certificatePolicies(['2.999.1'])] }),
    rules: { policies: { requireExplicit: true, acceptable: ['2.999.2'] } },
    problems: [],
  },
];

export const buildingCases: readonly PathCase[] = [
  ...[building, validity, pathLength, pathological, revocation, known].flat(),
];
