/**
 * What others say of the certificates of a path that has been validated as far as our own records
 * go: each is asked about at the responder that it names itself, all at once.
 */

import type { Certificate } from '../pki/certificate.ts';
import { nameText } from '../pki/names.ts';
import { writeCertId } from '../pki/ocsp/cert-id.ts';
import { issuerHashes } from '../pki/ocsp/hashes.ts';
import type { AskForeignStatus, ForeignAnswer, ForeignFailure } from './foreign-status.ts';

/** A certificate of which it is not known whether it is revoked. */
export interface StatusUnknown {
  /** RFC 4514 text. */
  readonly subject: string;
  readonly reason:
    | ForeignFailure
    /** Its issuer has answered that it does not know it. */
    | 'answered-unknown';
}

export interface PathStatus {
  /** Those that their issuers call revoked, or on hold: RFC 4514 text of their subjects. */
  readonly revoked: readonly string[];
  readonly unknown: readonly StatusUnknown[];
}

/**
 * Asks about certificates of a path. The URLs count because the path does: it ends at an anchor.
 * @param path from the certificate to its anchor
 * @param unknown those of it to ask about
 */
export async function foreignStatusOf(
  askForeignStatus: AskForeignStatus,
  path: readonly Certificate[],
  unknown: readonly Certificate[],
): Promise<PathStatus> {
  const revoked: string[] = [];
  const without: StatusUnknown[] = [];
  const answers = await Promise.all(
    unknown.map((certificate) => askAbout(askForeignStatus, certificate, path)),
  );
  for (const [index, answer] of answers.entries()) {
    const certificate = unknown[index];
    if (!certificate) continue;
    const subject = nameText(certificate.subject);
    if (!answer.known) without.push({ subject, reason: answer.reason });
    else if (answer.status.kind === 'unknown')
      without.push({ subject, reason: 'answered-unknown' });
    else if (answer.status.kind === 'revoked') revoked.push(subject);
  }
  return { revoked, unknown: without };
}

async function askAbout(
  askForeignStatus: AskForeignStatus,
  certificate: Certificate,
  path: readonly Certificate[],
): Promise<ForeignAnswer> {
  const issuer = path[path.indexOf(certificate) + 1];
  // In a path that holds every issuer has a key that has verified a signature.
  if (!issuer?.publicKey) throw new Error('a certificate of a path without an issuer');
  const { nameHash, keyHash } = issuerHashes(certificate.issuerDer, issuer.publicKey.bits).sha256;
  return askForeignStatus({
    // Responders for chargers know SHA-256: it is what OCPP starts with.
    certId: writeCertId({
      hashAlgorithm: 'sha256',
      issuerNameHash: Buffer.from(nameHash, 'hex'),
      issuerKeyHash: Buffer.from(keyHash, 'hex'),
      serialNumber: certificate.serialNumber,
    }),
    issuer,
    responders: certificate.extensions.authorityInfoAccess?.ocsp ?? [],
  });
}
