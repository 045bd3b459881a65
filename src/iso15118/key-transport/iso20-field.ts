/**
 * The encrypted private key of ISO 15118-20, AES-256-GCM ([V2G20-2494..2502]):
 *
 * | octets   | `SECP521_EncryptedPrivateKey`, `X448_EncryptedPrivateKey` |
 * |----------|------------------------------------------------------------|
 * | 12       | initialization vector, random                              |
 * | 66 or 56 | encrypted private key, big-endian                          |
 * | 16       | tag                                                        |
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { KeyTransportError } from './key-transport-error.ts';
import { sessionKey } from './session-key.ts';

const CIPHER = 'aes-256-gcm';
/** Octets of the initialization vector. */
export const ISO20_IV = 12;
const TAG = 16;
const KEY_IDENTIFIER = 8;

/** What is authenticated with the key: which car it is for, and which certificate it belongs to. */
export interface KeyBinding {
  /** Letters and digits; what counts is the upper-case form. */
  readonly pcid: string;
  /** The subject key identifier of the contract certificate, 8 octets. */
  readonly contractKeyIdentifier: Uint8Array;
}

/**
 * The additional authenticated data ([V2G20-2492]): PCID, then the key identifier in upper-case
 * hexadecimal digits. The text counts 18 octets for the PCID and 16 for the digits, so that the key
 * identifier has 8. PCIDs of other lengths exist (17 octets; up to 255 by annex C.2) and the text
 * does not say what becomes of them: their octets are taken as they are, without padding.
 * @throws KeyTransportError `additional-data`
 */
export function additionalData({ pcid, contractKeyIdentifier }: KeyBinding): Uint8Array {
  if (!/^[A-Za-z0-9]{1,255}$/.test(pcid)) {
    throw new KeyTransportError(
      'additional-data',
      'A PCID is made of letters and digits, without separators.',
    );
  }
  if (contractKeyIdentifier.length !== KEY_IDENTIFIER) {
    throw new KeyTransportError(
      'additional-data',
      `The key identifier of a contract certificate has ${KEY_IDENTIFIER} octets, this one ${contractKeyIdentifier.length}.`,
    );
  }
  const digits = Buffer.from(contractKeyIdentifier).toString('hex');
  return Buffer.from((pcid + digits).toUpperCase(), 'latin1');
}

/**
 * Encrypts a private key into the field. The caller overwrites what it gave.
 * @param privateKey big-endian, 66 or 56 octets
 * @param iv 12 octets, random, used once
 * @throws KeyTransportError `field-length`, `additional-data`
 */
export function sealField({
  privateKey,
  iv,
  sharedSecret,
  binding,
}: {
  readonly privateKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly sharedSecret: Uint8Array;
  readonly binding: KeyBinding;
}): Uint8Array {
  if (iv.length !== ISO20_IV) throw wrongLength('The initialization vector', ISO20_IV, iv);
  const context = additionalData(binding);
  const key = sessionKey('sha512', sharedSecret, 32);
  try {
    const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG });
    cipher.setAAD(context);
    const body = [cipher.update(privateKey), cipher.final()];
    return Buffer.concat([iv, ...body, cipher.getAuthTag()]);
  } finally {
    key.fill(0);
  }
}

/**
 * Undoes {@link sealField}.
 * @param octets of the private key
 * @returns the private key, which the caller overwrites
 * @throws KeyTransportError `field-length`, `additional-data`, `not-authentic`
 */
export function openField({
  field,
  octets,
  sharedSecret,
  binding,
}: {
  readonly field: Uint8Array;
  readonly octets: 66 | 56;
  readonly sharedSecret: Uint8Array;
  readonly binding: KeyBinding;
}): Buffer {
  const expected = ISO20_IV + octets + TAG;
  if (field.length !== expected) throw wrongLength('The encrypted private key', expected, field);
  const context = additionalData(binding);
  const key = sessionKey('sha512', sharedSecret, 32);
  // Without the length, Node accepts tags cut down to 4 octets.
  const iv = field.subarray(0, ISO20_IV);
  const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG });
  key.fill(0);
  decipher.setAAD(context);
  decipher.setAuthTag(field.subarray(-TAG));
  // GCM decrypts before it knows whether the text is authentic: an unauthentic one is overwritten.
  const privateKey = decipher.update(field.subarray(ISO20_IV, -TAG));
  try {
    decipher.final();
  } catch {
    privateKey.fill(0);
    throw new KeyTransportError(
      'not-authentic',
      'The encrypted private key was altered, or made for another car or contract certificate.',
    );
  }
  return privateKey;
}

const wrongLength = (what: string, expected: number, { length }: Uint8Array): KeyTransportError =>
  new KeyTransportError('field-length', `${what} has ${length} octets; ${expected} are expected.`);
