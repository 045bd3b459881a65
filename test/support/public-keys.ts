/** Public keys for tests: good ones from node:crypto, others put together by hand. */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { bitString, integer, nullValue, oid, sequence } from '../../src/pki/der-writer.ts';
import { algorithms } from '../../src/pki/oids.ts';
import { type KeyAlgorithm, type PublicKey, readPublicKey } from '../../src/pki/public-key.ts';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generators: Readonly<Record<KeyAlgorithm, () => KeyPair>> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  Ed25519: () => generateKeyPairSync('ed25519'),
  Ed448: () => generateKeyPairSync('ed448'),
  'RSA-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'RSA-3072': () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  'RSA-4096': () => generateKeyPairSync('rsa', { modulusLength: 4096 }),
};

export const keyAlgorithms = Object.keys(generators) as readonly KeyAlgorithm[];

const pairs = new Map<KeyAlgorithm, KeyPair>();

/** A key pair of this kind, the same one for every call within a test file. */
export function keyPair(algorithm: KeyAlgorithm): KeyPair {
  const known = pairs.get(algorithm) ?? generators[algorithm]();
  pairs.set(algorithm, known);
  return known;
}

export const freshKeyPair = (algorithm: KeyAlgorithm): KeyPair => generators[algorithm]();

/** DER of the public key, in bytes of its own. */
export const spkiOf = ({ publicKey }: KeyPair): Uint8Array =>
  new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));

/** The key that `readPublicKey` reads, which must succeed. */
export function acceptedKey(spki: Uint8Array): PublicKey {
  const read = readPublicKey(spki);
  if (!read.ok) throw new Error(read.violations.map(({ message }) => message).join(' '));
  return read.value;
}

/** An RSA public key with this modulus (RFC 3279 2.3.1). */
export const rsaSpki = (modulus: bigint, exponent: number | bigint = 65537): Uint8Array =>
  sequence(
    sequence(oid(algorithms.rsaEncryption), nullValue()),
    bitString(sequence(integer(modulus), integer(exponent))),
  );

/** An EC public key; `curve` is the dotted OID of a named curve (RFC 5480 2). */
export const ecSpki = (curve: string, point: Uint8Array): Uint8Array =>
  sequence(sequence(oid(algorithms.ecPublicKey), oid(curve)), bitString(point));

export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** Big-endian, zero-padded. */
export const octetsOf = (value: bigint, length: number): Uint8Array =>
  hex(value.toString(16).padStart(2 * length, '0'));

export function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = ((base % modulus) + modulus) % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
