/**
 * Points of the two Edwards curves (RFC 8032 5.1.2, 5.2.2) that no honest key consists of: written
 * in a second way, or of small order. Under a key of small order a signature can verify for any
 * message, so such a key proves nothing about who signed.
 */

import { littleEndian } from './curves.ts';

export type EdwardsCurve = 'Ed25519' | 'Ed448';

const ed25519Prime = 2n ** 255n - 19n;
const ed448Prime = 2n ** 448n - 2n ** 224n - 1n;

const ed25519Order8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/**
 * The y of the points whose order divides 8: 1 (neutral), -1 (order 2), 0 (order 4), and the
 * roots of d*y^4 + 2*y^2 - 1 (order 8), which are what doubles to order 4.
 */
const ed25519SmallOrder: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  ed25519Prime - 1n,
  ed25519Order8,
  ed25519Prime - ed25519Order8,
]);

/** The y of the points whose order divides 4. */
const ed448SmallOrder: ReadonlySet<bigint> = new Set([0n, 1n, ed448Prime - 1n]);

/**
 * Why an encoded point (32 or 57 octets) is no acceptable public key, or undefined if it is one.
 * Not decided here, because it costs as much as a signature check: whether any point has this y.
 * See {@link edwardsPointExists}.
 */
export function edwardsPointProblem(curve: EdwardsCurve, bytes: Uint8Array): string | undefined {
  const y = edwardsY(curve, bytes);
  const [prime, smallOrder] =
    curve === 'Ed25519' ? [ed25519Prime, ed25519SmallOrder] : [ed448Prime, ed448SmallOrder];
  if (y === undefined || y >= prime) return `its ${curve} point is not in canonical form`;
  if (smallOrder.has(y)) return `its ${curve} point is of small order`;
  return undefined;
}

/** Whether the curve has a point with this encoding's y (RFC 8032 5.1.3 and 5.2.3, decoding). */
export function edwardsPointExists(curve: EdwardsCurve, bytes: Uint8Array): boolean {
  const y = edwardsY(curve, bytes);
  if (y === undefined) return false;
  // x^2 = numerator / denominator, and a quotient is a square exactly if the product is one.
  const y2 = y * y;
  if (curve === 'Ed25519') {
    // d = -121665/121666, multiplied out: x^2 = 121666(y^2-1) / (-121665y^2 + 121666).
    return isSquare(121666n * (y2 - 1n) * (121666n - 121665n * y2), ed25519Prime);
  }
  return isSquare((y2 - 1n) * (-39081n * y2 - 1n), ed448Prime);
}

/** The y coordinate; the highest bit of the last octet is the sign of x. */
function edwardsY(curve: EdwardsCurve, bytes: Uint8Array): bigint | undefined {
  const last = bytes[bytes.length - 1] ?? 0;
  if (curve === 'Ed448') {
    // The last of the 57 octets holds nothing but the sign.
    return (last & 0x7f) === 0 ? littleEndian(bytes.subarray(0, 56)) : undefined;
  }
  return littleEndian(bytes) & (2n ** 255n - 1n);
}

/** Euler's criterion. */
function isSquare(value: bigint, prime: bigint): boolean {
  const reduced = ((value % prime) + prime) % prime;
  if (reduced === 0n) return true;
  let result = 1n;
  for (const bit of ((prime - 1n) / 2n).toString(2)) {
    result = (result * result) % prime;
    if (bit === '1') result = (result * reduced) % prime;
  }
  return result === 1n;
}
