/**
 * Certificates of authorities that are read again and again: the same few stand above everything
 * that is validated. What is kept is a function of their bytes alone, so nothing can go stale.
 */

import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, readCertificate, verifyIssuedByOffLoop } from '../pki/certificate.ts';
import type { SignatureQuestion } from '../pki/path/signatures.ts';
import type { PublicKey } from '../pki/public-key.ts';
import { recent } from '../pki/recent.ts';

/** Of at most 16 KiB each, and less than 1 KiB as a rule. */
const MAX_KEPT = 1_000;

/**
 * By the end of its signature one is looked for. Another one may be made to end alike: the one that
 * came last is kept, so that whoever makes it has to bring it again and again to be in the way.
 */
const KEY_OCTETS = 6;

export interface ParsedCertificates {
  /** As `readCertificate`. @throws DerError */
  read(der: Uint8Array): Certificate;
  /**
   * As `verifyIssuedByOffLoop`; of a certificate that is kept it remembers who signed it. Leaves come
   * once, and their bytes are somebody else's: theirs are verified each time.
   */
  verify(question: SignatureQuestion): boolean | Promise<boolean>;
}

/** @param limit how many are kept, at least 2 */
export function createParsedCertificates(limit = MAX_KEPT): ParsedCertificates {
  const kept = recent<Certificate, number>(limit);
  /** Those that were read here, from bytes that nobody else has, and the key that signed them. */
  const own = new WeakMap<Certificate, { signer?: PublicKey }>();
  const readOwn = (der: Uint8Array): Certificate => {
    // A certificate refers to its bytes, and whoever brought these may change them.
    const certificate = readCertificate(Uint8Array.from(der));
    own.set(certificate, {});
    return certificate;
  };
  return {
    read(der) {
      const isMeant = (one: Certificate) => sameBytes(one.der, der);
      return kept(endOf(der), () => readOwn(der), isMeant);
    },

    verify({ child, issuerKey }) {
      const known = own.get(child);
      if (known?.signer && sameBytes(known.signer.spki, issuerKey.spki)) return true;
      const answer = verifyIssuedByOffLoop(child, issuerKey);
      if (known === undefined) return answer;
      const remember = (good: boolean) => {
        if (good) known.signer = issuerKey;
        return good;
      };
      return answer instanceof Promise ? answer.then(remember) : remember(answer);
    },
  };
}

/** The last octets as a number, which holds as many exactly. */
function endOf(der: Uint8Array): number {
  let end = 0;
  for (let at = Math.max(0, der.length - KEY_OCTETS); at < der.length; at++) {
    end = end * 256 + (der[at] as number);
  }
  return end;
}
