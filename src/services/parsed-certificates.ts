/**
 * Certificates of authorities that are read again and again: the same few stand above everything
 * that is validated. What is kept is a function of the bytes alone, so nothing can go stale.
 */

import { type Certificate, readCertificate } from '../pki/certificate.ts';

/** Of at most 16 KiB each, and less than 1 KiB as a rule. */
const MAX_KEPT = 1_000;

export interface ParsedCertificates {
  /** As `readCertificate`. @throws DerError */
  read(der: Uint8Array): Certificate;
}

export function createParsedCertificates(limit = MAX_KEPT): ParsedCertificates {
  const kept = new Map<string, Certificate>();
  return {
    read(der) {
      const key = Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
      // A certificate refers to its bytes, and whoever brought these may change them.
      const certificate = kept.get(key) ?? readCertificate(Uint8Array.from(der));
      // Those used longest ago go first.
      kept.delete(key);
      kept.set(key, certificate);
      const [oldest] = kept.keys();
      if (kept.size > limit && oldest !== undefined) kept.delete(oldest);
      return certificate;
    },
  };
}
