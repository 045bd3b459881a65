/** Key agreement on curve448 (RFC 7748 5, 6.2): keys are 56 octets, little-endian. */

import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { littleEndian } from '../../pki/curves.ts';
import type { Agreement } from './agreement.ts';
import { KeyTransportError, type KeyTransportErrorCode } from './key-transport-error.ts';
import { secretOctets } from './secret-octets.ts';

/** Octets of a public key, of a private key and of what two of them agree on. */
export const X448_OCTETS = 56;

/** p of RFC 7748 4.2. */
const prime = 2n ** 448n - 2n ** 224n - 1n;
/** Of small order, on the curve or on its twist: whatever is multiplied with them gives zero. */
const smallOrder: ReadonlySet<bigint> = new Set([0n, 1n, prime - 1n]);

/** All that precedes the key in SubjectPublicKeyInfo and in PKCS#8 (RFC 8410 4, 7). */
const spkiPrefix = Buffer.from('3042300506032b656f033900', 'hex');
const pkcs8Prefix = Buffer.from('3046020100300506032b656f043a0438', 'hex');

/**
 * Reads the X448 public key of a car.
 * @throws KeyTransportError `recipient-key` unless it has 56 octets, in the one form of its value,
 *   and is not of small order
 */
export const x448PublicKey = (octets: Uint8Array): KeyObject =>
  readX448(octets, 'recipient-key', "The recipient's X448 key");

function readX448(octets: Uint8Array, code: KeyTransportErrorCode, what: string): KeyObject {
  if (octets.length !== X448_OCTETS) {
    throw new KeyTransportError(
      code,
      `${what} has ${octets.length} octets; ${X448_OCTETS} are expected.`,
    );
  }
  const u = littleEndian(octets);
  if (u >= prime) throw new KeyTransportError(code, `${what} is not in canonical form.`);
  if (smallOrder.has(u)) throw new KeyTransportError(code, `${what} is of small order.`);
  const spki = Buffer.concat([spkiPrefix, octets]);
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

/** A private key of 56 octets, for use at once. */
function x448PrivateKey(octets: Uint8Array): KeyObject {
  if (octets.length !== X448_OCTETS) {
    throw new KeyTransportError(
      'scalar-out-of-range',
      `A private key of X448 has ${X448_OCTETS} octets.`,
    );
  }
  const pkcs8 = secretOctets(pkcs8Prefix.length + X448_OCTETS);
  pkcs8.set(pkcs8Prefix);
  pkcs8.set(octets, pkcs8Prefix.length);
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } finally {
    pkcs8.fill(0);
  }
}

/** The public key of a private one, 56 octets. */
export const x448PublicOctets = (privateKey: Uint8Array): Uint8Array =>
  publicOctets(createPublicKey(x448PrivateKey(privateKey)));

const publicOctets = (key: KeyObject): Uint8Array =>
  key.export({ type: 'spki', format: 'der' }).subarray(-X448_OCTETS);

/**
 * Agrees with a car's key.
 * @param ephemeral the sender's X448 private key, used once
 * @param recipient 56 octets
 * @throws KeyTransportError `recipient-key`, `shared-secret-zero`
 */
export function agreeOnX448(ephemeral: KeyObject, recipient: Uint8Array): Agreement {
  const publicKey = x448PublicKey(recipient);
  return {
    dhPublicKey: publicOctets(createPublicKey(ephemeral)),
    sharedSecret: agreedOctets(ephemeral, publicKey),
  };
}

/**
 * The car's side.
 * @param privateKey 56 octets
 * @returns a buffer that the caller overwrites
 * @throws KeyTransportError `dh-public-key`, `scalar-out-of-range`, `shared-secret-zero`
 */
export function agreedX448Secret(privateKey: Uint8Array, dhPublicKey: Uint8Array): Buffer {
  const publicKey = readX448(dhPublicKey, 'dh-public-key', 'The ephemeral public key');
  return agreedOctets(x448PrivateKey(privateKey), publicKey);
}

/** RFC 7748 6.2: who agrees on zero has a key of small order before him, and stops. */
function agreedOctets(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const secret = derived(privateKey, publicKey);
  if (secret?.some((octet) => octet !== 0)) return secret;
  throw new KeyTransportError('shared-secret-zero', 'The X448 keys agree on zero.');
}

/** OpenSSL checks for zero as well, and throws. */
function derived(privateKey: KeyObject, publicKey: KeyObject): Buffer | undefined {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
}
