/** Fresh key pairs of contracts, as octets. P-256 at once, the others on the thread pool. */

import { createECDH, createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ED448_SEED } from '../iso15118/key-transport/ed448-scalar.ts';
import { secretOctets } from '../iso15118/key-transport/secret-octets.ts';
import { curves } from '../pki/curves.ts';
import type { ContractKeyAlgorithm } from '../services/contract-keys.ts';
import { generateKey } from './generate.ts';

export interface ContractKeyPair {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The scalar, big-endian, of the curve's length; of Ed448 the 57 octets of RFC 8032. */
  readonly secret: Buffer;
}

/**
 * Makes a key pair. No other object of ours holds its private key when this returns; that of
 * OpenSSL is released with the next garbage collection.
 */
export async function contractKeyPair(algorithm: ContractKeyAlgorithm): Promise<ContractKeyPair> {
  switch (algorithm) {
    case 'P-256':
      return p256Pair();
    case 'P-521':
      return p521Pair();
    case 'Ed448':
      return ed448Pair();
  }
}

const p256SpkiPrefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** On the event loop: to make a KeyObject elsewhere and to read it here would take longer. */
function p256Pair(): ContractKeyPair {
  const pair = createECDH(curves['P-256'].nodeName);
  const spki = Uint8Array.from(Buffer.concat([p256SpkiPrefix, pair.generateKeys()]));
  // Without leading zeros.
  const scalar = pair.getPrivateKey();
  const secret = secretOctets(curves['P-256'].octets);
  secret.set(scalar, secret.length - scalar.length);
  scalar.fill(0);
  return { spki, secret };
}

/** ECPrivateKey (RFC 5915 3) of P-521: this, the scalar, the next, the point. */
const beforeScalar = Buffer.from('3081dc0201010442', 'hex');
const SCALAR = curves['P-521'].octets;
const betweenBoth = Buffer.from('a00706052b81040023a1818903818600', 'hex');
const pointAt = beforeScalar.length + SCALAR + betweenBoth.length;
const POINT = 1 + 2 * SCALAR;
const p521SpkiPrefix = Buffer.from('30819b301006072a8648ce3d020106052b8104002303818600', 'hex');

const generate = promisify(generateKeyPair);

async function p521Pair(): Promise<ContractKeyPair> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-521' });
  // It costs less than PKCS#8 and has the public key in it. Not JWK: see generate.ts.
  const der = privateKey.export({ type: 'sec1', format: 'der' });
  const scalar = der.subarray(beforeScalar.length, beforeScalar.length + SCALAR);
  const point = der.subarray(pointAt);
  const pair = {
    spki: Uint8Array.from(Buffer.concat([p521SpkiPrefix, point])),
    secret: copied(scalar),
  };
  const asExpected = ecPrivateKeyDer(pair);
  const isAsExpected = asExpected.equals(der);
  asExpected.fill(0);
  der.fill(0);
  if (!isAsExpected) throw new Error('a fresh P-521 key has another form than RFC 5915 gives it');
  return pair;
}

/** The P-521 key for one use; the point is the one of `spki`, whether it belongs to it or not. */
export function p521PrivateKey(pair: ContractKeyPair): KeyObject {
  const der = ecPrivateKeyDer(pair);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'sec1' });
  } finally {
    der.fill(0);
  }
}

function ecPrivateKeyDer({ spki, secret }: ContractKeyPair): Buffer {
  const der = secretOctets(pointAt + POINT);
  der.set(beforeScalar);
  der.set(secret, beforeScalar.length);
  der.set(betweenBoth, beforeScalar.length + SCALAR);
  der.set(spki.subarray(-POINT), pointAt);
  return der;
}

/** PKCS#8 of Ed448 ends with the private key (RFC 8410 7). */
async function ed448Pair(): Promise<ContractKeyPair> {
  const { spki, pkcs8 } = await generateKey('Ed448');
  const secret = copied(pkcs8.subarray(-ED448_SEED));
  pkcs8.fill(0);
  return { spki: Uint8Array.from(spki), secret };
}

function copied(octets: Uint8Array): Buffer {
  const copy = secretOctets(octets.length);
  copy.set(octets);
  return copy;
}
