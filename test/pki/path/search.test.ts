/** In which order paths are tried, and which are not. */

import { describe, expect, test, vi } from 'vitest';
import { answeredAtOnce } from '../../../src/pki/asking.ts';
import { type Certificate, verifyIssuedBy } from '../../../src/pki/certificate.ts';
import { defaultPathLimits, startSpending } from '../../../src/pki/path/limits.ts';
import { pathsIn } from '../../../src/pki/path/search.ts';
import { type SignatureQuestion, signatureChecker } from '../../../src/pki/path/signatures.ts';
import { type Web, weave } from '../../../src/pki/path/web.ts';
import { authority, leaf, root } from '../../support/path-certificates.ts';

const anchor = root('Root');
const [ab, ba, aRoot] = [authority('A', 'B'), authority('B', 'A'), authority('A', 'Root')];
const certificate = leaf('A');
const all = (): boolean => true;
const start = (candidates: readonly Certificate[], anchors = [anchor]) => {
  const spending = startSpending(defaultPathLimits);
  const rules = { at: new Date('2030-01-01T00:00:00Z') };
  return { spending, web: weave({ certificate, candidates, anchors }, rules, spending) };
};
const certificates = (path: Web['leaf'][]): Certificate[] => path.map((node) => node.certificate);

describe('the search for paths', () => {
  test('RFC 5280 6.1 tries the shortest first, and none with a certificate twice', () => {
    const { spending, web } = start([ab, ba, aRoot]);
    const paths = [...pathsIn(web, all, spending)].map((path) => certificates([...path]));
    expect(paths).toEqual([
      [certificate, aRoot, anchor],
      [certificate, ab, ba, aRoot, anchor],
    ]);
  });

  test('tries no path over a pair that was disconnected meanwhile', () => {
    const twin = authority('A', 'Root', { serial: new Uint8Array([7]) });
    const { spending, web } = start([ab, ba, aRoot, twin]);
    const paths: Certificate[][] = [];
    for (const path of pathsIn(web, all, spending)) {
      paths.push(certificates([...path]));
      // The key of A, whichever certificate it stands in.
      web.disconnect(web.leaf, path[1] as Web['leaf']);
    }
    expect(paths).toEqual([[certificate, aRoot, anchor]]);
  });

  test('[V2G2-878] tries the key that is named first, of ten anchors with one name', () => {
    const others = Array.from({ length: 9 }, (_, index) =>
      root('Root', { key: `Other ${index}`, signer: `Other ${index}` }),
    );
    const { spending, web } = start([aRoot], [...others, anchor]);
    const [path = []] = [...pathsIn(web, all, spending)];
    expect(certificates([...path])).toEqual([certificate, aRoot, anchor]);
  });
});

test('A3 a pair of certificate and key is verified once, whatever comes of it', () => {
  const verify = vi.fn(({ child, issuerKey }: SignatureQuestion) =>
    verifyIssuedBy(child, issuerKey),
  );
  const { spending, web } = start([ba, aRoot]);
  const check = signatureChecker(spending);
  const stateOf = (child?: Web['leaf'], issuer?: Web['leaf']) =>
    answeredAtOnce(check(child as Web['leaf'], issuer as Web['leaf']), verify);
  const [right] = web.issuersOf(web.leaf);
  const [wrong] = web.issuersOf(right as Web['leaf']);
  for (const _ of [1, 2, 3]) {
    expect(stateOf(web.leaf, right)).toBe('good');
    expect(stateOf(web.leaf, wrong)).toBe('bad');
  }
  expect(verify).toHaveBeenCalledTimes(2);
  expect(spending.spent.signatureChecks).toBe(2);
});
