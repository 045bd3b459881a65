/** That a private key belongs to its public key, before a car or a certificate relies on it. */

import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import {
  contractPublicKey,
  keyMismatch,
  requireContractKey,
} from '../iso15118/key-transport/contract-key.ts';
import { ed448Scalar, mirrorsEd448Key } from '../iso15118/key-transport/ed448-scalar.ts';
import { secretOctets } from '../iso15118/key-transport/secret-octets.ts';
import { sameBytes } from '../pki/byte-order.ts';
import { importPublicKey } from '../pki/public-key.ts';
import type { ContractKeyAlgorithm } from '../services/contract-keys.ts';
import { type ContractKeyPair, p521PrivateKey } from './contract-key-pair.ts';

/** @throws KeyTransportError `contract-key`, `scalar-out-of-range`, `key-mismatch` */
export async function requirePairOf(
  algorithm: ContractKeyAlgorithm,
  pair: ContractKeyPair,
): Promise<void> {
  switch (algorithm) {
    case 'P-256':
      return requireContractKey('P-256', pair.secret, pair.spki);
    case 'P-521':
      return requireP521Pair(pair);
    case 'Ed448':
      return requireEd448Pair(pair);
  }
}

const signOnThreadPool = promisify(sign);
const verifyOnThreadPool = promisify(verify);
const message = Buffer.from('evpki: does this contract key belong to its public key?');

/**
 * To multiply the base point would hold the event loop; a signature says the same: it verifies
 * under d times the base point, and under no other key (FIPS 140-3 IG 10.3.A).
 */
async function requireP521Pair(pair: ContractKeyPair): Promise<void> {
  const publicKey = importPublicKey(contractPublicKey('P-521', pair.spki));
  const signature = await signOnThreadPool('sha512', message, p521PrivateKey(pair)).catch(() => {
    // OpenSSL's own words could tell of the key.
    throw keyMismatch();
  });
  if (!(await verifyOnThreadPool('sha512', message, publicKey, signature))) throw keyMismatch();
}

const ed448Pkcs8 = Buffer.from('3047020100300506032b6571043b0439', 'hex');

/** OpenSSL compares the private key of RFC 8032; the number that the car gets is compared next. */
function requireEd448Pair({ spki, secret }: ContractKeyPair): void {
  const { bits } = contractPublicKey('Ed448', spki);
  const pkcs8 = secretOctets(ed448Pkcs8.length + secret.length);
  pkcs8.set(ed448Pkcs8);
  pkcs8.set(secret, ed448Pkcs8.length);
  const scalar = ed448Scalar(secret);
  try {
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const own = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    if (!sameBytes(own, spki) || !mirrorsEd448Key(scalar, bits)) throw keyMismatch();
  } finally {
    pkcs8.fill(0);
    scalar.fill(0);
  }
}
