import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { Signer } from '../pki/signer.ts';
import type { KeyEnvelope } from './authority-records.ts';

/** Port: makes private keys that nobody but the keystore ever sees, and signs with them. */
export interface Keyring {
  /** A fresh key, sealed for this authority. */
  generate(
    algorithm: KeyAlgorithm,
    owner: { readonly keyId: string; readonly authorityId: string },
  ): Promise<{ readonly spki: Uint8Array; readonly key: KeyEnvelope }>;
  /** Opens a sealed key for signing. */
  open(key: KeyEnvelope, algorithm: KeyAlgorithm, spki: Uint8Array): Promise<Signer>;
}
