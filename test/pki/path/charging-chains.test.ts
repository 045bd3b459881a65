/** The chains of the ISO 15118 vectors, as cars, operators and provisioning services have them. */

import { describe, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../../src/pki/certificate.ts';
import { chargingTolerances } from '../../../src/pki/path/rules.ts';
import { type PathInput, validatePath } from '../../../src/pki/path/validate-path.ts';
import { fromHex, readVector, vectorNames } from '../../support/vectors.ts';

type Entry = { readonly certDerHex: string };
const read = ({ certDerHex }: Entry): Certificate => readCertificate(fromHex(certDerHex));

interface Chain {
  readonly leaf: Certificate;
  readonly above: readonly Certificate[];
  readonly root: Certificate;
}

/** Its provisioning certificate ended before its sub-CA began. */
const expired = 'iso2-neg-expired-oem-cert';

/** Vectors by name with what they know of a PKI; some are about messages only. */
const worlds = vectorNames('iso').flatMap((name) => {
  const { pki } = readVector(name);
  return pki?.oemRoot && pki.oemProv && name !== expired ? [{ name, pki }] : [];
});

const chainsOf = (pki: Record<string, Entry & readonly Entry[]>): readonly Chain[] =>
  (
    [
      ['oemProv', 'oemSubCAsTopDown', 'oemRoot'],
      ['contract', 'moSubCAsTopDown', 'moRoot'],
      ['cpsLeaf', 'cpsSubCAsTopDown', 'v2gRoot'],
    ] as const
  ).flatMap(([leaf, above, root]) =>
    pki[leaf] && pki[root]
      ? [{ leaf: read(pki[leaf]), above: (pki[above] ?? []).map(read), root: read(pki[root]) }]
      : [],
  );

/** A moment when all of it holds. */
const inputFor = ({ leaf, above, root }: Chain): PathInput => ({
  certificate: leaf,
  candidates: above,
  anchors: [root],
  at: new Date(Math.max(...[leaf, ...above, root].map(({ notBefore }) => notBefore.getTime()))),
  tolerated: chargingTolerances,
});

test('there are such vectors of both standards', () => {
  expect(worlds.filter(({ name }) => name.startsWith('iso2-')).length).toBeGreaterThan(4);
  expect(worlds.filter(({ name }) => name.startsWith('iso20-')).length).toBeGreaterThan(2);
});

describe.each(worlds)('$name', ({ pki }) => {
  const chains = chainsOf(pki);

  test('A3 each chain leads to its root', () => {
    expect(chains.length).toBeGreaterThan(0);
    for (const chain of chains) {
      const { leaf, above, root } = chain;
      const verdict = validatePath(inputFor(chain));
      expect(verdict).toMatchObject({ ok: true, signatureChecks: above.length + 1 });
      expect(verdict.ok && verdict.path).toEqual([leaf, ...above.toReversed(), root]);
    }
  });

  test('A3 and to no other, nor after its time', () => {
    for (const chain of chains) {
      const input = inputFor(chain);
      const others = chains.map(({ root }) => root).filter((root) => root !== chain.root);
      const codesOf = (changed: PathInput) => {
        const verdict = validatePath(changed);
        return verdict.ok ? [] : verdict.problems.map(({ code }) => code);
      };
      expect(codesOf({ ...input, anchors: others })).toEqual(['path-not-found']);
      const late = new Date(chain.leaf.notAfter.getTime() + 1000);
      expect(codesOf({ ...input, at: late })).toContain('expired');
    }
  });
});

test(`A3 ${expired}: the provisioning certificate, and nothing else`, () => {
  const [oem] = chainsOf(readVector(expired).pki);
  if (oem === undefined) throw new Error('there is no chain');
  const verdict = validatePath(inputFor(oem));
  expect(verdict).toMatchObject({ ok: false, problems: [{ code: 'expired', index: 0 }] });
  expect(verdict.ok || verdict.problems).toHaveLength(1);
});
