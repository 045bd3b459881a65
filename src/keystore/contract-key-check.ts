/** That a private key belongs to its public key, before a car or a certificate relies on it. */

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { requireScalar } from '../iso15118/key-transport/agreement.ts';
import {
  contractPublicKey,
  keyMismatch,
  requireContractKey,
} from '../iso15118/key-transport/contract-key.ts';
import { ed448Scalar, mirrorsEd448Key } from '../iso15118/key-transport/ed448-scalar.ts';
import { secretOctets } from '../iso15118/key-transport/secret-octets.ts';
import { sameBytes } from '../pki/byte-order.ts';
import { curves } from '../pki/curves.ts';
import { importPublicKey } from '../pki/public-key.ts';
import type { ContractKeyAlgorithm } from '../services/contract-keys.ts';
import { type ContractKeyPair, p521PrivateKey } from './contract-key-pair.ts';

/**
 * The number that a car gets for this key pair, after a check that it belongs to the public key.
 * @returns of P-256 and P-521 the very buffer of the pair; the caller overwrites it in any case
 * @throws KeyTransportError `contract-key`, `scalar-out-of-range`, `key-mismatch`
 */
export async function checkedScalar(
  algorithm: ContractKeyAlgorithm,
  pair: ContractKeyPair,
): Promise<Buffer> {
  switch (algorithm) {
    case 'P-256':
      requireContractKey('P-256', pair.secret, pair.spki);
      return pair.secret;
    case 'P-521':
      await requireP521Pair(pair);
      return pair.secret;
    case 'Ed448':
      return checkedEd448Scalar(pair);
  }
}

const signOnThreadPool = promisify(sign);
const verifyOnThreadPool = promisify(verify);
const message = Buffer.from('evpki: does this contract key belong to its public key?');

/**
 * To multiply the base point would hold the event loop; a signature says the same: it verifies
 * under d times the base point and under no other key (pair-wise consistency, SP 800-56A 5.6.2.1.4).
 */
async function requireP521Pair(pair: ContractKeyPair): Promise<void> {
  const publicKey = importPublicKey(contractPublicKey('P-521', pair.spki));
  requireScalar(curves['P-521'], pair.secret);
  const signature = await signOnThreadPool('sha512', message, p521PrivateKey(pair)).catch(() => {
    // OpenSSL's own words could tell of the key.
    throw keyMismatch();
  });
  if (!(await verifyOnThreadPool('sha512', message, publicKey, signature))) throw keyMismatch();
}

const ed448Pkcs8 = Buffer.from('3047020100300506032b6571043b0439', 'hex');

/** OpenSSL multiplies with the private key of RFC 8032; then follows the number that the car gets. */
function checkedEd448Scalar({ spki, secret }: ContractKeyPair): Buffer {
  const { bits } = contractPublicKey('Ed448', spki);
  if (!sameBytes(ed448PublicKey(secret), spki)) throw keyMismatch();
  const scalar = ed448Scalar(secret);
  if (mirrorsEd448Key(scalar, bits)) return scalar;
  scalar.fill(0);
  throw keyMismatch();
}

function ed448PublicKey(seed: Uint8Array): Uint8Array {
  const pkcs8 = secretOctets(ed448Pkcs8.length + seed.length);
  pkcs8.set(ed448Pkcs8);
  pkcs8.set(seed, ed448Pkcs8.length);
  try {
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    return createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  } finally {
    pkcs8.fill(0);
  }
}
