import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { assembleChain, chainPem } from '../../src/pki/chain.ts';
import { writeName } from '../../src/pki/names.ts';
import * as signatures from '../../src/pki/signature-algorithm.ts';
import type { ExtensionSet } from '../../src/pki/template.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';

// Counts signature checks; the real function does the work.
vi.mock(import('../../src/pki/signature-algorithm.ts'), async (original) => {
  const actual = await original();
  return { ...actual, verifySignature: vi.fn(actual.verifySignature) };
});
const verifySignature = vi.mocked(signatures.verifySignature);
afterEach(() => verifySignature.mockClear());

const certify = (
  subject: string,
  subjectKey: TestKey,
  issuer: string,
  issuerKey: TestKey,
  extensions: ExtensionSet = authorityExtensions(subjectKey, issuerKey),
): Certificate =>
  issue(
    templateFor(subjectKey, issuerKey, {
      subject: commonName(subject),
      issuerName: writeName(commonName(issuer)),
      extensions,
    }),
    issuerKey,
  );

const [rootKey, subKey, sub2Key, leafKey] = [
  generateKey(),
  generateKey(),
  generateKey('P-384'),
  generateKey(),
];
const root = certify('Root', rootKey, 'Root', rootKey);
const sub1 = certify('Sub 1', subKey, 'Root', rootKey);
const sub2 = certify('Sub 2', sub2Key, 'Sub 1', subKey);
const leaf = certify('Leaf', leafKey, 'Sub 2', sub2Key, leafExtensions(leafKey, sub2Key));

describe('assembling a chain', () => {
  const without = { includeRoot: false };
  const withRoot = { includeRoot: true };

  test('leaf first, in any order of candidates, root only when asked', () => {
    for (const candidates of [
      [root, sub1, sub2],
      [sub2, sub1, root],
      [leaf, sub1, sub1, root, leaf, sub2],
    ]) {
      expect(assembleChain(leaf, candidates, withRoot)).toEqual([leaf, sub2, sub1, root]);
      expect(assembleChain(leaf, candidates, without)).toEqual([leaf, sub2, sub1]);
    }
  });

  test('a root is its own chain', () => {
    expect(assembleChain(root, [root, sub1], without)).toEqual([root]);
    expect(assembleChain(root, [root, sub1], withRoot)).toEqual([root]);
  });

  test('ends where no candidate is the issuer', () => {
    expect(assembleChain(leaf, [sub2, root], withRoot)).toEqual([leaf, sub2]);
    expect(assembleChain(leaf, [], withRoot)).toEqual([leaf]);
  });

  // [V2G2-878]: several roots of one name at the same time.
  test('after a rollover the key identifier tells issuers of one name apart', () => {
    const newKey = generateKey();
    const renewed = certify('Sub 2', newKey, 'Sub 1', subKey);
    const newLeaf = certify('Leaf', leafKey, 'Sub 2', newKey, leafExtensions(leafKey, newKey));
    const candidates = [renewed, sub2, sub1, root];
    expect(assembleChain(leaf, candidates, without)).toEqual([leaf, sub2, sub1]);
    expect(assembleChain(newLeaf, candidates, without)).toEqual([newLeaf, renewed, sub1]);
    verifySignature.mockClear();
    assembleChain(newLeaf, [sub2, renewed], without);
    expect(verifySignature).toHaveBeenCalledTimes(1);
  });

  test('without key identifiers the signature tells them apart', () => {
    const bare: ExtensionSet = { basicConstraints: { critical: true, ca: true } };
    const keys = [generateKey(), generateKey(), generateKey()];
    const roots = keys.map((key) => certify('Old', key, 'Old', key, bare));
    for (const [index, key] of keys.entries()) {
      const child = certify('Child', leafKey, 'Old', key, bare);
      expect(assembleChain(child, roots, withRoot)).toEqual([child, roots[index]]);
    }
  });

  test('name and key identifier alone make no issuer', () => {
    const impostorKey = generateKey();
    const impostor = certify('Sub 2', impostorKey, 'Sub 1', subKey, {
      ...authorityExtensions(impostorKey, subKey),
      subjectKeyIdentifier: sub2.extensions.subjectKeyIdentifier as {
        critical: boolean;
        value: Uint8Array;
      },
    });
    expect(assembleChain(leaf, [impostor], withRoot)).toEqual([leaf]);
    expect(assembleChain(leaf, [impostor, sub2], withRoot)).toEqual([leaf, sub2]);
  });

  test('a self-issued certificate that is not self-signed is not a root', () => {
    const newRootKey = generateKey();
    const newRoot = certify('Root', newRootKey, 'Root', newRootKey);
    // RFC 4210 4.4: the new key certified with the old one.
    const newWithOld = certify('Root', newRootKey, 'Root', rootKey);
    const child = certify('Sub', subKey, 'Root', newRootKey);
    expect(assembleChain(child, [newWithOld, root], withRoot)).toEqual([child, newWithOld, root]);
    expect(assembleChain(child, [newWithOld, root], without)).toEqual([child, newWithOld]);
    // Where the new root itself is at hand, it ends the chain.
    expect(assembleChain(child, [newWithOld, root, newRoot], withRoot)).toEqual([child, newRoot]);
  });

  test('a root comes before a cross certificate for the same key', () => {
    const otherKey = generateKey();
    const cross = certify('Root', rootKey, 'Other Root', otherKey);
    const other = certify('Other Root', otherKey, 'Other Root', otherKey);
    expect(assembleChain(sub1, [cross, other, root], withRoot)).toEqual([sub1, root]);
    expect(assembleChain(sub1, [cross, other], withRoot)).toEqual([sub1, cross, other]);
  });

  test('A3 two authorities that certify each other end the chain', () => {
    const [aKey, bKey] = [generateKey(), generateKey()];
    const a = certify('A', aKey, 'B', bKey);
    const b = certify('B', bKey, 'A', aKey);
    const child = certify('Leaf', leafKey, 'A', aKey, leafExtensions(leafKey, aKey));
    expect(assembleChain(child, [a, b], withRoot)).toEqual([child, a, b]);
  });

  test('A3 ends after 8 certificates', () => {
    const key = generateKey();
    const tower = Array.from({ length: 12 }, (_, i) => certify(`${i}`, key, `${i + 1}`, key));
    const [bottom, ...rest] = tower;
    if (bottom === undefined) throw new Error('no tower');
    expect(assembleChain(bottom, rest, withRoot)).toEqual(tower.slice(0, 8));
  });

  test('A3 100 candidates of one name cost at most 64 signature checks', () => {
    const bare: ExtensionSet = { basicConstraints: { critical: true, ca: true } };
    const key = generateKey();
    const lookalikes = Array.from({ length: 100 }, () => certify('Sub 2', key, 'X', key, bare));
    expect(assembleChain(leaf, lookalikes, withRoot)).toEqual([leaf]);
    expect(verifySignature).toHaveBeenCalledTimes(64);
    // The issuer whose key identifier agrees is found behind them all.
    expect(assembleChain(leaf, [...lookalikes, sub2, sub1, root], withRoot)).toEqual([
      leaf,
      sub2,
      sub1,
      root,
    ]);
  });
});

describe('a chain as PEM', () => {
  test('is the certificates in their order', () => {
    const pem = chainPem([leaf, sub2]);
    const blocks = pem.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(blocks.map((block) => new X509Certificate(block).raw)).toEqual([
      Buffer.from(leaf.der),
      Buffer.from(sub2.der),
    ]);
    expect(chainPem([])).toBe('');
  });
});
