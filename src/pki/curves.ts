/**
 * The three elliptic curves of evpki (FIPS 186-4 D.1.2, SEC 2): their parameters and the question
 * whether a point lies on one. The check is made here rather than left to the key import below
 * us, so that it holds for every import route; with cofactor 1 a point on the curve that is not
 * infinity is a valid public key (RFC 5480 2.2, SEC 1 3.2.2.1).
 */

import { compareBytes } from './byte-order.ts';

export type CurveName = 'P-256' | 'P-384' | 'P-521';

export interface Curve {
  readonly name: CurveName;
  /** The curve's name in node:crypto. */
  readonly nodeName: string;
  /** The octets of a coordinate, and of `r` and `s` of a signature. */
  readonly octets: number;
  readonly prime: bigint;
  /** b of y^2 = x^3 - 3x + b. */
  readonly b: bigint;
  /** The order of the group, a prime. */
  readonly order: bigint;
}

export const curves: Readonly<Record<CurveName, Curve>> = {
  'P-256': {
    name: 'P-256',
    nodeName: 'prime256v1',
    octets: 32,
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-384': {
    name: 'P-384',
    nodeName: 'secp384r1',
    octets: 48,
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  'P-521': {
    name: 'P-521',
    nodeName: 'secp521r1',
    octets: 66,
    prime: 2n ** 521n - 1n,
    b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    order:
      0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
};

/** The curve of a key algorithm, or undefined for keys that are not on one of the three. */
export function curveOf(algorithm: string): Curve | undefined {
  return Object.hasOwn(curves, algorithm) ? curves[algorithm as CurveName] : undefined;
}

/**
 * Whether two coordinates, big-endian and of the curve's length, are those of a point on it.
 * Coordinates that are not reduced modulo the prime are not (SEC 1 3.2.2.1 step 2).
 */
export function isOnCurve({ prime, b }: Curve, xOctets: Uint8Array, yOctets: Uint8Array): boolean {
  const x = bigEndian(xOctets);
  const y = bigEndian(yOctets);
  if (x >= prime || y >= prime) return false;
  return (y * y - ((x * x - 3n) * x + b)) % prime === 0n;
}

/**
 * Whether these octets, most significant first, are between 1 and the order - 1: what private keys
 * and both halves of an ECDSA signature are. Octet by octet and without a number of its own: it is
 * asked four times for every certificate, and of secrets, which numbers would keep.
 */
export function isScalar({ name, octets }: Curve, magnitude: Uint8Array): boolean {
  if (magnitude.length > octets || magnitude.every((octet) => octet === 0)) return false;
  // The order fills its octets, so that whatever has fewer is below it.
  return magnitude.length < octets || compareBytes(magnitude, orders[name]) < 0;
}

const orderOctets = ({ order, octets }: Curve): Uint8Array =>
  Buffer.from(order.toString(16).padStart(2 * octets, '0'), 'hex');

const orders: Readonly<Record<CurveName, Uint8Array>> = {
  'P-256': orderOctets(curves['P-256']),
  'P-384': orderOctets(curves['P-384']),
  'P-521': orderOctets(curves['P-521']),
};

/** The unsigned integer that these octets write, most significant octet first. */
export function bigEndian(octets: Uint8Array): bigint {
  const { buffer, byteOffset, length } = octets;
  const view = new DataView(buffer, byteOffset, length);
  let value = 0n;
  let at = 0;
  for (; at < length % 8; at++) value = (value << 8n) | BigInt(view.getUint8(at));
  for (; at < length; at += 8) value = (value << 64n) | view.getBigUint64(at);
  return value;
}

/** The unsigned integer that these octets write, least significant octet first. */
export const littleEndian = (octets: Uint8Array): bigint => bigEndian(octets.toReversed());
