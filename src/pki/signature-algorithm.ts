/** Signature algorithms: which one a key uses, how it is written, how a signature is verified. */

import { type KeyObject, verify } from 'node:crypto';
import { sameBytes } from './byte-order.ts';
import { curveOf } from './curves.ts';
import { nullValue, oid, sequence } from './der-writer.ts';
import { isStrictEcdsaSignature } from './ecdsa.ts';
import { algorithms } from './oids.ts';
import {
  type Importable,
  importable,
  importPublicKey,
  type KeyAlgorithm,
  type PublicKey,
} from './public-key.ts';

/** The signature algorithms that evpki writes and accepts. SHA-1 and MD5 are not among them. */
export type SignatureAlgorithm =
  | 'ecdsa-with-SHA256'
  | 'ecdsa-with-SHA384'
  | 'ecdsa-with-SHA512'
  | 'Ed25519'
  | 'Ed448'
  | 'sha256WithRSAEncryption'
  | 'sha384WithRSAEncryption'
  | 'sha512WithRSAEncryption';

type Digest = 'sha256' | 'sha384' | 'sha512';

interface AlgorithmFacts {
  readonly family: 'ec' | 'rsa' | 'Ed25519' | 'Ed448';
  /** The hash of the message; the EdDSA algorithms hash within. */
  readonly digest: Digest | undefined;
  readonly identifier: Uint8Array;
}

// RFC 5758 3.2 and RFC 8410 3: no parameters with ECDSA and EdDSA. RFC 4055 5: NULL with RSA.
const withoutParameters = (dotted: string): Uint8Array => sequence(oid(dotted));
const withNull = (dotted: string): Uint8Array => sequence(oid(dotted), nullValue());

const facts: Readonly<Record<SignatureAlgorithm, AlgorithmFacts>> = {
  'ecdsa-with-SHA256': {
    family: 'ec',
    digest: 'sha256',
    identifier: withoutParameters(algorithms.ecdsaWithSha256),
  },
  'ecdsa-with-SHA384': {
    family: 'ec',
    digest: 'sha384',
    identifier: withoutParameters(algorithms.ecdsaWithSha384),
  },
  'ecdsa-with-SHA512': {
    family: 'ec',
    digest: 'sha512',
    identifier: withoutParameters(algorithms.ecdsaWithSha512),
  },
  Ed25519: {
    family: 'Ed25519',
    digest: undefined,
    identifier: withoutParameters(algorithms.ed25519),
  },
  Ed448: { family: 'Ed448', digest: undefined, identifier: withoutParameters(algorithms.ed448) },
  sha256WithRSAEncryption: {
    family: 'rsa',
    digest: 'sha256',
    identifier: withNull(algorithms.sha256WithRsaEncryption),
  },
  sha384WithRSAEncryption: {
    family: 'rsa',
    digest: 'sha384',
    identifier: withNull(algorithms.sha384WithRsaEncryption),
  },
  sha512WithRSAEncryption: {
    family: 'rsa',
    digest: 'sha512',
    identifier: withNull(algorithms.sha512WithRsaEncryption),
  },
};

const known = Object.entries(facts) as [SignatureAlgorithm, AlgorithmFacts][];

/** The algorithm that a key of ours signs with: for ECDSA the hash as wide as the curve. */
export function signatureAlgorithmFor(key: KeyAlgorithm): SignatureAlgorithm {
  switch (key) {
    case 'P-256':
      return 'ecdsa-with-SHA256';
    case 'P-384':
      return 'ecdsa-with-SHA384';
    case 'P-521':
      return 'ecdsa-with-SHA512';
    case 'Ed25519':
    case 'Ed448':
      return key;
    case 'RSA-2048':
    case 'RSA-3072':
    case 'RSA-4096':
      return 'sha256WithRSAEncryption';
  }
}

/**
 * DER of the AlgorithmIdentifier: parameters are absent for ECDSA (RFC 5758 3.2) and EdDSA
 * (RFC 8410 3), NULL for RSA (RFC 4055 5). The result is shared: do not change it.
 */
export const algorithmIdentifier = (algorithm: SignatureAlgorithm): Uint8Array =>
  facts[algorithm].identifier;

/**
 * The algorithm that an AlgorithmIdentifier names, compared byte for byte with what
 * {@link algorithmIdentifier} writes; undefined for anything else, such as ECDSA with NULL.
 */
export function readSignatureAlgorithm(der: Uint8Array): SignatureAlgorithm | undefined {
  return known.find(([, { identifier }]) => sameBytes(identifier, der))?.[0];
}

/** The hash to give to node:crypto with this algorithm; undefined for EdDSA, which takes none. */
export const nodeDigest = (algorithm: SignatureAlgorithm): Digest | undefined =>
  facts[algorithm].digest;

/**
 * Whether signatures of this algorithm by a key of that kind are accepted. Any of SHA-256, SHA-384
 * and SHA-512 goes with any of our curves and with RSA: devices in the field sign their requests
 * with SHA-256 whatever their curve, and the shortest of the three is as strong as P-256.
 * What evpki itself signs uses {@link signatureAlgorithmFor}.
 */
export const fitsKey = (algorithm: SignatureAlgorithm, key: KeyAlgorithm): boolean =>
  facts[algorithm].family === familyOf(key);

function familyOf(key: KeyAlgorithm): AlgorithmFacts['family'] {
  if (key === 'Ed25519' || key === 'Ed448') return key;
  return curveOf(key) ? 'ec' : 'rsa';
}

/**
 * Whether `signature` is one of `message` (not of its hash) by the private key of `key`. Never
 * throws: an algorithm that does not fit the key and a malformed signature are just not valid.
 *
 * ECDSA signatures must be DER (RFC 3279 2.2.3) with r and s in their shortest form, positive and
 * below the group's order, so that no signature has a second encoding.
 */
export function verifySignature(
  key: PublicKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return (
    mayBeBy(key, algorithm, signature) &&
    isSignedBy(importPublicKey(key), algorithm, message, signature)
  );
}

/** {@link verifySignature} with a key that will verify nothing else: it is not kept imported. */
export function verifySignatureOnce(
  key: PublicKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return (
    mayBeBy(key, algorithm, signature) && isSignedBy(importable(key), algorithm, message, signature)
  );
}

/** Looked at before the key is imported, which costs more than everything else that can fail. */
const mayBeBy = (key: PublicKey, algorithm: SignatureAlgorithm, signature: Uint8Array): boolean =>
  fitsKey(algorithm, key.algorithm) && wellFormed(key.algorithm, signature);

// docs/adr/0002-where-signing-runs.md: no longer than the way to another thread and back takes.
const verifiedAtOnce: ReadonlySet<KeyAlgorithm> = new Set([
  ...(['P-256', 'Ed25519', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const),
]);

/** {@link verifySignature}: on the thread pool for keys that would hold the event loop, else at once. */
export function verifySignatureOffLoop(
  key: PublicKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  if (verifiedAtOnce.has(key.algorithm)) return verifySignature(key, algorithm, message, signature);
  return (
    mayBeBy(key, algorithm, signature) &&
    isSignedByOffLoop(importPublicKey(key), algorithm, message, signature)
  );
}

/**
 * {@link verifySignature} for callers that keep the key imported. A key object of a kind that
 * evpki does not accept verifies nothing.
 */
export function verifyWith(
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const kind = keyAlgorithmOf(key);
  if (kind === undefined || !fitsKey(algorithm, kind) || !wellFormed(kind, signature)) return false;
  return isSignedBy(key, algorithm, message, signature);
}

/** {@link verifyWith}, on the thread pool as {@link verifySignatureOffLoop} does it. */
export async function verifyWithOffLoop(
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const kind = keyAlgorithmOf(key);
  if (kind === undefined || !fitsKey(algorithm, kind) || !wellFormed(kind, signature)) return false;
  return verifiedAtOnce.has(kind)
    ? isSignedBy(key, algorithm, message, signature)
    : isSignedByOffLoop(key, algorithm, message, signature);
}

/** The kind of a public or private key object, or undefined if it is none that evpki accepts. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
    case 'ec':
      return curveByNodeName[key.asymmetricKeyDetails?.namedCurve ?? ''];
    case 'rsa':
      return rsaByBits[key.asymmetricKeyDetails?.modulusLength ?? 0];
    default:
      return undefined;
  }
}

const curveByNodeName: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

const rsaByBits: Readonly<Record<number, KeyAlgorithm>> = {
  2048: 'RSA-2048',
  3072: 'RSA-3072',
  4096: 'RSA-4096',
};

/** Whether the bytes can be a signature by such a key at all. */
function wellFormed(key: KeyAlgorithm, signature: Uint8Array): boolean {
  const curve = curveOf(key);
  if (curve) return isStrictEcdsaSignature(signature, curve);
  return signature.length === signatureOctets[key as Exclude<KeyAlgorithm, `P-${number}`>];
}

const signatureOctets: Readonly<Record<Exclude<KeyAlgorithm, `P-${number}`>, number>> = {
  Ed25519: 64,
  Ed448: 114,
  'RSA-2048': 256,
  'RSA-3072': 384,
  'RSA-4096': 512,
};

function isSignedBy(
  key: KeyObject | Importable,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(facts[algorithm].digest ?? null, message, key, signature);
  } catch {
    // OpenSSL reports some unusable signatures as errors; either way nothing has been proven.
    return false;
  }
}

const isSignedByOffLoop = (
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> =>
  new Promise((resolve) => {
    const digest = facts[algorithm].digest ?? null;
    verify(digest, message, key, signature, (error, good) => resolve(error === null && good));
  });
