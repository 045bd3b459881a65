/**
 * From template to bytes (RFC 5280 4.1). The builder adds nothing of its own, and refuses with a
 * RangeError what no certificate may hold, as the last line behind policy and before lint.
 */

import { sameBytes } from './byte-order.ts';
import { DerReader } from './der.ts';
import { contextConstructed, tags } from './der-element.ts';
import { bitString, explicit, integer, sequence, time, unsignedInteger } from './der-writer.ts';
import { writeExtensions } from './extensions/write.ts';
import { writeName } from './names.ts';
import {
  algorithmIdentifier,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
} from './signature-algorithm.ts';
import type { CertificateTemplate } from './template.ts';

/** Far above any certificate of ours. */
const MAX_BYTES = 64 * 1024;

/**
 * The TBSCertificate of a v3 certificate, DER: what lint inspects and a signer signs.
 * @throws RangeError on a serial number that is not 1 to 20 octets with the first in 0x01..0x7f,
 *   on times with a fraction of a second or in the wrong order, on an issuer name, subject or
 *   public key that is no DER SEQUENCE, on extensions that cannot be written; NameError on a subject that
 *   cannot be written
 */
export function buildTbs(template: CertificateTemplate): Uint8Array {
  return sequence(
    version3,
    serialNumber(template.serialNumber),
    algorithmIdentifier(template.signatureAlgorithm),
    oneSequence(template.issuerName, 'issuer name'),
    validity(template.notBefore, template.notAfter),
    template.subjectDer ? oneSequence(template.subjectDer, 'subject') : writeName(template.subject),
    oneSequence(template.spki, 'public key'),
    explicit(3, writeExtensions(template.extensions)),
  );
}

const version3 = explicit(0, integer(2));

/**
 * The certificate, DER.
 * @param tbs as `buildTbs` made it
 * @param signature as a signer made it: ECDSA in DER, the others raw
 * @throws RangeError if `tbs` names another signature algorithm (RFC 5280 4.1.1.2)
 */
export function assembleCertificate(
  tbs: Uint8Array,
  signatureAlgorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array {
  const outer = algorithmIdentifier(signatureAlgorithm);
  if (!sameBytes(innerAlgorithm(tbs), outer)) {
    throw new RangeError(`the certificate was not built to be signed with ${signatureAlgorithm}`);
  }
  return sequence(tbs, outer, bitString(signature));
}

/**
 * The signature algorithm that a TBSCertificate names; undefined if evpki knows no such.
 * @param tbs DER, of which only what stands before the algorithm is looked at
 * @throws DerError
 */
export const signatureAlgorithmIn = (tbs: Uint8Array): SignatureAlgorithm | undefined =>
  readSignatureAlgorithm(innerAlgorithm(tbs));

function innerAlgorithm(tbs: Uint8Array): Uint8Array {
  const input = DerReader.over(tbs, MAX_BYTES);
  const fields = input.sequence();
  input.end();
  if (fields.has(contextConstructed(0))) fields.read();
  fields.read(tags.integer);
  return fields.read(tags.sequence).raw;
}

/**
 * RFC 5280 4.1.2.2: positive, at most 20 octets. With the first octet in 0x01..0x7f the magnitude
 * and the content octets of the INTEGER are the same bytes, so that nobody can mistake them.
 */
function serialNumber(octets: Uint8Array): Uint8Array {
  const first = octets[0] ?? 0;
  if (octets.length > 20 || first === 0 || first > 0x7f) {
    throw new RangeError('a serial number has 1 to 20 octets, the first in 0x01..0x7f');
  }
  return unsignedInteger(octets);
}

/** RFC 5280 4.1.2.5: whole seconds, both of them part of the validity. */
function validity(notBefore: Date, notAfter: Date): Uint8Array {
  for (const end of [notBefore, notAfter]) {
    if (!Number.isInteger(end.getTime() / 1000)) {
      throw new RangeError('a validity ends on a fraction of a second, or at no time at all');
    }
  }
  if (notAfter.getTime() < notBefore.getTime())
    throw new RangeError('a validity ends before it starts');
  return sequence(time(notBefore), time(notAfter));
}

/** Bytes taken over from elsewhere must at least be the one element that they stand for. */
function oneSequence(der: Uint8Array, what: string): Uint8Array {
  const input = DerReader.over(der, MAX_BYTES);
  const whole = input.has(tags.sequence) && input.read().raw.length === der.length;
  if (!whole) throw new RangeError(`the ${what} is not one DER SEQUENCE`);
  return der;
}
