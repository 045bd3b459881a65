/** Fresh key pairs, made on the thread pool. */

import { type ED25519KeyPairOptions, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyAlgorithm } from '../pki/public-key.ts';

export interface FreshKey {
  /** DER of the SubjectPublicKeyInfo (RFC 5280 4.1.2.7). */
  readonly spki: Uint8Array;
  /** DER of the private key (PKCS#8, RFC 5958). Seal it at once; sealing wipes it. */
  readonly pkcs8: Uint8Array;
}

// Octets from the start instead of key objects: a fresh key object that is exported as JWK can
// block Node 20 for good, and a KeyObject would only be encoded for its envelope anyway.
const encodings: ED25519KeyPairOptions<'der', 'der'> = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
};

const generate = promisify(generateKeyPair);

/** Makes a key pair. RSA keys have the public exponent 65537, elliptic ones named curves. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<FreshKey> {
  const { publicKey, privateKey } = await generatePair(algorithm);
  return { spki: publicKey, pkcs8: privateKey };
}

function generatePair(algorithm: KeyAlgorithm): Promise<{ publicKey: Buffer; privateKey: Buffer }> {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return generate('ec', { namedCurve: algorithm, ...encodings });
    case 'Ed25519':
      return generate('ed25519', encodings);
    case 'Ed448':
      return generate('ed448', encodings);
    case 'RSA-2048':
      return generate('rsa', { modulusLength: 2048, ...encodings });
    case 'RSA-3072':
      return generate('rsa', { modulusLength: 3072, ...encodings });
    case 'RSA-4096':
      return generate('rsa', { modulusLength: 4096, ...encodings });
  }
}
