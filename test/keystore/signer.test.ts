import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  verify,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { generateKey } from '../../src/keystore/generate.ts';
import { createSigner } from '../../src/keystore/signer.ts';
import { type KeyAlgorithm, keyAlgorithms, readPublicKey } from '../../src/pki/public-key.ts';
import { signatureAlgorithmFor, verifySignature } from '../../src/pki/signature-algorithm.ts';
import { verifyPieces } from '../../src/services/long-messages.ts';

const privateKeyOf = (pkcs8: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
const publicKeyOf = (spki: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });

/** What other people must verify with, written out instead of asked of our own tables. */
const digests: Record<KeyAlgorithm, string | undefined> = {
  'P-256': 'sha256',
  'P-384': 'sha384',
  'P-521': 'sha512',
  Ed25519: undefined,
  Ed448: undefined,
  'RSA-2048': 'sha256',
  'RSA-3072': 'sha256',
  'RSA-4096': 'sha256',
};

describe.each(keyAlgorithms)('%s', (algorithm) => {
  test('a generated key is in the exact encoding that evpki accepts, and signs', async () => {
    const { spki, pkcs8 } = await generateKey(algorithm);
    const read = readPublicKey(spki);
    if (!read.ok) throw new Error(read.violations[0]?.message);
    expect(read.value.algorithm).toBe(algorithm);

    const signer = createSigner(privateKeyOf(pkcs8), algorithm, spki);
    expect(signer.algorithm).toBe(algorithm);
    expect(signer.spki).toBe(spki);

    const message = Buffer.from('to be signed');
    const asked = signer.sign(message);
    message.fill(0); // a caller may use its buffer again at once
    const signature = await asked;
    const holds = (text: string) =>
      verify(digests[algorithm], Buffer.from(text), publicKeyOf(spki), signature);
    expect(holds('to be signed')).toBe(true);
    expect(holds('to be Signed')).toBe(false);
    const name = signatureAlgorithmFor(algorithm);
    expect(verifySignature(read.value, name, Buffer.from('to be signed'), signature)).toBe(true);

    const pieces = ['to be ', '', 'signed'].map((piece) => Buffer.from(piece));
    const ofPieces = await signer.signPieces(pieces);
    expect(verifySignature(read.value, name, Buffer.from('to be signed'), ofPieces)).toBe(true);
    const key = publicKeyOf(spki);
    expect(await verifyPieces(digests[algorithm], pieces, key, ofPieces)).toBe(true);
    expect(await verifyPieces(digests[algorithm], pieces.slice(1), key, ofPieces)).toBe(false);
  }, 20_000);
});

test('concurrent signatures of a key on the thread pool all hold', async () => {
  const { spki, pkcs8 } = await generateKey('P-384');
  const signer = createSigner(privateKeyOf(pkcs8), 'P-384', spki);
  const messages = Array.from({ length: 10 }, (_, index) => Buffer.from(`message ${index}`));
  const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
  const key = publicKeyOf(spki);
  const results = signatures.map((signature, i) =>
    verify('sha384', messages[i] ?? Buffer.of(), key, signature),
  );
  expect(results).toEqual(Array(10).fill(true));
});

test.each(['P-256', 'P-384'] as const)(
  'a failure to sign with %s is a rejection, not an exception',
  async (algorithm) => {
    const { spki, pkcs8 } = await generateKey(algorithm);
    const signer = createSigner(privateKeyOf(pkcs8), algorithm, spki);
    await expect(signer.sign('text' as unknown as Uint8Array).then(() => 'signed')).resolves.toBe(
      'signed',
    );
    await expect(signer.sign(7 as unknown as Uint8Array)).rejects.toThrow();
  },
);

describe('a signer is refused', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  test('for the public key of another pair', async () => {
    const { spki } = await generateKey('P-256');
    expect(() => createSigner(other.privateKey, 'P-256', spki)).toThrow(
      expect.objectContaining({ code: 'key-mismatch' }),
    );
  });

  const spki = other.publicKey.export({ type: 'spki', format: 'der' });
  const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  test.each<[string, KeyObject, KeyAlgorithm, Uint8Array]>([
    ['another algorithm', other.privateKey, 'P-384', spki],
    ['a public key in place of the private one', other.publicKey, 'P-256', spki],
    [
      'another curve',
      curve.privateKey,
      'P-256',
      curve.publicKey.export({ type: 'spki', format: 'der' }),
    ],
  ])('for %s', (_name, key, algorithm, of) => {
    expect(() => createSigner(key, algorithm, of)).toThrow(
      expect.objectContaining({ name: 'KeystoreError', code: 'key-mismatch' }),
    );
  });
});
