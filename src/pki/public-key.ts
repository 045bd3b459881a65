/**
 * Public keys as evpki accepts them. A SubjectPublicKeyInfo is compared with byte-exact templates,
 * because the libraries below us import explicit curve parameters, compressed points and BER
 * (RFC 5480 2.1.1, RFC 8410 3).
 */

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { hasBytesAt } from './byte-order.ts';
import { curveOf, isOnCurve } from './curves.ts';
import { edwardsPointProblem } from './edwards-points.ts';
import { foreignKeyViolation } from './foreign-key.ts';
import { remembered } from './remembered.ts';
import { accepted, type Checked, refused, violation } from './violations.ts';

/** The keys that evpki certifies or signs with; RSA by modulus length in bits. */
export const keyAlgorithms = [
  'P-256',
  'P-384',
  'P-521',
  'Ed25519',
  'Ed448',
  'RSA-2048',
  'RSA-3072',
  'RSA-4096',
] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** The whole SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The content of its BIT STRING without the unused-bits octet: what key identifiers hash. */
  readonly bits: Uint8Array;
}

interface Template {
  readonly algorithm: KeyAlgorithm;
  /** Everything before the bytes that differ from key to key. */
  readonly prefix: Buffer;
  /** How many bytes differ from key to key. */
  readonly octets: number;
  /** Everything after them. */
  readonly suffix: Buffer;
  /** Where `bits` start. */
  readonly bitsAt: number;
}

const template = (
  algorithm: KeyAlgorithm,
  algorithmPart: string,
  bitsPart: string,
  octets: number,
  suffix = '',
): Template => ({
  algorithm,
  prefix: Buffer.from(algorithmPart + bitsPart, 'hex'),
  octets,
  suffix: Buffer.from(suffix, 'hex'),
  bitsAt: algorithmPart.length / 2,
});

/**
 * For each key its only encoding. An EC point is uncompressed (04); an RSA modulus is preceded by
 * the zero octet that its highest bit demands, and followed by the exponent 65537.
 */
const templates: readonly Template[] = [
  template('P-256', '3059301306072a8648ce3d020106082a8648ce3d030107034200', '04', 64),
  template('P-384', '3076301006072a8648ce3d020106052b81040022036200', '04', 96),
  template('P-521', '30819b301006072a8648ce3d020106052b8104002303818600', '04', 132),
  template('Ed25519', '302a300506032b6570032100', '', 32),
  template('Ed448', '3043300506032b6571033a00', '', 57),
  template(
    'RSA-2048',
    '30820122300d06092a864886f70d01010105000382010f00',
    '3082010a0282010100',
    256,
    '0203010001',
  ),
  template(
    'RSA-3072',
    '308201a2300d06092a864886f70d01010105000382018f00',
    '3082018a0282018100',
    384,
    '0203010001',
  ),
  template(
    'RSA-4096',
    '30820222300d06092a864886f70d01010105000382020f00',
    '3082020a0282020100',
    512,
    '0203010001',
  ),
];

/**
 * Reads a SubjectPublicKeyInfo. What comes back is a key of an accepted type in its one accepted
 * encoding, whose point (if it has one) lies on its curve and is not of small order. Whether its
 * private key could be guessed is another question: see `keyWeaknesses`.
 *
 * RFC 5480 2.1.1 and 2.2 (named curve, uncompressed point), RFC 8410 3 (no parameters),
 * RFC 3279 2.3.1 (RSA with NULL parameters; here only 2048, 3072, 4096 bits and exponent 65537).
 * @param spki DER; the result refers to these bytes, which must not change afterwards
 * @returns the key, or one violation that says what the bytes are instead: `key-malformed`, or for
 *   a key in good form `key-type` or `key-weak`
 */
export function readPublicKey(spki: Uint8Array): Checked<PublicKey> {
  const match = templates.find((candidate) => fits(spki, candidate));
  if (!match) return refused(foreignKeyViolation(spki));
  const { algorithm, bitsAt } = match;
  const key: PublicKey = { algorithm, spki, bits: spki.subarray(bitsAt) };
  const problem = valueProblem(key, variablePart(key, match));
  return problem === undefined ? accepted(key) : malformed(problem);
}

const malformed = (what: string): Checked<never> =>
  refused(violation('key-malformed', `The public key is not accepted: ${what}.`, 'publicKey'));

function fits(spki: Uint8Array, { prefix, octets, suffix }: Template): boolean {
  const suffixAt = prefix.length + octets;
  return (
    spki.length === suffixAt + suffix.length &&
    hasBytesAt(spki, 0, prefix) &&
    hasBytesAt(spki, suffixAt, suffix)
  );
}

const variablePart = ({ spki }: PublicKey, { prefix, octets }: Template): Uint8Array =>
  spki.subarray(prefix.length, prefix.length + octets);

/** What is wrong with the bytes that a template leaves open. */
function valueProblem({ algorithm }: PublicKey, value: Uint8Array): string | undefined {
  const curve = curveOf(algorithm);
  if (curve) {
    const { octets } = curve;
    if (isOnCurve(curve, value.subarray(0, octets), value.subarray(octets))) return undefined;
    return `its point does not lie on ${algorithm}`;
  }
  if (algorithm === 'Ed25519' || algorithm === 'Ed448') {
    return edwardsPointProblem(algorithm, value);
  }
  // Below 80 hex the zero octet in front is superfluous and the modulus is shorter than it should.
  if ((value[0] ?? 0) < 0x80) return 'its RSA modulus does not have 2048, 3072 or 4096 bits';
  return undefined;
}

/** The modulus of an RSA key, big-endian without leading zeros; undefined for other keys. */
export function rsaModulus(key: PublicKey): Uint8Array | undefined {
  if (!key.algorithm.startsWith('RSA-')) return undefined;
  const match = templates.find(({ algorithm }) => algorithm === key.algorithm);
  return match && variablePart(key, match);
}

/**
 * The key for use with node:crypto. Does not throw for what {@link readPublicKey} returned.
 *
 * To import a key costs as much as to verify a signature, so what came of one is kept as long as
 * the key is.
 */
export const importPublicKey = remembered(
  (key: PublicKey): KeyObject => createPublicKey(importable(key)),
);

/** What node:crypto imports a key from. */
export type Importable =
  | { readonly key: JsonWebKey; readonly format: 'jwk' }
  | { readonly key: Buffer; readonly format: 'der'; readonly type: 'spki' };

/**
 * What node:crypto imports the key from, for one use of a key that will have no other: no object
 * is made to keep it.
 *
 * P-384 and P-521 are imported as SPKI, all others as JWK, which is several times cheaper there;
 * for the two large curves the JWK route multiplies the point by the group's order, a check that
 * `readPublicKey` has made superfluous.
 */
export function importable(key: PublicKey): Importable {
  const { algorithm, spki, bits } = key;
  switch (algorithm) {
    case 'P-256': {
      const x = base64url(bits.subarray(1, 33));
      const y = base64url(bits.subarray(33));
      return { key: { kty: 'EC', crv: algorithm, x, y }, format: 'jwk' };
    }
    case 'P-384':
    case 'P-521':
      return { key: Buffer.from(spki), format: 'der', type: 'spki' };
    case 'Ed25519':
    case 'Ed448':
      return { key: { kty: 'OKP', crv: algorithm, x: base64url(bits) }, format: 'jwk' };
    default: {
      const n = base64url(rsaModulus(key) ?? new Uint8Array(0));
      return { key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' };
    }
  }
}

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
