/** Fresh key pairs of contracts, made on the thread pool, as octets. */

import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { ContractKeyAlgorithm } from '../services/contract-keys.ts';
import { generateKey } from './generate.ts';

export interface ContractKeyPair {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The scalar, big-endian, of the curve's length; of Ed448 the 57 octets of RFC 8032. */
  readonly secret: Buffer;
}

type EcAlgorithm = Exclude<ContractKeyAlgorithm, 'Ed448'>;

/** What surrounds scalar and point in ECPrivateKey (RFC 5915 3), and the point in its SPKI. */
const forms: Readonly<
  Record<EcAlgorithm, { before: Buffer; octets: number; between: Buffer; spki: Buffer }>
> = {
  'P-256': {
    before: Buffer.from('30770201010420', 'hex'),
    octets: 32,
    between: Buffer.from('a00a06082a8648ce3d030107a144034200', 'hex'),
    spki: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
  },
  'P-521': {
    before: Buffer.from('3081dc0201010442', 'hex'),
    octets: 66,
    between: Buffer.from('a00706052b81040023a1818903818600', 'hex'),
    spki: Buffer.from('30819b301006072a8648ce3d020106052b8104002303818600', 'hex'),
  },
};

const generate = promisify(generateKeyPair);

/** Makes a key pair. The private key is in no other object of ours when this returns. */
export async function contractKeyPair(algorithm: ContractKeyAlgorithm): Promise<ContractKeyPair> {
  if (algorithm === 'Ed448') return ed448Pair();
  const { privateKey } = await generate('ec', { namedCurve: algorithm });
  // ECPrivateKey costs a tenth of PKCS#8 and has the public key in it. Not JWK: see generate.ts.
  const der = privateKey.export({ type: 'sec1', format: 'der' });
  try {
    return readEcPrivateKey(algorithm, der);
  } finally {
    der.fill(0);
  }
}

function readEcPrivateKey(algorithm: EcAlgorithm, der: Buffer): ContractKeyPair {
  const { before, octets, between, spki } = forms[algorithm];
  const betweenAt = before.length + octets;
  const pointAt = betweenAt + between.length;
  const fits =
    der.length === pointAt + 1 + 2 * octets &&
    before.equals(der.subarray(0, before.length)) &&
    between.equals(der.subarray(betweenAt, pointAt));
  if (!fits) throw new Error(`a fresh ${algorithm} key is not in the form that is expected`);
  return {
    spki: Uint8Array.from(Buffer.concat([spki, der.subarray(pointAt)])),
    secret: copied(der.subarray(before.length, betweenAt)),
  };
}

/** The private key for one use, with the point of `spki`, which it may or may not belong to. */
export function ecPrivateKey(algorithm: EcAlgorithm, { spki, secret }: ContractKeyPair): KeyObject {
  const { before, between, spki: prefix } = forms[algorithm];
  const parts = [before, secret, between, spki.subarray(prefix.length)];
  const der = Buffer.alloc(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    der.set(part, at);
    at += part.length;
  }
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'sec1' });
  } finally {
    der.fill(0);
  }
}

/** PKCS#8 of Ed448 ends with the private key (RFC 8410 7). */
async function ed448Pair(): Promise<ContractKeyPair> {
  const { spki, pkcs8 } = await generateKey('Ed448');
  const secret = copied(pkcs8.subarray(-57));
  pkcs8.fill(0);
  return { spki: Uint8Array.from(spki), secret };
}

/** Not in the memory that small buffers share. */
function copied(octets: Uint8Array): Buffer {
  const copy = Buffer.alloc(octets.length);
  copy.set(octets);
  return copy;
}
