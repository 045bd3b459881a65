/**
 * Certificates of authorities that are read again and again: the same few stand above everything
 * that is validated. What is kept is a function of their bytes alone, so nothing can go stale.
 */

import { bytesKey, sameBytes } from '../pki/byte-order.ts';
import { type Certificate, readCertificate, verifyIssuedByOffLoop } from '../pki/certificate.ts';
import type { SignatureQuestion } from '../pki/path/signatures.ts';
import { recent } from '../pki/recent.ts';

/** Of at most 16 KiB each, and less than 1 KiB as a rule. */
const MAX_KEPT = 1_000;

/**
 * By the end of its signature one is looked for. Another one may be made to end alike: the one that
 * came last is kept, so that whoever makes it has to bring it again and again to be in the way.
 */
const KEY_OCTETS = 48;

export interface ParsedCertificates {
  /** As `readCertificate`. @throws DerError */
  read(der: Uint8Array): Certificate;
  /**
   * As `verifyIssuedByOffLoop`; of a certificate that is kept it remembers who signed it. Leaves come
   * once, and their bytes are somebody else's: theirs are verified each time.
   */
  verify(question: SignatureQuestion): Promise<boolean>;
}

/** @param limit how many are kept, at least 2 */
export function createParsedCertificates(limit = MAX_KEPT): ParsedCertificates {
  const kept = recent<Certificate>(limit);
  /** Those that were read here, from bytes that nobody else has. */
  const own = new WeakSet<Certificate>();
  /** The key that signed one of these: there is one at most. */
  const signers = new WeakMap<Certificate, string>();
  const readOwn = (der: Uint8Array): Certificate => {
    // A certificate refers to its bytes, and whoever brought these may change them.
    const certificate = readCertificate(Uint8Array.from(der));
    own.add(certificate);
    return certificate;
  };
  return {
    read(der) {
      const key = bytesKey(der.subarray(-KEY_OCTETS));
      const isMeant = (one: Certificate) => sameBytes(one.der, der);
      return kept(key, () => readOwn(der), isMeant);
    },

    async verify({ child, issuerKey }) {
      const key = bytesKey(issuerKey.spki);
      if (signers.get(child) === key) return true;
      if (!(await verifyIssuedByOffLoop(child, issuerKey))) return false;
      if (own.has(child)) signers.set(child, key);
      return true;
    },
  };
}
