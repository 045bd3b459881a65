import { createHash } from 'node:crypto';

/** SP 800-56A (2007) 5.8.1: a counter of 32 bits; one round is enough for both standards. */
const counter = Uint8Array.of(0, 0, 0, 1);
/** Algorithm id 1, then the names of the parties: `U` sends, `V` is the car. */
const otherInfo = Uint8Array.of(0x01, 0x55, 0x56);

/**
 * The key that encrypts a contract key: the concatenation key derivation function over what both
 * sides agree on ([V2G2-818], [V2G20-2535]).
 * @param octets the key's length: 16 with SHA-256 for ISO 15118-2, 32 with SHA-512 for -20
 * @returns a buffer that the caller overwrites
 */
export function sessionKey(
  hash: 'sha256' | 'sha512',
  sharedSecret: Uint8Array,
  octets: 16 | 32,
): Buffer {
  const digest = createHash(hash).update(counter).update(sharedSecret).update(otherInfo).digest();
  // The rest of the digest is as secret as the key.
  digest.fill(0, octets);
  return digest.subarray(0, octets);
}
