import type { KeyAlgorithm } from './public-key.ts';

/**
 * Somebody who holds a private key and signs with it: a key in this process, or one in an HSM.
 * The signature algorithm follows from the key (see `signature-algorithm.ts`).
 */
export interface Signer {
  readonly algorithm: KeyAlgorithm;
  /** DER of the public key's SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** Signs the message itself, not a hash of it. ECDSA signatures are DER (RFC 3279 2.2.3). */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /**
   * The same for a long message in pieces, which must not change meanwhile. Where the algorithm
   * allows it they are hashed one by one, and the event loop gets a turn after each.
   */
  signPieces(pieces: readonly Uint8Array[]): Promise<Uint8Array>;
}
