/**
 * Private keys for others, encrypted under a passphrase: an EncryptedPrivateKeyInfo (RFC 5958 3) with
 * PBES2 (RFC 8018 6.2), PBKDF2 with HMAC-SHA-256, and AES-256 in CBC mode. OpenSSL, Bouncy Castle,
 * Java and Go read that; scrypt (RFC 7914 7) not all of them.
 */

import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { integer, nullValue, octetString, oid, sequence } from '../pki/der-writer.ts';
import { passphraseEncryption } from '../pki/oids.ts';

/** What OWASP asks of PBKDF2-HMAC-SHA256; some 0.2 s, once for each key that is loaded. */
const ITERATIONS = 600_000;
const SALT_OCTETS = 16;
const KEY_OCTETS = 32;
const BLOCK_OCTETS = 16;

const derive = promisify(pbkdf2);

/**
 * Encrypts a private key (PKCS#8, DER), which is left as it is: the caller wipes it.
 * @param passphrase printable ASCII: beyond that tools differ in how they encode it
 * @returns DER
 */
export async function encryptPkcs8(pkcs8: Uint8Array, passphrase: string): Promise<Uint8Array> {
  if (!/^[ -~]+$/.test(passphrase)) throw new RangeError('the passphrase is not printable ASCII');
  const salt = randomBytes(SALT_OCTETS);
  const iv = randomBytes(BLOCK_OCTETS);
  const secret = Buffer.from(passphrase, 'ascii');
  const key = await derive(secret, salt, ITERATIONS, KEY_OCTETS, 'sha256').finally(() =>
    secret.fill(0),
  );
  try {
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    const encrypted = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
    return sequence(encryptionAlgorithm(salt, iv), octetString(encrypted));
  } finally {
    key.fill(0);
  }
}

const encryptionAlgorithm = (salt: Uint8Array, iv: Uint8Array): Uint8Array => {
  const { PBES2, PBKDF2, hmacWithSHA256, aes256Cbc } = passphraseEncryption;
  const prf = sequence(oid(hmacWithSHA256), nullValue());
  const parameters = sequence(octetString(salt), integer(ITERATIONS), prf);
  return sequence(
    oid(PBES2),
    sequence(sequence(oid(PBKDF2), parameters), sequence(oid(aes256Cbc), octetString(iv))),
  );
};
