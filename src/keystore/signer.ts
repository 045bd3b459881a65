/** Signing with a private key that this process holds. */

import { constants, createPublicKey, createSign, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { sameBytes } from '../pki/byte-order.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import { keyAlgorithmOf, nodeDigest, signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import type { Signer } from '../pki/signer.ts';
import { gatherPieces, updateByPieces } from '../services/long-messages.ts';
import { KeystoreError } from './keystore-error.ts';

// docs/adr/0002-where-signing-runs.md: these sign in about 50 microseconds, which is less than
// the way to another thread and back takes. All others would hold the event loop.
const signedAtOnce: ReadonlySet<KeyAlgorithm> = new Set(['P-256', 'Ed25519']);
// Hashing takes over the cost of signing here.
const MOST_OCTETS_AT_ONCE = 64 * 1024;

const signOnThreadPool = promisify(sign);

/**
 * A signer for a key in memory. ECDSA signatures are DER (RFC 3279 2.2.3), RSA ones PKCS #1 v1.5
 * (RFC 8017 8.2), hashes as `signatureAlgorithmFor` says.
 * @param spki DER of the SubjectPublicKeyInfo that the private key must belong to
 * @throws KeystoreError `key-mismatch` if it does not, or is not of this algorithm
 */
export function createSigner(
  privateKey: KeyObject,
  algorithm: KeyAlgorithm,
  spki: Uint8Array,
): Signer {
  requirePair(privateKey, algorithm, spki);
  const digest = nodeDigest(signatureAlgorithmFor(algorithm));
  const key = {
    key: privateKey,
    // Only RSA keys may be given a padding.
    ...(privateKey.asymmetricKeyType === 'rsa' && { padding: constants.RSA_PKCS1_PADDING }),
  };
  return {
    algorithm,
    spki,
    async sign(message) {
      return signedAtOnce.has(algorithm) && message.length <= MOST_OCTETS_AT_ONCE
        ? sign(digest, message, key)
        : signOnThreadPool(digest, message, key);
    },
    async signPieces(pieces) {
      // EdDSA reads its message twice.
      if (digest === undefined) {
        return signOnThreadPool(undefined, await gatherPieces(pieces), key);
      }
      return (await updateByPieces(createSign(digest), pieces)).sign(key);
    },
  };
}

// A signature by another key than the certified one would be found by whoever verifies it;
// here the mistake is found before anything is signed.
function requirePair(privateKey: KeyObject, algorithm: KeyAlgorithm, spki: Uint8Array): void {
  if (privateKey.type !== 'private' || keyAlgorithmOf(privateKey) !== algorithm) {
    throw new KeystoreError(
      'key-mismatch',
      `The key to sign with is not a private ${algorithm} key.`,
    );
  }
  const own = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  if (!sameBytes(own, spki)) {
    throw new KeystoreError('key-mismatch', 'The private key belongs to another public key.');
  }
}
