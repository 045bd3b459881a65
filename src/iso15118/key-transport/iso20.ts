/**
 * How ISO 15118-20 brings a P-521 contract key into a car ([V2G20-2492..2507], [V2G20-2535]).
 *
 * Written from the text alone: no second implementation is known that it could have been tried
 * with. Cars that were built to another reading of the text will refuse what is made here.
 */

import { curves } from '../../pki/curves.ts';
import { agreedSecret, requireScalar } from './agreement.ts';
import { requireContractKey } from './contract-key.ts';
import { type KeyBinding, openField, sealField } from './iso20-field.ts';

const curve = curves['P-521'];

/**
 * Encrypts a contract key. The caller overwrites what it gave.
 * @param scalar 66 octets, big-endian: 521 bits with seven zero bits before them
 * @param iv 12 octets, random, used once
 * @returns `SECP521_EncryptedPrivateKey`, 94 octets
 * @throws KeyTransportError `scalar-out-of-range`, `field-length`, `additional-data`
 */
export function sealForIso20({
  scalar,
  ...rest
}: {
  readonly scalar: Uint8Array;
  readonly iv: Uint8Array;
  readonly sharedSecret: Uint8Array;
  readonly binding: KeyBinding;
}): Uint8Array {
  requireScalar(curve, scalar);
  return sealField({ privateKey: scalar, ...rest });
}

/**
 * The car's side: decrypts a contract key and checks it ([V2G20-2505..2507], [V2G20-2678]).
 * @param privateKey the car's: 66 octets, big-endian
 * @param contractSpki of the contract certificate, DER
 * @returns the scalar, 66 octets, big-endian; the caller overwrites it
 * @throws KeyTransportError `field-length`, `additional-data`, `dh-public-key`, `not-authentic`,
 *   and for keys that were encrypted wrong `scalar-out-of-range`, `contract-key`, `key-mismatch`
 */
export function openForIso20({
  encryptedPrivateKey,
  dhPublicKey,
  privateKey,
  binding,
  contractSpki,
}: {
  readonly encryptedPrivateKey: Uint8Array;
  readonly dhPublicKey: Uint8Array;
  readonly privateKey: Uint8Array;
  readonly binding: KeyBinding;
  readonly contractSpki: Uint8Array;
}): Uint8Array {
  const sharedSecret = agreedSecret('P-521', privateKey, dhPublicKey);
  try {
    const scalar = openField({ field: encryptedPrivateKey, octets: 66, sharedSecret, binding });
    try {
      requireContractKey('P-521', scalar, contractSpki);
    } catch (error) {
      scalar.fill(0);
      throw error;
    }
    return scalar;
  } finally {
    sharedSecret.fill(0);
  }
}
