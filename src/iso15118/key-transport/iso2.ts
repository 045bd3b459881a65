/**
 * How ISO 15118-2 brings a contract key into a car: AES-128-CBC without padding under a key that
 * an ephemeral P-256 key and the car's provisioning key (for an update: its old contract key,
 * [V2G2-821]) agree on. Nothing in it is authenticated; that is for the signature of the
 * certificate provisioning service around it, and for the check of the key by the car.
 *
 * | octets | `ContractSignatureEncryptedPrivateKey` |
 * |--------|----------------------------------------|
 * | 16     | initialization vector, random          |
 * | 32     | encrypted scalar, big-endian           |
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { curves } from '../../pki/curves.ts';
import { type Agreement, agreedSecret, requireScalar } from './agreement.ts';
import { requireContractKey } from './contract-key.ts';
import { KeyTransportError } from './key-transport-error.ts';
import { sessionKey } from './session-key.ts';

const CIPHER = 'aes-128-cbc';
/** Octets of the initialization vector. */
export const ISO2_IV = 16;
const FIELD = ISO2_IV + 32;

/**
 * Encrypts a contract key ([V2G2-818], [V2G2-822]). The caller overwrites what it gave.
 * @param scalar 32 octets, big-endian
 * @param iv 16 octets, unpredictable, used once
 * @returns `ContractSignatureEncryptedPrivateKey`, 48 octets
 * @throws KeyTransportError `scalar-out-of-range`, `field-length`
 */
export function sealForIso2({
  scalar,
  iv,
  sharedSecret,
}: {
  readonly scalar: Uint8Array;
  readonly iv: Uint8Array;
  readonly sharedSecret: Agreement['sharedSecret'];
}): Uint8Array {
  requireScalar(curves['P-256'], scalar);
  if (iv.length !== ISO2_IV) throw wrongLength('The initialization vector', ISO2_IV, iv);
  const key = sessionKey('sha256', sharedSecret, 16);
  try {
    const cipher = createCipheriv(CIPHER, key, iv).setAutoPadding(false);
    return Buffer.concat([iv, cipher.update(scalar), cipher.final()]);
  } finally {
    key.fill(0);
  }
}

/**
 * The car's side: decrypts a contract key and checks it ([V2G2-823]).
 * @param privateKey the car's: 32 octets, big-endian
 * @param contractSpki of the contract certificate, DER
 * @returns the scalar, 32 octets, big-endian; the caller overwrites it
 * @throws KeyTransportError `field-length`, `dh-public-key`, `contract-key`, and, as nothing is
 *   authenticated, `scalar-out-of-range` or `key-mismatch` for whatever was altered
 */
export function openForIso2({
  encryptedPrivateKey,
  dhPublicKey,
  privateKey,
  contractSpki,
}: {
  readonly encryptedPrivateKey: Uint8Array;
  readonly dhPublicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly contractSpki: Uint8Array;
}): Uint8Array {
  if (encryptedPrivateKey.length !== FIELD) {
    throw wrongLength('The encrypted private key', FIELD, encryptedPrivateKey);
  }
  const sharedSecret = agreedSecret('P-256', privateKey, dhPublicKey);
  const key = sessionKey('sha256', sharedSecret, 16);
  sharedSecret.fill(0);
  const iv = encryptedPrivateKey.subarray(0, ISO2_IV);
  const decipher = createDecipheriv(CIPHER, key, iv).setAutoPadding(false);
  key.fill(0);
  // Two blocks in, two blocks out: without padding there is nothing left for `final`.
  const scalar = decipher.update(encryptedPrivateKey.subarray(ISO2_IV));
  decipher.final();
  try {
    requireContractKey('P-256', scalar, contractSpki);
  } catch (error) {
    scalar.fill(0);
    throw error;
  }
  return scalar;
}

const wrongLength = (what: string, expected: number, { length }: Uint8Array): KeyTransportError =>
  new KeyTransportError('field-length', `${what} has ${length} octets; ${expected} are expected.`);
