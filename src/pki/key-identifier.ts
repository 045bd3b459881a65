/** The short names that keys go by: key identifiers in certificates, fingerprints in our records. */

import { hash } from 'node:crypto';
import type { PublicKey } from './public-key.ts';

/**
 * The subject key identifier of a key (RFC 5280 4.2.1.2), made of the SHA-1 hash of `bits`. SHA-1
 * serves as a label here and protects nothing.
 * @param octets 20 for method 1, the whole hash; 8 for method 2 as ISO 15118 wants it: the four
 *   bits 0100 and the last 60 bits of the hash
 */
export function keyIdentifier(key: PublicKey, octets: 8 | 20): Uint8Array {
  const whole = new Uint8Array(Buffer.from(hash('sha1', key.bits), 'hex'));
  if (octets === 20) return whole;
  const identifier = whole.slice(-8);
  identifier[0] = 0x40 | ((identifier[0] ?? 0) & 0x0f);
  return identifier;
}

/** SHA-256 of a DER SubjectPublicKeyInfo, lower-case hex: how block lists and records name keys. */
export const spkiFingerprint = (spki: Uint8Array): string => hash('sha256', spki);
