/** CertStatus: good, revoked or unknown (RFC 6960 2.2, 4.2.1). */

import type { DerReader } from '../der.ts';
import { contextConstructed, contextPrimitive, DerError, tags } from '../der-element.ts';
import { element, explicit, generalizedTime, implicit, integer } from '../der-writer.ts';
import {
  type RevocationReason,
  revocationReasonOf,
  revocationReasons,
} from '../revocation-reasons.ts';

export type CertificateStatus =
  | { readonly kind: 'good' }
  | {
      readonly kind: 'revoked';
      /** Whole seconds. */
      readonly at: Date;
      /** `unspecified` is written by leaving it out (RFC 5280 5.3.1). */
      readonly reason?: RevocationReason;
    }
  | { readonly kind: 'unknown' };

const goodTag = contextPrimitive(0);
const revokedTag = contextConstructed(1);
const unknownTag = contextPrimitive(2);

const nothing = new Uint8Array(0);

export function writeCertificateStatus(status: CertificateStatus): Uint8Array {
  switch (status.kind) {
    case 'good':
      return implicit(0, nothing);
    case 'unknown':
      return implicit(2, nothing);
    case 'revoked': {
      const { at, reason = 'unspecified' } = status;
      if (reason === 'unspecified') return element(revokedTag, generalizedTime(at));
      const number = integer(revocationReasons[reason], tags.enumerated);
      return element(revokedTag, generalizedTime(at), explicit(0, number));
    }
  }
}

/**
 * @param reader stands before the CertStatus, which is consumed
 * @throws DerError also on a reason that RFC 5280 5.3.1 does not number
 */
export function readCertificateStatus(reader: DerReader): CertificateStatus {
  const status = reader.read();
  const { tag, content, offset } = status;
  if (tag === revokedTag) return readRevokedInfo(reader.inside(status));
  if (tag !== goodTag && tag !== unknownTag) {
    throw new DerError(`tag 0x${tag.toString(16)} is no certificate status`, offset);
  }
  if (content.length !== 0) throw new DerError('a NULL has content', offset);
  return { kind: tag === goodTag ? 'good' : 'unknown' };
}

function readRevokedInfo(fields: DerReader): CertificateStatus {
  const at = fields.generalizedTime();
  if (fields.atEnd) return { kind: 'revoked', at };
  const wrapped = fields.enter(contextConstructed(0));
  const { offset } = wrapped;
  const number = wrapped.smallInteger(tags.enumerated);
  wrapped.end();
  fields.end();
  const reason = revocationReasonOf(number);
  if (reason === undefined) throw new DerError(`${number} is no reason to revoke`, offset);
  return { kind: 'revoked', at, reason };
}
