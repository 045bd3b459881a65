/**
 * Key pairs that are made here for somebody else (RFC 7030 4.4). The private key is handed out once
 * and kept nowhere: whoever loses the answer asks for another one.
 */

import type { Profile } from '../pki/profile.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { CertificationRequest } from '../pki/request.ts';
import { assembleRequest, requestInfoOver } from '../pki/request-building.ts';
import { signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import { violation } from '../pki/violations.ts';
import { ServiceError } from './errors.ts';

/** A key pair for somebody else. */
export interface DeviceKey {
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** PKCS#8, DER; to be overwritten once it has been handed out. */
  readonly pkcs8: Uint8Array;
  /** Signs as `Signer.sign` does. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Port: makes them, off the event loop. */
export type GenerateDeviceKey = (algorithm: KeyAlgorithm) => Promise<DeviceKey>;

/**
 * Whoever does not trust TLS alone with the key must not get it without a word.
 * @throws ServiceError `csr-refused`
 */
export function requireNoEncryption({ wantsEncryptedKey }: CertificationRequest): void {
  if (!wantsEncryptedKey) return;
  const message = 'The request wants the generated key encrypted, which is not done.';
  throw new ServiceError('csr-refused', 'the key would not be handed out as it is asked for', [
    violation('key-encryption-unsupported', message, 'attributes'),
  ]);
}

/** The algorithm of the key in the request, which is of no other use, if the profile allows it. */
export function generatedAlgorithm(
  { keys, name }: Pick<Profile, 'keys' | 'name'>,
  { publicKey }: CertificationRequest,
): KeyAlgorithm {
  if (keys.includes(publicKey.algorithm)) return publicKey.algorithm;
  const [first] = keys;
  if (first === undefined) throw new TypeError(`${name} allows no keys`);
  return first;
}

/** What was asked for, asked for the generated key, DER: that is what is certified and recorded. */
export async function requestForKey(
  { subject, extensions }: CertificationRequest,
  algorithm: KeyAlgorithm,
  key: DeviceKey,
): Promise<Uint8Array> {
  const info = requestInfoOver(subject, key.spki, extensions);
  return assembleRequest(info, signatureAlgorithmFor(algorithm), await key.sign(info));
}
