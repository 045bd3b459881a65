/**
 * Certificates of authorities that are read again and again: the same few stand above everything
 * that is validated. What is kept is a function of their bytes alone, so nothing can go stale.
 */

import { type Certificate, readCertificate, verifyIssuedBy } from '../pki/certificate.ts';
import type { PublicKey } from '../pki/public-key.ts';

/** Of at most 16 KiB each, and less than 1 KiB as a rule. */
const MAX_KEPT = 1_000;

export interface ParsedCertificates {
  /** As `readCertificate`. @throws DerError */
  read(der: Uint8Array): Certificate;
  /** As `verifyIssuedBy`; of a certificate that is kept it remembers who signed it. */
  verify(child: Certificate, issuerKey: PublicKey): boolean;
}

export function createParsedCertificates(limit = MAX_KEPT): ParsedCertificates {
  const kept = new Map<string, Certificate>();
  /** The key that signed a certificate: there is one at most. */
  const signers = new WeakMap<Certificate, string>();
  return {
    read(der) {
      const key = textOf(der);
      // A certificate refers to its bytes, and whoever brought these may change them.
      const certificate = kept.get(key) ?? readCertificate(Uint8Array.from(der));
      // Those used longest ago go first.
      kept.delete(key);
      kept.set(key, certificate);
      const [oldest] = kept.keys();
      if (kept.size > limit && oldest !== undefined) kept.delete(oldest);
      return certificate;
    },

    verify(child, issuerKey) {
      const key = textOf(issuerKey.spki);
      if (signers.get(child) === key) return true;
      if (!verifyIssuedBy(child, issuerKey)) return false;
      // Leaves come once, and their bytes are somebody else's.
      if (kept.get(textOf(child.der)) === child) signers.set(child, key);
      return true;
    },
  };
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
