/** What a verdict says, beyond yes or no. */

import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { type Certificate, readCertificate } from '../../../src/pki/certificate.ts';
import { DerError } from '../../../src/pki/der-element.ts';
import type { CertificateStatus } from '../../../src/pki/path/rules.ts';
import { type PathInput, validatePath } from '../../../src/pki/path/validate-path.ts';
import { generateKey, issue, leafExtensions, templateFor } from '../../support/issuing.ts';
import {
  authority,
  authorityKeyIdentifier,
  certificatePolicies,
  leaf,
  root,
} from '../../support/path-certificates.ts';

const at = new Date('2030-01-01T00:00:00Z');
const anchor = root('Root');
const sub1 = authority('Sub 1', 'Root');
const sub2 = authority('Sub 2', 'Sub 1');
const certificate = leaf('Sub 2');
const chain: PathInput = { certificate, candidates: [sub1, sub2], anchors: [anchor], at };

const problemsOf = (input: PathInput) => {
  const verdict = validatePath(input);
  return verdict.ok ? [] : verdict.problems;
};

describe('a path that holds', () => {
  test('RFC 5280 6.1 goes from the certificate to the anchor', () => {
    expect(validatePath(chain)).toEqual({
      ok: true,
      path: [certificate, sub2, sub1, anchor],
      withoutStatus: [certificate, sub2, sub1],
      policies: [],
      signatureChecks: 3,
      candidatesSeen: 2,
    });
  });

  test('is the certificate alone where that is an anchor', () => {
    const verdict = validatePath({ ...chain, candidates: [], anchors: [certificate] });
    expect(verdict).toMatchObject({ ok: true, path: [certificate], withoutStatus: [] });
    expect(verdict.signatureChecks).toBe(0);
  });

  test('is the shortest: an intermediate that is an anchor ends it', () => {
    const verdict = validatePath({ ...chain, anchors: [anchor, sub1] });
    expect(verdict).toMatchObject({ ok: true, path: [certificate, sub2, sub1] });
  });

  test('RFC 5280 6.1.6 comes with its policies', () => {
    const extensions = [certificatePolicies(['2.999.1', '2.999.2'])];
    const verdict = validatePath({
      ...chain,
      candidates: [authority('Sub', 'Root', { extensions })],
      certificate: leaf('Sub', { extensions }),
      policies: { acceptable: ['2.999.2', '2.999.3'] },
    });
    expect(verdict).toMatchObject({ ok: true, policies: ['2.999.2'] });
  });

  test('takes any key that evpki accepts', () => {
    for (const algorithm of ['P-256', 'P-384', 'P-521', 'Ed448', 'RSA-2048'] as const) {
      const [rootKey, key] = [generateKey(algorithm), generateKey(algorithm)];
      const top = issue(
        templateFor(rootKey, rootKey, {
          subject: { attributes: [{ type: 'CN', value: 'Root' }] },
          extensions: {
            ...leafExtensions(rootKey, rootKey),
            basicConstraints: { critical: true, ca: true },
            keyUsage: { critical: true, usages: ['keyCertSign'] },
          },
        }),
        rootKey,
      );
      const below = issue(templateFor(key, rootKey), rootKey);
      const input = { certificate: below, candidates: [], anchors: [top], at };
      expect(validatePath(input), algorithm).toMatchObject({ ok: true, path: [below, top] });
    }
  });
});

describe('a path that does not', () => {
  test('has all its problems, each with its certificate and a sentence', () => {
    const expired = authority('Sub 1', 'Root', { notAfter: '2027-01-01T00:00:00Z', pathLength: 0 });
    const late = leaf('Sub 2', { notBefore: '2031-01-01T00:00:00Z' });
    const verdict = validatePath({ ...chain, certificate: late, candidates: [expired, sub2] });
    expect(verdict).toMatchObject({ ok: false, attempt: [late, sub2, expired, anchor] });
    expect(problemsOf({ ...chain, certificate: late, candidates: [expired, sub2] })).toEqual([
      {
        code: 'not-yet-valid',
        index: 0,
        subject: 'CN=Leaf',
        message: 'It is valid from 2031-01-01T00:00:00.000Z on.',
      },
      {
        code: 'path-length',
        index: 1,
        subject: 'CN=Sub 2',
        message: 'It is one authority more than the path length above allows.',
      },
      {
        code: 'expired',
        index: 2,
        subject: 'CN=Sub 1',
        message: 'It was valid until 2027-01-01T00:00:00.000Z.',
      },
    ]);
  });

  test('is the attempt with the fewest problems', () => {
    const worse = authority('Sub', 'Root', { ca: false, notAfter: '2027-01-01T00:00:00Z' });
    const better = authority('Sub', 'Root', { notAfter: '2027-01-01T00:00:00Z' });
    for (const candidates of [
      [worse, better],
      [better, worse],
    ]) {
      const verdict = validatePath({ ...chain, certificate: leaf('Sub'), candidates });
      expect(verdict).toMatchObject({ ok: false, problems: [{ code: 'expired', index: 1 }] });
    }
  });

  test('ends where nobody is known any more, with what is wrong up to there', () => {
    const late = leaf('Sub 2', { notBefore: '2031-01-01T00:00:00Z' });
    const verdict = validatePath({ ...chain, certificate: late, candidates: [sub2] });
    expect(verdict).toMatchObject({
      ok: false,
      attempt: [late, sub2],
      problems: [
        { code: 'not-yet-valid', index: 0 },
        {
          code: 'path-not-found',
          index: 1,
          message: 'No further certificate of its issuer CN=Sub 1 is known, and it is no anchor.',
        },
      ],
    });
  });

  test('is not found without anchors, nor without anything', () => {
    expect(problemsOf({ ...chain, anchors: [] }).map(({ code }) => code)).toEqual([
      'path-not-found',
    ]);
    expect(
      problemsOf({ ...chain, candidates: [], anchors: [] }).map(({ code, index }) => [code, index]),
    ).toEqual([['path-not-found', 0]]);
  });

  test('a self-signed certificate that nobody trusts is its own end', () => {
    const stranger = root('Root', { key: 'Stranger', signer: 'Stranger' });
    expect(problemsOf({ ...chain, certificate: stranger }).map(({ code }) => code)).toEqual([
      'path-not-found',
    ]);
  });

  test('is not above itself, though it be among the candidates', () => {
    const stranger = root('Stranger');
    const verdict = validatePath({ ...chain, certificate: stranger, candidates: [stranger] });
    expect(verdict).toMatchObject({ ok: false, attempt: [stranger], candidatesSeen: 0 });
  });

  test('a time that is none is outside every validity', () => {
    const codes = problemsOf({ ...chain, at: new Date(Number.NaN) }).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(['not-yet-valid', 'expired']));
  });
});

describe('what is remembered of a certificate', () => {
  const without = ['2.5.29.35'];
  const bare = () => authority('Sub', 'Root', { without });
  const below = leaf('Sub');
  const asked = {
    candidate: (sub: Certificate): PathInput => ({
      ...{ certificate: below, candidates: [sub], anchors: [anchor], at },
    }),
    anchor: (sub: Certificate): PathInput => ({
      ...{ certificate: below, candidates: [], anchors: [sub], at },
    }),
    tolerated: (sub: Certificate): PathInput => ({
      ...asked.candidate(sub),
      tolerated: ['missing-key-identifiers'],
    }),
    otherwise: (sub: Certificate): PathInput => ({
      ...asked.candidate(sub),
      tolerated: ['critical-information'],
    }),
    late: (sub: Certificate): PathInput => ({
      ...asked.tolerated(sub),
      at: new Date('2040-01-01T00:00:00Z'),
    }),
  } satisfies Record<string, (sub: Certificate) => PathInput>;
  const codesOf = (input: PathInput) => [
    ...new Set(problemsOf(input).map(({ code, index }) => `${index} ${code}`)),
  ];
  const expected = {
    candidate: ['1 key-identifier'],
    anchor: [],
    tolerated: [],
    otherwise: ['1 key-identifier'],
    late: ['0 expired', '1 expired', '2 expired'],
  };
  const ways = Object.keys(expected) as (keyof typeof expected)[];

  test.each(ways.flatMap((first) => ways.map((second) => [first, second] as const)))(
    'under one set of rules (%s) says nothing under another (%s)',
    (first, second) => {
      const sub = bare();
      for (const way of [first, second, first]) {
        expect(codesOf(asked[way](sub)), way).toEqual(expected[way]);
      }
    },
  );
});

test('what is kept of an authority is neither of one time, nor of one use, nor of one tolerance', () => {
  const critical = authority('Sub', 'Root', { extensions: [authorityKeyIdentifier('Root', true)] });
  const bare = authority('Sub', 'Root', { without: ['2.5.29.35'] });
  const codesOf = (sub: Certificate, more: Partial<PathInput> = {}): string[] =>
    problemsOf({ ...chain, certificate: leaf('Sub'), candidates: [sub], ...more }).map(
      ({ code }) => code,
    );
  for (const _ of [1, 2]) {
    expect(codesOf(critical)).toEqual(['extension-criticality']);
    expect(codesOf(critical, { tolerated: ['critical-information'] })).toEqual([]);
    expect(codesOf(critical, { tolerated: ['missing-key-identifiers'] })).toHaveLength(1);
    expect(codesOf(bare)).toEqual(['key-identifier']);
    expect(codesOf(bare, { tolerated: ['missing-key-identifiers'] })).toEqual([]);
    expect(codesOf(bare, { anchors: [bare] })).toEqual([]);
    const later = new Date('2037-01-01T00:00:00Z');
    const everything = ['expired', 'expired', 'key-identifier', 'expired'];
    expect(codesOf(bare, { at: later })).toEqual(everything);
  }
});

describe('revocation', () => {
  const asking = (status: (certificate: Certificate) => CertificateStatus) => vi.fn(status);

  test('RFC 5280 6.1.3 (a) (3) is asked from the leaf up, with the issuer, not for the anchor', () => {
    const statusOf = asking(() => 'good');
    const verdict = validatePath({ ...chain, statusOf });
    expect(verdict).toMatchObject({ ok: true, withoutStatus: [] });
    expect(statusOf.mock.calls).toEqual([
      [certificate, sub2],
      [sub2, sub1],
      [sub1, anchor],
    ]);
  });

  test('is not asked for paths that do not hold anyway', () => {
    const statusOf = asking(() => 'good');
    validatePath({ ...chain, statusOf, maximumPathLength: 1 });
    validatePath({ ...chain, statusOf, certificate: leaf('Sub 2', { tampered: true }) });
    validatePath({ ...chain, statusOf, anchors: [] });
    const late = new Date('2040-01-01T00:00:00Z');
    validatePath({ ...chain, statusOf, at: late, maximumPathLength: 1 });
    expect(statusOf).not.toHaveBeenCalled();
  });

  test('is told beside what is wrong with the time, and with nothing else', () => {
    const codes = (changed: Partial<PathInput>) => [
      ...new Set(
        problemsOf({ ...chain, statusOf: () => 'revoked', ...changed }).map(({ code }) => code),
      ),
    ];
    const times = [new Date('2040-01-01T00:00:00Z'), new Date('2020-01-01T00:00:00Z')] as const;
    expect(times.map((time) => codes({ at: time }))).toEqual([
      ['expired', 'revoked'],
      ['not-yet-valid', 'revoked'],
    ]);
    expect(times.map((time) => codes({ at: time, maximumPathLength: 1 }))).toEqual([
      ['expired', 'path-length'],
      ['not-yet-valid', 'path-length'],
    ]);
  });

  test('unknown is for the caller to judge', () => {
    const statusOf = asking((each) => (each === sub2 ? 'unknown' : 'good'));
    expect(validatePath({ ...chain, statusOf })).toMatchObject({ ok: true, withoutStatus: [sub2] });
  });

  test('revoked ends the path; every revoked certificate of it is named; each is asked for once', () => {
    const statusOf = asking((each) => (each === sub2 ? 'good' : 'revoked'));
    const problems = problemsOf({ ...chain, statusOf });
    expect(problems.map(({ code, index }) => [code, index])).toEqual([
      ['revoked', 0],
      ['revoked', 2],
    ]);
    expect(statusOf).toHaveBeenCalledTimes(3);
  });

  test('another path may hold', () => {
    const other = authority('Sub 1', 'Root', { serial: new Uint8Array([7]) });
    const statusOf = asking((each) => (each === sub1 ? 'revoked' : 'good'));
    const verdict = validatePath({ ...chain, candidates: [sub1, other, sub2], statusOf });
    expect(verdict).toMatchObject({ ok: true, path: [certificate, sub2, other, anchor] });
  });
});

// Whatever is changed in a certificate below the anchor, its signature covers.
test('A3 mutated chains never hold and never throw', () => {
  const originals = [certificate, sub2, sub1];
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.nat(10_000),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      (which, position, flip, isCut) => {
        const der = Uint8Array.from(originals[which]?.der ?? []);
        const index = position % der.length;
        der[index] = (der[index] as number) ^ flip;
        let changed: Certificate;
        try {
          changed = readCertificate(isCut ? der.subarray(0, index) : der);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
          return;
        }
        const [first = changed, ...candidates] = originals.map((each, at) =>
          at === which ? changed : each,
        );
        const verdict = validatePath({ ...chain, certificate: first, candidates });
        expect(verdict).toMatchObject({ ok: false });
        expect(verdict.ok ? [] : verdict.problems).not.toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
});

test('A3 any heap of certificates gives a verdict within the bounds, the same in any order', () => {
  const names = ['Root', 'A', 'B'];
  const spec = fc.record({
    subject: fc.constantFrom(...names),
    issuer: fc.constantFrom(...names),
    key: fc.constantFrom(...names),
    signer: fc.constantFrom(...names),
    ca: fc.boolean(),
    pathLength: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(fc.array(spec, { maxLength: 12 }), (specs) => {
      const candidates = specs.map(({ subject, issuer, ca, pathLength, ...keys }) =>
        authority(subject, issuer, { ...keys, ca, ...(ca && { pathLength }) }),
      );
      const limits = { steps: 50_000 };
      const input = { ...chain, certificate: leaf('A'), candidates, limits };
      const verdict = validatePath(input);
      const turned = validatePath({ ...input, candidates: candidates.toReversed() });
      expect(turned.ok).toBe(verdict.ok);
      expect(verdict.signatureChecks).toBeLessThanOrEqual(200);
      // What holds is a path: each signed by the next, none twice, as the caller demanded.
      if (!verdict.ok) return;
      expect(verdict.path.at(-1)).toBe(anchor);
      expect(new Set(verdict.path).size).toBe(verdict.path.length);
      const again = validatePath({ ...input, candidates: verdict.path.slice(1, -1) });
      expect(again.ok).toBe(true);
    }),
    { numRuns: 200 },
  );
});
