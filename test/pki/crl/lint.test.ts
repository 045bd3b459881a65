import { describe, expect, test } from 'vitest';
import { assembleCrl, type CrlTemplate, crlTbs } from '../../../src/pki/crl/build.ts';
import type { CrlPieces } from '../../../src/pki/crl/frame.ts';
import { type CrlLintIssuer, lintCrl, lintCrlPieces } from '../../../src/pki/crl/lint.ts';
import {
  bitString,
  explicit,
  implicit,
  integer,
  nullValue,
  sequence,
  time,
} from '../../../src/pki/der-writer.ts';
import { writeName } from '../../../src/pki/names.ts';
import { writeRawExtension } from '../../../src/pki/raw-extensions.ts';
import { algorithmIdentifier } from '../../../src/pki/signature-algorithm.ts';
import { crlBytesToSign, crlTemplateFor, issueCrl } from '../../support/crls.ts';
import { commonName, generateKey, keyId } from '../../support/issuing.ts';

const limits = { maxBytes: 1 << 20 };
const key = generateKey();
const issuer: CrlLintIssuer = {
  subjectDer: writeName(commonName('Root')),
  keyIdentifier: keyId(key),
  keyAlgorithm: 'P-256',
};
const revoked = [
  { serialNumber: new Uint8Array([0x11]), revokedAt: new Date('2026-05-01T00:00:00Z') },
];
const urls = ['http://a.example/1.crl'];
const rulesOf = (findings: readonly { readonly rule: string }[]) =>
  findings.map(({ rule }) => rule);

test.each<[string, Partial<CrlTemplate>]>([
  ['with entries', {}],
  ['without entries', { segments: [] }],
  ['with a distribution point', { issuingDistributionPoint: { urls, onlyCaCerts: true } }],
])('our own CRLs keep every rule: %s', (_, changes) => {
  const template = crlTemplateFor(key, revoked, changes);
  expect(lintCrlPieces(crlTbs(template), issuer)).toEqual([]);
  expect(lintCrl(issueCrl(template, key), issuer, limits)).toEqual([]);
});

test.each<[string, string, Partial<CrlLintIssuer>]>([
  ['RFC 5280 5.1.2.3', 'crl-issuer', { subjectDer: writeName(commonName('root')) }],
  ['RFC 5280 5.2.1', 'crl-authority-key-identifier', { keyIdentifier: new Uint8Array(20) }],
  ['RFC 5280 5.1.2.2', 'crl-algorithm-of-issuer', { keyAlgorithm: 'P-384' }],
])('%s: a CRL of another issuer breaks %s', (_, rule, changes) => {
  const pieces = crlTbs(crlTemplateFor(key, revoked));
  expect(rulesOf(lintCrlPieces(pieces, { ...issuer, ...changes }))).toEqual([rule]);
});

const now = time(new Date('2026-06-01T00:00:00Z'));
const later = time(new Date('2026-06-08T00:00:00Z'));
const algorithm = algorithmIdentifier('ecdsa-with-SHA256');
const aki = (critical = false) =>
  writeRawExtension('2.5.29.35', critical, sequence(implicit(0, issuer.keyIdentifier)));
const number = (critical = false) => writeRawExtension('2.5.29.20', critical, integer(7));
const point = (critical: boolean, ...fields: readonly Uint8Array[]) =>
  writeRawExtension('2.5.29.28', critical, sequence(...fields));
const yes = new Uint8Array([0xff]);
const uri = implicit(6, Buffer.from('http://a.example/1.crl', 'latin1'));
const name = explicit(0, explicit(0, uri));

interface Fields {
  readonly version?: readonly Uint8Array[];
  readonly issuerName?: Uint8Array;
  readonly updates?: readonly Uint8Array[];
  readonly list?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
  readonly outer?: Uint8Array;
}

/** A CRL as a builder with a bug might make it; lint does not look at the signature. */
function crl(fields: Fields): Uint8Array {
  const { version = [integer(1)], issuerName = issuer.subjectDer, updates = [now, later] } = fields;
  const { list = [], extensions = [aki(), number()], outer = algorithm } = fields;
  const last = explicit(0, sequence(...extensions));
  const tbs = sequence(...version, algorithm, issuerName, ...updates, ...list, last);
  return sequence(tbs, outer, bitString(new Uint8Array(8)));
}

test('the CRL that the rules are tried on keeps them', () => {
  expect(lintCrl(crl({}), issuer, limits)).toEqual([]);
});

test.each<[string, string, Fields]>([
  ['RFC 5280 5.1.2.3: no issuer name', 'crl-issuer', { issuerName: sequence() }],
  ['RFC 5280 5.1.2.5: no nextUpdate', 'crl-next-update', { updates: [now] }],
  ['RFC 5280 5.1.2.5: nextUpdate at thisUpdate', 'crl-next-update', { updates: [now, now] }],
  ['RFC 5280 5.1.2.5: nextUpdate before', 'crl-next-update', { updates: [later, now] }],
  ['RFC 5280 5.1.2.6, R2: an empty list', 'crl-empty-list', { list: [sequence()] }],
  ['RFC 5280 5.2.1: no AKI', 'crl-authority-key-identifier', { extensions: [number()] }],
  [
    'RFC 5280 5.2.1: a critical AKI',
    'crl-authority-key-identifier',
    { extensions: [aki(true), number()] },
  ],
  ['RFC 5280 5.2.3, R1: no number', 'crl-number', { extensions: [aki()] }],
  ['RFC 5280 5.2.3: a critical number', 'crl-number', { extensions: [aki(), number(true)] }],
  [
    'RFC 5280 5.2.5, R3: a non-critical distribution point',
    'crl-distribution-point',
    { extensions: [aki(), number(), point(false, name)] },
  ],
  [
    'RFC 5280 5.2.5: a distribution point without name',
    'crl-distribution-point',
    { extensions: [aki(), number(), point(true, implicit(1, yes))] },
  ],
  [
    'RFC 5280 5.2.5: a scope that is empty',
    'crl-distribution-point',
    { extensions: [aki(), number(), point(true, name, implicit(1, yes), implicit(2, yes))] },
  ],
  [
    'RFC 5280 5.2.5: some reasons only',
    'crl-distribution-point',
    { extensions: [aki(), number(), point(true, name, implicit(3, new Uint8Array([1, 6])))] },
  ],
  [
    'RFC 5280 5.2.5: an indirect CRL',
    'crl-distribution-point',
    { extensions: [aki(), number(), point(true, name, implicit(4, yes))] },
  ],
  [
    'RFC 5280 5.2.5: attribute certificates only',
    'crl-distribution-point',
    { extensions: [aki(), number(), point(true, name, implicit(5, yes))] },
  ],
  [
    'RFC 5280 5.2: an extension that is none of ours',
    'crl-extensions',
    { extensions: [aki(), number(), writeRawExtension('1.2.3', false, nullValue())] },
  ],
  [
    'RFC 5280 5.1.1.2: another algorithm outside',
    'crl-algorithms-equal',
    { outer: algorithmIdentifier('ecdsa-with-SHA384') },
  ],
  ['RFC 5280 5.1: a padded version', 'crl-strict-der', { version: [new Uint8Array([2, 2, 0, 1])] }],
])('%s', (_, rule, fields) => {
  expect(rulesOf(lintCrl(crl(fields), issuer, limits))).toEqual([rule]);
});

test('RFC 5280 5.1.2.1: a v1 CRL breaks the rule of the version, and those of its extensions', () => {
  const tbs = sequence(algorithm, issuer.subjectDer, now, later);
  const der = sequence(tbs, algorithm, bitString(new Uint8Array(8)));
  expect(rulesOf(lintCrl(der, issuer, limits))).toEqual([
    'crl-version-2',
    'crl-authority-key-identifier',
    'crl-number',
  ]);
});

describe('pieces that are not the CRL that they should be', () => {
  const pieces = crlTbs(crlTemplateFor(key, revoked));
  const [segment = new Uint8Array(0)] = pieces.segments;
  const changed = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  test.each<[string, CrlPieces]>([
    ['a wrong outer length', { ...pieces, head: changed(pieces.head, 1) }],
    ['a wrong outer tag', { ...pieces, head: changed(pieces.head, 0) }],
    [
      'a wrong length of the list',
      { ...pieces, head: changed(pieces.head, pieces.head.length - 1) },
    ],
    ['a segment too few', { ...pieces, segments: [] }],
    ['a segment too many', { ...pieces, segments: [segment, segment] }],
    ['a wrong count of octets', { ...pieces, length: pieces.length + 1 }],
    ['a broken tail', { ...pieces, tail: changed(pieces.tail, 1) }],
    ['no head', { ...pieces, head: new Uint8Array(0) }],
    ['no tail', { ...pieces, tail: new Uint8Array(0), length: pieces.length - pieces.tail.length }],
    [
      'something after the extensions',
      {
        ...pieces,
        tail: Buffer.concat([pieces.tail, nullValue()]),
        length: pieces.length + 2,
      },
    ],
  ])('%s', (_, broken) => {
    expect(rulesOf(lintCrlPieces(broken, issuer))).toEqual(['crl-strict-der']);
  });
});

test('lint takes the signed form of what it took in pieces', () => {
  const pieces = crlTbs(crlTemplateFor(key, revoked));
  const signed = assembleCrl(pieces, 'ecdsa-with-SHA256', new Uint8Array(8));
  const der = Buffer.concat(signed.chunks);
  expect(der.includes(Buffer.from(crlBytesToSign(pieces)))).toBe(true);
  expect(lintCrl(der, issuer, limits)).toEqual([]);
  expect(rulesOf(lintCrl(der, issuer, { maxBytes: der.length - 1 }))).toEqual(['crl-strict-der']);
});
