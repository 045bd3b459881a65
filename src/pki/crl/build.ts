/**
 * CRLs of evpki (RFC 5280 5.1), built around encoded entries that are never copied for it: a list
 * is its head, segments as `entries.ts` makes them, and its tail. Only the signer needs it in one
 * piece.
 */

import { DerReader, sameBytes, tags } from '../der.ts';
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
  /** As `encodeCrlEntries` makes them; empty ones do not count. */
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

/**
 * The TBSCertList in one buffer, for `Signer.sign`, which takes a message and not its hash: EdDSA
 * reads the message twice, and a key in an HSM is asked in one call. The buffer costs the size of
 * the CRL in memory until the signature is there (50 MB for a million entries); filling it holds
 * the event loop, and {@link gatherCrlBytes} is the way around that.
 *
 * An incremental digest would save the buffer: `createSign` of node:crypto takes the pieces of
 * {@link crlMessage} one by one. But only for ECDSA and RSA, so it would be a second method of
 * `Signer` that not every signer could have.
 */
export const crlBytesToSign = (pieces: CrlPieces): Uint8Array => concatenated(crlMessage(pieces));

/**
 * {@link crlBytesToSign} in steps of a segment, yielding the octets copied so far after each, so
 * that the caller can let the event loop turn. The pieces must not change in between.
 */
export function* gatherCrlBytes(pieces: CrlPieces): Generator<number, Uint8Array, undefined> {
  const out = Buffer.allocUnsafeSlow(pieces.length);
  let at = 0;
  for (const piece of crlMessage(pieces)) {
    out.set(piece, at);
    at += piece.length;
    yield at;
  }
  if (at !== out.length) throw new RangeError('the pieces of the CRL are not as long as they say');
  return out;
}

/** The TBSCertList piece by piece, by reference, for hashing or verifying without a copy. */
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
