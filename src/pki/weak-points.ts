/**
 * Points that are the public key of a private key anybody would try first: scalars near zero, as
 * broken or absent random generators yield them.
 */

import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { bytesKey } from './byte-order.ts';
import type { Curve, CurveName } from './curves.ts';
import type { EdwardsCurve } from './edwards-points.ts';

/** The private keys 1 to this number are tried, and with them their negatives n - 1, n - 2 ... */
const SMALL_SCALARS = 8;

const smallMultiples = new Map<CurveName, ReadonlySet<string>>();

/** Whether a point of the curve (04 || x || y) is a small multiple of the generator, or minus one. */
export function isSmallMultiple(curve: Curve, point: Uint8Array): boolean {
  let known = smallMultiples.get(curve.name);
  if (!known) {
    known = smallMultiplesOf(curve);
    smallMultiples.set(curve.name, known);
  }
  return known.has(xOf(curve, point));
}

function smallMultiplesOf(curve: Curve): ReadonlySet<string> {
  const ecdh = createECDH(curve.nodeName);
  const multiples = new Set<string>();
  for (let scalar = 1; scalar <= SMALL_SCALARS; scalar++) {
    ecdh.setPrivateKey(Buffer.of(scalar));
    multiples.add(xOf(curve, ecdh.getPublicKey()));
  }
  return multiples;
}

/** A point and its negative share x, so that x alone finds both. */
const xOf = ({ octets }: Curve, point: Uint8Array): string =>
  bytesKey(point.subarray(1, 1 + octets));

/** PKCS#8 of a private key of each Edwards curve up to the seed (RFC 8410 7), and its octets. */
const privateKeyForms: Readonly<Record<EdwardsCurve, { prefix: string; octets: number }>> = {
  Ed25519: { prefix: '302e020100300506032b657004220420', octets: 32 },
  Ed448: { prefix: '3047020100300506032b6571043b0439', octets: 57 },
};

const constantSeedPoints = new Map<EdwardsCurve, readonly Buffer[]>();

/** Whether an Edwards point is the public key of a seed of nothing but zeros, or but ones. */
export function isFromConstantSeed(curve: EdwardsCurve, point: Uint8Array): boolean {
  let known = constantSeedPoints.get(curve);
  if (!known) {
    known = [0x00, 0xff].map((octet) => publicPointOf(curve, octet));
    constantSeedPoints.set(curve, known);
  }
  return known.some((candidate) => candidate.equals(point));
}

function publicPointOf(curve: EdwardsCurve, octet: number): Buffer {
  const { prefix, octets } = privateKeyForms[curve];
  const pkcs8 = Buffer.concat([Buffer.from(prefix, 'hex'), Buffer.alloc(octets, octet)]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-octets);
}
