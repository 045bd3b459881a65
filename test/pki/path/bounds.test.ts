/** What hostile candidates cost: counted, never timed. */

import { describe, expect, test, vi } from 'vitest';
import type { Certificate } from '../../../src/pki/certificate.ts';
import { defaultPathLimits, type PathLimits } from '../../../src/pki/path/limits.ts';
import {
  type PathInput,
  type PathVerdict,
  validatePath,
} from '../../../src/pki/path/validate-path.ts';
import * as signatures from '../../../src/pki/signature-algorithm.ts';
import {
  alternativeNames,
  authority,
  general,
  leaf,
  nameConstraints,
  root,
} from '../../support/path-certificates.ts';

// Counts signature checks; the real function does the work.
vi.mock(import('../../../src/pki/signature-algorithm.ts'), async (original) => {
  const actual = await original();
  return { ...actual, verifySignature: vi.fn(actual.verifySignature) };
});
const verifySignature = vi.mocked(signatures.verifySignature);

const at = new Date('2030-01-01T00:00:00Z');
const anchors = [root('Root')];

/** The verdict, after looking whether what it says about its effort is true. */
function judge(input: Omit<PathInput, 'at'>): PathVerdict {
  verifySignature.mockClear();
  const verdict = validatePath({ at, ...input });
  expect(verdict.signatureChecks).toBe(verifySignature.mock.calls.length);
  const limits = { ...defaultPathLimits, ...input.limits };
  expect(verdict.signatureChecks).toBeLessThanOrEqual(limits.signatureChecks);
  expect(verdict.candidatesSeen).toBeLessThanOrEqual(limits.candidates);
  return verdict;
}

const codesOf = (verdict: PathVerdict): string[] =>
  verdict.ok ? [] : verdict.problems.map(({ code }) => code);

const many = (make: (index: number) => Certificate, count = 300): Certificate[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Serial numbers that tell look-alikes apart. */
const serial = (index: number) => new Uint8Array([0x40, index >> 8, index & 0xff]);

describe('A3 any set of candidates costs at most 200 signature checks', () => {
  test('200 is what holds where the caller says nothing', () => {
    expect(defaultPathLimits.signatureChecks).toBe(200);
  });

  test('a cycle below no anchor costs none before the way up is explained', () => {
    const candidates = [authority('A', 'B'), authority('B', 'A')];
    const verdict = judge({ certificate: leaf('A'), candidates, anchors });
    expect(codesOf(verdict)).toEqual(['path-not-found']);
    expect(verdict.signatureChecks).toBe(2);
  });

  test('a cycle that leads to the name of an anchor which did not sign it', () => {
    const stranger = authority('A', 'Root', { signer: 'Stranger' });
    const candidates = [authority('A', 'B'), authority('B', 'A'), stranger];
    const verdict = judge({ certificate: leaf('A'), candidates, anchors });
    expect(verdict.ok).toBe(false);
    expect(verdict.signatureChecks).toBeLessThanOrEqual(6);
  });

  test('300 with the name and key identifier of the issuer, and keys of their own', () => {
    const candidates = many((index) =>
      authority('Sub', 'Root', {
        key: `Other ${index}`,
        extensions: authority('Sub', 'Root')
          .rawExtensions.filter(({ oid }) => oid === '2.5.29.14')
          .map((each) => ({ ...each, critical: false })),
      }),
    );
    const verdict = judge({ certificate: leaf('Sub'), candidates, anchors });
    expect(codesOf(verdict)).toEqual(['signature-invalid', 'limit-candidates']);
    expect(verdict.candidatesSeen).toBe(64);
  });

  test('300 with the name and the key of the issuer, signed by each other', () => {
    const candidates = many((index) => authority('Sub', 'Sub', { serial: serial(index) }));
    const verdict = judge({ certificate: leaf('Sub'), candidates, anchors });
    expect(codesOf(verdict)).toContain('path-not-found');
    expect(verdict.signatureChecks).toBeLessThanOrEqual(8);
  });

  test('300 of one name and key below the name of the anchor, none of them signed by it', () => {
    const candidates = many((index) =>
      authority('Root', 'Root', { key: 'Sub', signer: 'Sub', serial: serial(index) }),
    );
    const verdict = judge({ certificate: leaf('Root', { signer: 'Sub' }), candidates, anchors });
    expect(verdict.ok).toBe(false);
    expect(codesOf(verdict)).toContain('limit-candidates');
  });

  test('300 that really signed the certificate and lead to an unknown root', () => {
    const candidates = many((index) => authority('Sub', `Nobody ${index}`));
    const verdict = judge({ certificate: leaf('Sub'), candidates, anchors });
    expect(codesOf(verdict)).toEqual(['path-not-found']);
    expect(verdict.signatureChecks).toBe(1);
  });

  test('300 that really signed the certificate and claim the anchor as their issuer', () => {
    const candidates = many((index) =>
      authority('Sub', 'Root', { signer: `Nobody ${index}`, serial: serial(index) }),
    );
    const verdict = judge({ certificate: leaf('Sub'), candidates, anchors });
    expect(codesOf(verdict)).toContain('signature-invalid');
    expect(verdict.signatureChecks).toBe(65);
  });

  test('dead ends do not hide the one that leads on: names tell them apart', () => {
    const candidates = [
      ...many((index) => authority('Sub', `Nobody ${index}`)),
      authority('Sub', 'Root'),
    ];
    const verdict = judge({ certificate: leaf('Sub'), candidates, anchors });
    expect(verdict.ok).toBe(true);
    expect(verdict.signatureChecks).toBe(2);
  });

  test('other keys do not hide the right one: key identifiers tell whom to try first', () => {
    const candidates = [
      ...many((index) => authority('Sub', 'Root', { key: `Other ${index}` })),
      authority('Sub', 'Root'),
    ];
    const verdict = judge({ certificate: leaf('Sub'), candidates, anchors });
    expect(verdict.ok).toBe(true);
    expect(verdict.signatureChecks).toBe(2);
  });

  test('layers of look-alikes, each signed by all of the layer above', () => {
    const candidates = [1, 2, 3, 4, 5].flatMap((layer) =>
      many(
        (index) =>
          authority(`Layer ${layer}`, layer === 1 ? 'Root' : `Layer ${layer - 1}`, {
            serial: serial(index),
            ...(layer === 1 && { signer: 'Stranger' }),
          }),
        12,
      ),
    );
    const verdict = judge({ certificate: leaf('Layer 5'), candidates, anchors });
    expect(verdict.ok).toBe(false);
    expect(codesOf(verdict)).toContain('signature-invalid');
  });

  test('sound paths without number that fail for their names end at a limit', () => {
    const constraint = nameConstraints({ excluded: [general.dns('a.example')] });
    const candidates = [1, 2, 3, 4, 5].flatMap((layer) =>
      many(
        (index) =>
          authority(`Layer ${layer}`, layer === 1 ? 'Root' : `Layer ${layer - 1}`, {
            serial: serial(index),
            extensions: [constraint],
          }),
        12,
      ),
    );
    const certificate = leaf('Layer 5', {
      extensions: [alternativeNames([general.dns('a.example')])],
    });
    const verdict = judge({ certificate, candidates, anchors });
    expect(verdict.ok).toBe(false);
    expect(codesOf(verdict)).toContain('name-constraints');
    expect(codesOf(verdict)).toContain('limit-steps');
    expect(verdict.signatureChecks).toBeLessThanOrEqual(61);
  });
});

test('a path length that is no number allows no authority', () => {
  const candidates = [authority('Sub', 'Root')];
  const input = { certificate: leaf('Sub'), candidates, anchors, maximumPathLength: Number.NaN };
  expect(codesOf(judge(input))).toEqual(['path-length']);
});

describe('each limit has a problem of its own', () => {
  const chain = {
    certificate: leaf('Sub 3'),
    candidates: [
      authority('Sub 1', 'Root'),
      authority('Sub 2', 'Sub 1'),
      authority('Sub 3', 'Sub 2'),
    ],
    anchors,
  };

  test.each<[keyof PathLimits, number, string]>([
    ['depth', 4, 'limit-depth'],
    ['candidates', 2, 'limit-candidates'],
    ['signatureChecks', 3, 'limit-signature-checks'],
    ['steps', 3, 'limit-steps'],
  ])('%s of %i: %s', (limit, most, code) => {
    expect(judge({ ...chain, limits: { [limit]: most } }).ok).toBe(false);
    expect(codesOf(judge({ ...chain, limits: { [limit]: most } }))).toContain(code);
    // What is no number allows nothing.
    const verdict = validatePath({ at, ...chain, limits: { [limit]: Number.NaN } });
    expect(verdict.ok).toBe(false);
  });

  test.each<[keyof PathLimits, number]>([
    ['depth', 5],
    ['candidates', 3],
    ['signatureChecks', 4],
  ])('%s of %i is enough', (limit, least) => {
    expect(codesOf(judge({ ...chain, limits: { [limit]: least } }))).toEqual([]);
  });

  test('nameComparisons', () => {
    const named = (letter: string) =>
      Array.from({ length: 200 }, (_, index) => general.dns(`${letter}${index}.example`));
    const input = {
      certificate: leaf('Sub', { extensions: [alternativeNames(named('a'))] }),
      candidates: [
        authority('Sub', 'Root', { extensions: [nameConstraints({ excluded: named('b') })] }),
      ],
      anchors,
    };
    expect(codesOf(judge(input))).toEqual(['limit-name-comparisons']);
    expect(codesOf(judge({ ...input, limits: { nameComparisons: 40_000 } }))).toEqual([]);
  });
});
