/**
 * EXPERIMENTAL. How ISO 15118-20 brings the key of an Ed448 contract into a car: as with P-521, but
 * agreed on with X448 ([V2G20-2500..2502], [V2G20-2508..2510], [V2G20-2535]).
 *
 * What is transported are 56 octets, the private key as a number: see `ed448-scalar.ts`. The text is
 * not at one with itself. It demands 448 bits for a key whose 57 octets (RFC 8032) do not fit, and a
 * car needs its own arithmetic to sign with the number. Of `DHPublicKey` it says both that nothing is
 * to be added to the 448 bits ([V2G20-2495]) and that 04 precedes them; the schema allows 133
 * octets only. Here it has the 56 of RFC 7748. And nobody is known who has tried any of it.
 */

import { contractPublicKey, keyMismatch } from './contract-key.ts';
import { isEd448KeyPair, isEd448Scalar } from './ed448-scalar.ts';
import { type KeyBinding, openField, sealField } from './iso20-field.ts';
import { KeyTransportError } from './key-transport-error.ts';
import { agreedX448Secret, X448_OCTETS } from './x448.ts';

/**
 * Encrypts the key of an Ed448 contract. The caller overwrites what it gave.
 * @param scalar 56 octets, big-endian, below the order
 * @param iv 12 octets, random, used once
 * @returns `X448_EncryptedPrivateKey`, 84 octets
 * @throws KeyTransportError `scalar-out-of-range`, `field-length`, `additional-data`
 */
export function sealForIso20X448({
  scalar,
  ...rest
}: {
  readonly scalar: Uint8Array;
  readonly iv: Uint8Array;
  readonly sharedSecret: Uint8Array;
  readonly binding: KeyBinding;
}): Uint8Array {
  requireEd448Scalar(scalar);
  return sealField({ privateKey: scalar, ...rest });
}

/**
 * The car's side: decrypts the key of an Ed448 contract and checks it ([V2G20-2508..2510]).
 * @param privateKey the car's X448 key: 56 octets (RFC 7748 5)
 * @param contractSpki of the contract certificate, DER
 * @returns the scalar, 56 octets, big-endian; the caller overwrites it
 * @throws KeyTransportError `field-length`, `additional-data`, `dh-public-key`, `not-authentic`,
 *   `shared-secret-zero`, and for keys that were encrypted wrong `scalar-out-of-range`,
 *   `contract-key`, `key-mismatch`
 */
export function openForIso20X448({
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
  const { bits } = contractPublicKey('Ed448', contractSpki);
  const sharedSecret = agreedX448Secret(privateKey, dhPublicKey);
  try {
    const field = encryptedPrivateKey;
    const scalar = openField({ field, octets: X448_OCTETS, sharedSecret, binding });
    try {
      requireEd448Scalar(scalar);
      if (!isEd448KeyPair(scalar, bits)) throw keyMismatch();
    } catch (error) {
      scalar.fill(0);
      throw error;
    }
    return scalar;
  } finally {
    sharedSecret.fill(0);
  }
}

function requireEd448Scalar(scalar: Uint8Array): void {
  if (isEd448Scalar(scalar)) return;
  throw new KeyTransportError(
    'scalar-out-of-range',
    'The private key of an Ed448 contract has 56 octets and lies between 1 and the order of the base point.',
  );
}
