/**
 * CRLs of evpki (RFC 5280 5.1), built around encoded entries that are never copied for it: a list
 * is its head, segments as `entries.ts` makes them, and its tail.
 */

import { sameBytes } from '../byte-order.ts';
import { DerReader } from '../der.ts';
import { tags } from '../der-element.ts';
import { bitString, integer, time } from '../der-writer.ts';
import { algorithmIdentifier, type SignatureAlgorithm } from '../signature-algorithm.ts';
import { type IssuedCrlExtensions, writeCrlExtensions } from './extensions.ts';
import { type CrlPieces, concatenated, octetsOf, readHead, sequenceHeader } from './frame.ts';

export interface CrlTemplate extends IssuedCrlExtensions {
  /** DER of the issuer's subject. */
  readonly issuerName: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** In whole seconds. */
  readonly thisUpdate: Date;
  /** In whole seconds. */
  readonly nextUpdate: Date;
  /** As `encodeCrlLines` makes them; empty ones do not count. */
  readonly segments: readonly Uint8Array[];
}

/** A signed CRL: its chunks one after the other are its DER. */
export interface CrlChunks {
  readonly chunks: readonly Uint8Array[];
  /** The octets of all chunks. */
  readonly length: number;
}

/** Far above any issuer name. */
const MAX_NAME_BYTES = 16 * 1024;

/**
 * The TBSCertList of a v2 CRL: nextUpdate always (RFC 5280 5.1.2.5), CRL number and authority key
 * identifier always (5.2), revokedCertificates absent if no segment holds anything (5.1.2.6, R2).
 * The segments are taken as they are, by reference; `lintCrlEntries` looks inside them.
 * @throws RangeError on an issuer name that is no DER SEQUENCE or empty (5.1.2.3), on times with a
 *   fraction of a second or in the wrong order, on extensions that cannot be written, on 4 GiB
 */
export function crlTbs(template: CrlTemplate): CrlPieces {
  const segments = template.segments.filter((segment) => segment.length > 0);
  const revoked = octetsOf(segments);
  const fields = concatenated([
    integer(1),
    algorithmIdentifier(template.signatureAlgorithm),
    issuerName(template.issuerName),
    ...updates(template.thisUpdate, template.nextUpdate),
    ...(revoked > 0 ? [sequenceHeader(revoked)] : []),
  ]);
  const tail = writeCrlExtensions(template);
  const head = concatenated([sequenceHeader(fields.length + revoked + tail.length), fields]);
  return { head, segments, tail, length: head.length + revoked + tail.length };
}

/** The TBSCertList piece by piece, by reference: what is signed, and verified. */
export const crlMessage = ({ head, segments, tail }: CrlPieces): readonly Uint8Array[] => [
  head,
  ...segments,
  tail,
];

/**
 * The CertificateList (RFC 5280 5.1.1). The segments are among the chunks by reference.
 * @param pieces as {@link crlTbs} made them
 * @param signature as a signer made it: ECDSA in DER, the others raw
 * @throws RangeError if `pieces` name another signature algorithm (RFC 5280 5.1.1.2); DerError if
 *   they do not fit together
 */
export function assembleCrl(
  pieces: CrlPieces,
  signatureAlgorithm: SignatureAlgorithm,
  signature: Uint8Array,
): CrlChunks {
  const outer = algorithmIdentifier(signatureAlgorithm);
  if (!sameBytes(readHead(pieces, innerAlgorithm), outer)) {
    throw new RangeError(`the CRL was not built to be signed with ${signatureAlgorithm}`);
  }
  const end = concatenated([pieces.tail, outer, bitString(signature)]);
  const content = pieces.length - pieces.tail.length + end.length;
  const start = concatenated([sequenceHeader(content), pieces.head]);
  const chunks = [start, ...pieces.segments, end];
  return { chunks, length: octetsOf(chunks) };
}

function innerAlgorithm(fields: DerReader): Uint8Array {
  fields.read(tags.integer);
  const { raw } = fields.read(tags.sequence);
  fields.read(tags.sequence);
  fields.time();
  fields.time();
  return raw;
}

function issuerName(der: Uint8Array): Uint8Array {
  const input = DerReader.over(der, MAX_NAME_BYTES);
  const whole = input.has(tags.sequence) ? input.read() : undefined;
  if (whole?.raw.length !== der.length || whole.content.length === 0) {
    throw new RangeError('the issuer name is not one DER SEQUENCE, or empty');
  }
  return der;
}

/** RFC 5280 5.1.2.4, 5.1.2.5. */
function updates(thisUpdate: Date, nextUpdate: Date): readonly Uint8Array[] {
  for (const update of [thisUpdate, nextUpdate]) {
    if (!Number.isInteger(update.getTime() / 1000)) {
      throw new RangeError('an update on a fraction of a second, or at no time at all');
    }
  }
  if (nextUpdate <= thisUpdate) throw new RangeError('the next update is not after this one');
  return [time(thisUpdate), time(nextUpdate)];
}
