/** Authenticated encryption under a key derived for one purpose: what envelopes are made of. */

import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

// SP 800-38D: 96-bit nonces are the ones that need no further derivation. A random one is safe
// for 2^32 texts under one key; ours encrypt one each, and a few more when keys are sealed anew.
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;

/** Octets that encryption adds: nonce and tag. */
export const SEALING_OVERHEAD = NONCE_OCTETS + TAG_OCTETS;

/**
 * Encrypts with AES-256-GCM under a key for this purpose alone.
 * @param context what the result is bound to without containing it (the additional data)
 * @returns nonce (12 octets), ciphertext, tag (16 octets)
 */
export function encryptUnder(
  kek: KeyObject,
  purpose: string,
  plaintext: Uint8Array,
  context: Uint8Array,
): Uint8Array {
  const nonce = randomBytes(NONCE_OCTETS);
  const key = purposeKey(kek, purpose);
  try {
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_OCTETS });
    cipher.setAAD(context);
    const body = [cipher.update(plaintext), cipher.final()];
    return Uint8Array.from(Buffer.concat([nonce, ...body, cipher.getAuthTag()]));
  } finally {
    key.fill(0);
  }
}

/**
 * Undoes {@link encryptUnder}.
 * @returns the plaintext, which the caller wipes; undefined if anything differs by a bit
 */
export function decryptUnder(
  kek: KeyObject,
  purpose: string,
  sealed: Uint8Array,
  context: Uint8Array,
): Buffer | undefined {
  if (sealed.length < SEALING_OVERHEAD) return undefined;
  const key = purposeKey(kek, purpose);
  const body = sealed.subarray(NONCE_OCTETS, -TAG_OCTETS);
  const nonce = sealed.subarray(0, NONCE_OCTETS);
  // Without the length, Node accepts tags cut down to 4 octets.
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_OCTETS });
  key.fill(0);
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(-TAG_OCTETS));
  // GCM decrypts before it knows whether the text is authentic: an unauthentic one is wiped.
  const plaintext = decipher.update(body);
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}

/** A key of 32 octets for one purpose, which the caller wipes. */
// The key-encryption key is uniformly random, so HKDF needs no salt (RFC 5869 3.1).
export const purposeKey = (kek: KeyObject, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', kek, new Uint8Array(0), Buffer.from(purpose), 32));
