/**
 * The private key of an Ed448 certificate as a number. RFC 8032 knows two private keys: the 57
 * random octets that everything is derived from, and the number `s` that the base point is
 * multiplied with. ISO 15118-20 transports 448 bits, big-endian, below the order of the base point,
 * which times the base point are the public key ([V2G20-2501], [V2G20-2510]): that is `s`, reduced.
 * The 57 octets would not fit.
 *
 * Numbers of JavaScript cannot be overwritten, so a secret one never becomes one here; only the
 * car's check, which no service runs, calculates with it.
 */

import { createHash } from 'node:crypto';
import { sameBytes } from '../../pki/byte-order.ts';
import { bigEndian, littleEndian } from '../../pki/curves.ts';
import { secretOctets } from './secret-octets.ts';
import { x448PublicOctets } from './x448.ts';

const OCTETS = 56;
/** Octets of the private key of RFC 8032 5.2.5. */
export const ED448_SEED = 57;

/** p, d and the order L of RFC 8032 5.2. */
const prime = 2n ** 448n - 2n ** 224n - 1n;
const d = prime - 39081n;
const order = 2n ** 446n - 0x8335dc163bb124b65129c96fde933d8d723a70aadc873d6d54a7bb0dn;
const orderOctets = Buffer.from(order.toString(16).padStart(2 * OCTETS, '0'), 'hex');

/**
 * The number that belongs to a private key, reduced by the order.
 * @param seed 57 octets (RFC 8032 5.2.5)
 * @returns 56 octets, big-endian; the caller overwrites them
 */
export function ed448Scalar(seed: Uint8Array): Buffer {
  const hash = createHash('shake256', { outputLength: 114 }).update(seed).digest();
  // RFC 8032 5.2.5 step 2; the 57th octet becomes zero and is not part of the number.
  hash[0] = (hash[0] as number) & 0xfc;
  hash[55] = (hash[55] as number) | 0x80;
  const scalar = secretOctets(OCTETS);
  for (let at = 0; at < OCTETS; at += 1) scalar[at] = hash[OCTETS - 1 - at] as number;
  hash.fill(0);
  // It has 448 bits, so that it is less than five times the order.
  for (let times = 0; times < 4; times += 1) subtractOrderOnce(scalar);
  return scalar;
}

/** Subtracts the order unless the number is smaller, in the same steps either way. */
function subtractOrderOnce(scalar: Buffer): void {
  const difference = secretOctets(OCTETS);
  let borrow = 0;
  for (let at = OCTETS - 1; at >= 0; at -= 1) {
    const octet = (scalar[at] as number) - (orderOctets[at] as number) - borrow;
    difference[at] = octet & 0xff;
    borrow = octet < 0 ? 1 : 0;
  }
  const keep = 0xff * borrow;
  for (let at = 0; at < OCTETS; at += 1) {
    scalar[at] = ((scalar[at] as number) & keep) | ((difference[at] as number) & ~keep);
  }
  difference.fill(0);
}

/** Whether it is 56 octets, big-endian, of a number between 1 and the order - 1. */
export const isEd448Scalar = (scalar: Uint8Array): boolean =>
  scalar.length === OCTETS &&
  scalar.some((octet) => octet !== 0) &&
  Buffer.compare(scalar, orderOctets) < 0;

/**
 * The sender's check of a scalar that {@link ed448Scalar} made, without calculating with the secret:
 * curve448 is isogenous to the curve of Ed448 (RFC 7748 4.2), so that the X448 public key of the
 * same number is the image of the Ed448 one. It cannot tell the key from its negative; whoever
 * derives the scalar from the 57 octets has compared these with the public key.
 * @param publicKey 57 octets (RFC 8032 5.2.2)
 */
export function mirrorsEd448Key(scalar: Uint8Array, publicKey: Uint8Array): boolean {
  const number = withoutReduction(scalar);
  if (number === undefined) return false;
  const u = littleEndian(x448PublicOctets(number));
  number.fill(0);
  // u = y^2 / x^2, with x^2 = (1 - y^2) / (1 - d y^2).
  const y2 = littleEndian(publicKey.subarray(0, OCTETS)) ** 2n % prime;
  return (u * (1n - y2) - y2 * (1n - d * y2)) % prime === 0n;
}

/** The number of the form that X448 multiplies with (RFC 7748 5), little-endian, or undefined. */
function withoutReduction(scalar: Uint8Array): Buffer | undefined {
  const number = secretOctets(OCTETS);
  number.set(scalar);
  number.reverse();
  for (let times = 0; times < 5; times += 1) {
    const fits = ((number[0] as number) & 3) === 0 && (number[OCTETS - 1] as number) >= 0x80;
    if (fits) return number;
    let carry = 0;
    for (let at = 0; at < OCTETS; at += 1) {
      const sum = (number[at] as number) + (orderOctets[OCTETS - 1 - at] as number) + carry;
      number[at] = sum & 0xff;
      carry = sum >> 8;
    }
    if (carry !== 0) break;
  }
  number.fill(0);
  return undefined;
}

interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

/** B of RFC 8032 5.2. */
const base: Point = {
  x: 224580040295924300187604334099896036246789641632564134246125461686950415467406032909029192869357953282578032075146446173674602635247710n,
  y: 298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660n,
  z: 1n,
};

/**
 * The car's check: whether the number times the base point is the public key ([V2G20-2510]). It
 * takes longer or shorter depending on the number and leaves it in the heap: for whoever tests
 * what a car would do, not for a service.
 * @param scalar 56 octets, big-endian
 * @param publicKey 57 octets (RFC 8032 5.2.2)
 */
export function isEd448KeyPair(scalar: Uint8Array, publicKey: Uint8Array): boolean {
  let result: Point = { x: 0n, y: 1n, z: 1n };
  for (const bit of bigEndian(scalar).toString(2)) {
    result = sum(result, result);
    if (bit === '1') result = sum(result, base);
  }
  return sameBytes(encoded(result), publicKey);
}

/** RFC 8032 5.2.4; holds for any two points of the curve. */
function sum(p: Point, q: Point): Point {
  const a = (p.z * q.z) % prime;
  const b = (a * a) % prime;
  const c = (p.x * q.x) % prime;
  const e = (p.y * q.y) % prime;
  const f = (d * c * e) % prime;
  const h = ((p.x + p.y) * (q.x + q.y) - c - e) % prime;
  return {
    x: (a * (b - f) * h) % prime,
    y: (a * (b + f) * (e - c)) % prime,
    z: ((b - f) * (b + f)) % prime,
  };
}

/** RFC 8032 5.2.2: y little-endian, then the sign of x in the highest bit. */
function encoded({ x, y, z }: Point): Uint8Array {
  const inverse = power(z, prime - 2n);
  const hex = positive(y * inverse)
    .toString(16)
    .padStart(2 * OCTETS, '0');
  const sign = positive(x * inverse) & 1n ? 0x80 : 0;
  return Uint8Array.of(...Buffer.from(hex, 'hex').reverse(), sign);
}

const positive = (value: bigint): bigint => ((value % prime) + prime) % prime;

function power(value: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % prime;
    if (bit === '1') result = (result * value) % prime;
  }
  return result;
}
