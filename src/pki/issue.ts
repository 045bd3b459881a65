/** Signing: from linted bytes to a certificate whose signature has been verified (S3, S4). */

import type { KeyObject } from 'node:crypto';
import { assembleCertificate, signatureAlgorithmIn } from './build-certificate.ts';
import { consume, type LintedTbs } from './linted.ts';
import { signatureAlgorithmFor, verifyWithOffLoop } from './signature-algorithm.ts';
import type { Signer } from './signer.ts';

/** Why there is no certificate although policy and lint agreed to one. */
export class IssueError extends Error {
  override readonly name = 'IssueError';
  readonly reason: 'wrong-algorithm' | 'signature-invalid';

  constructor(reason: IssueError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Signs what a token stands for and uses the token up. A signature that does not verify (a faulty
 * key store, the key of another authority, a bit flipped in memory) never leaves this function:
 * for some algorithms it would give away the private key.
 * @param signer holds the private key of the issuer
 * @param verificationKey the public key of the issuer, from its certificate and not from `signer`
 * @returns the certificate, DER
 * @throws LintedTbsError on a token that is none, was used, or whose bytes changed; IssueError if
 *   the signer signs with another algorithm than the bytes name, or the signature is not valid;
 *   whatever `signer.sign` throws
 */
export async function signLinted(
  linted: LintedTbs,
  signer: Signer,
  verificationKey: KeyObject,
): Promise<Uint8Array> {
  const tbs = consume(linted);
  const algorithm = signatureAlgorithmFor(signer.algorithm);
  const named = signatureAlgorithmIn(tbs);
  if (named !== algorithm) {
    const message = `the signer signs with ${algorithm}, the certificate names ${named}`;
    throw new IssueError('wrong-algorithm', message);
  }
  // The signer gets bytes of its own: whatever it does to them, these are what lint has seen.
  const signature = new Uint8Array(await signer.sign(new Uint8Array(tbs)));
  if (!(await verifyWithOffLoop(verificationKey, algorithm, tbs, signature))) {
    throw new IssueError('signature-invalid', "the signature is not one of the issuer's key");
  }
  return assembleCertificate(tbs, algorithm, signature);
}
