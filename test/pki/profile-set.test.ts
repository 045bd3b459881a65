import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/pki/profile.ts';
import { parseProfile } from '../../src/pki/profile-file.ts';
import { checkProfileSet } from '../../src/pki/profile-set.ts';

interface Sketch {
  readonly name: string;
  readonly issuedBy: readonly string[];
  readonly pathLength?: number;
  readonly purposes?: readonly string[];
  readonly minimum?: string;
}

const common = {
  title: 'T',
  standard: 'S',
  subject: [{ CN: { fixed: 'x' } }],
  keys: ['P-256'],
  request: { allowedExtensions: [], repeatWindow: 'PT0S', approval: false },
};
const extendedKeyUsage = (purposes: readonly string[] | undefined): object =>
  purposes ? { extendedKeyUsage: { critical: false, purposes } } : {};

function profileOf(name: string, document: object): Profile {
  const result = parseProfile(name, document, name);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.profile;
}

const authority = ({ name, issuedBy, pathLength, purposes }: Sketch): Profile =>
  profileOf(name, {
    ...common,
    kind: issuedBy.includes('self') ? 'root-ca' : 'sub-ca',
    issuedBy,
    validity: { default: 'P2Y', maximum: 'P4Y', minimum: 'P1D', backdate: 'PT0S' },
    extensions: {
      basicConstraints: {
        critical: true,
        ca: true,
        ...(pathLength === undefined ? {} : { pathLength }),
      },
      keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
      subjectKeyIdentifier: { critical: false, octets: 20 },
      authorityKeyIdentifier: { critical: false },
      ...extendedKeyUsage(purposes),
    },
    revocation: { ocspValidity: 'P1D', crlValidity: 'P1D' },
  });

const leaf = ({ name, issuedBy, purposes, minimum = 'P1D' }: Sketch): Profile =>
  profileOf(name, {
    ...common,
    kind: 'station',
    issuedBy,
    validity: { default: 'P9Y', maximum: 'P9Y', minimum, backdate: 'PT0S' },
    extensions: {
      keyUsage: { critical: true, usages: ['digitalSignature'] },
      authorityKeyIdentifier: { critical: false },
      ...extendedKeyUsage(purposes),
    },
  });

const root = authority({ name: 'root', issuedBy: ['self'] });
const lines = (...profiles: readonly Profile[]): string[] =>
  checkProfileSet(profiles).map(({ source, path, message }) => `${source} ${path}: ${message}`);

describe('a set of profiles', () => {
  test('that fits together', () => {
    const sub = authority({ name: 'sub', issuedBy: ['root'], pathLength: 0 });
    expect(lines(root, sub, leaf({ name: 'leaf', issuedBy: ['sub', 'root'] }))).toEqual([]);
  });

  test('names an issuer that is not there', () => {
    expect(lines(root, leaf({ name: 'leaf', issuedBy: ['root', 'rooot'] }))).toEqual([
      'leaf issuedBy[1]: there is no profile "rooot"; did you mean "root"?',
    ]);
  });

  test('A1 lets a leaf issue', () => {
    const first = leaf({ name: 'first', issuedBy: ['root'] });
    expect(lines(root, first, leaf({ name: 'second', issuedBy: ['first'] }))).toEqual([
      'second issuedBy[0]: first is not the profile of an authority',
    ]);
  });

  test('declares a name twice', () => {
    expect(lines(root, root)).toEqual(['root : is declared twice']);
  });

  test.each([
    ['the same', 1, 1, 1],
    ['more', 1, 2, 1],
    ['none', 1, undefined, 1],
    ['less', 1, 0, 0],
    ['anything without a limit above', undefined, undefined, 0],
    ['any below 0', 0, 0, 1],
  ])('A1 RFC 5280 4.2.1.9 a path length of %s', (_, above, below, errors) => {
    const limit = (pathLength: number | undefined) =>
      pathLength === undefined ? {} : { pathLength };
    const upper = authority({ name: 'upper', issuedBy: ['root'], ...limit(above) });
    const lower = authority({ name: 'lower', issuedBy: ['upper'], ...limit(below) });
    expect(lines(root, upper, lower)).toHaveLength(errors);
  });

  test.each([
    ['the same purpose', ['serverAuth'], ['serverAuth'], 0],
    ['one more', ['serverAuth'], ['serverAuth', 'clientAuth'], 1],
    ['no limit of its own', ['serverAuth'], undefined, 1],
    ['OCSPSigning above, which limits nothing', ['OCSPSigning'], ['clientAuth'], 0],
  ])('A1 purposes nest: %s', (_, above, below, errors) => {
    const upper = authority({ name: 'upper', issuedBy: ['root'], pathLength: 0, purposes: above });
    const lower = leaf({ name: 'lower', issuedBy: ['upper'], ...(below && { purposes: below }) });
    expect(lines(root, upper, lower)).toHaveLength(errors);
  });

  test('A1 a leaf that no issuer lives long enough for', () => {
    expect(lines(root, leaf({ name: 'leaf', issuedBy: ['root'], minimum: 'P5Y' }))).toEqual([
      'leaf issuedBy[0]: the minimum validity is longer than root can last',
    ]);
  });
});
