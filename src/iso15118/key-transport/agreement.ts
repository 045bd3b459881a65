/**
 * One-pass Diffie-Hellman, C(1, 1, ECC CDH) of SP 800-56A: an ephemeral key of the sender, the
 * static key of the car. Both curves have cofactor 1, so that a point on the curve is one of the
 * whole group.
 */

import { createECDH, type ECDH } from 'node:crypto';
import { type Curve, curves, isOnCurve, isScalar } from '../../pki/curves.ts';
import { readPublicKey } from '../../pki/public-key.ts';
import { KeyTransportError } from './key-transport-error.ts';

/** The curves of contract keys in ISO 15118-2 and -20. */
export type TransportCurve = 'P-256' | 'P-521';

/** What a sender knows after agreeing with a car's key. */
export interface Agreement {
  /** The sender's ephemeral public key: 04, X, Y; of X448 the 56 octets of RFC 7748. */
  readonly dhPublicKey: Uint8Array;
  /** The x coordinate, big-endian; of X448 what RFC 7748 returns. Whoever made it overwrites it. */
  readonly sharedSecret: Uint8Array;
}

/**
 * Agrees with a car's key, on the event loop.
 * @param ephemeral the sender's key on this curve, used once
 * @param recipient SubjectPublicKeyInfo, DER
 * @throws KeyTransportError `recipient-key`
 */
export function agree(curve: TransportCurve, ephemeral: ECDH, recipient: Uint8Array): Agreement {
  const point = recipientPoint(curve, recipient);
  return { dhPublicKey: ephemeral.getPublicKey(), sharedSecret: ephemeral.computeSecret(point) };
}

/**
 * The car's side: its own private key, the sender's ephemeral public key.
 * @returns a buffer that the caller overwrites
 * @throws KeyTransportError `dh-public-key`, `scalar-out-of-range`
 */
export function agreedSecret(
  curve: TransportCurve,
  privateKey: Uint8Array,
  dhPublicKey: Uint8Array,
): Buffer {
  requirePoint(curves[curve], dhPublicKey);
  requireScalar(curves[curve], privateKey);
  const pair = createECDH(curves[curve].nodeName);
  pair.setPrivateKey(privateKey);
  return pair.computeSecret(dhPublicKey);
}

/**
 * The point of a key that something is to be encrypted for: 04, X, Y.
 * @param spki SubjectPublicKeyInfo, DER
 * @throws KeyTransportError `recipient-key` unless it is a key on this curve
 */
export function recipientPoint(curve: TransportCurve, spki: Uint8Array): Uint8Array {
  const key = readPublicKey(spki);
  if (!key.ok) {
    const reasons = key.violations.map(({ message }) => message).join(' ');
    throw new KeyTransportError('recipient-key', reasons);
  }
  if (key.value.algorithm !== curve) {
    throw new KeyTransportError(
      'recipient-key',
      `The recipient's key is of type ${key.value.algorithm}; ${curve} is expected.`,
    );
  }
  return key.value.bits;
}

function requirePoint(curve: Curve, point: Uint8Array): void {
  const { octets, name } = curve;
  if (point.length !== 1 + 2 * octets || point[0] !== 0x04) {
    throw new KeyTransportError(
      'dh-public-key',
      `The ephemeral public key is not an uncompressed point of ${1 + 2 * octets} octets.`,
    );
  }
  if (!isOnCurve(curve, point.subarray(1, 1 + octets), point.subarray(1 + octets))) {
    throw new KeyTransportError(
      'dh-public-key',
      `The ephemeral public key does not lie on ${name}.`,
    );
  }
}

/** @throws KeyTransportError `scalar-out-of-range` unless 0 < d < n, in the curve's octets */
export function requireScalar(curve: Curve, scalar: Uint8Array): void {
  if (scalar.length !== curve.octets || !isScalar(curve, scalar)) {
    throw new KeyTransportError(
      'scalar-out-of-range',
      `A private key of ${curve.name} has ${curve.octets} octets and lies between 1 and the order of the curve.`,
    );
  }
}
