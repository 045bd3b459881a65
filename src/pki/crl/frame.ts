/** The frame of a TBSCertList whose entries are in pieces of their own: see `build.ts`. */

import { sameBytes } from '../byte-order.ts';
import { DerReader } from '../der.ts';
import { DerError, tags } from '../der-element.ts';

/** A TBSCertList in pieces: their bytes one after the other are its DER. */
export interface CrlPieces {
  /** Up to the header of revokedCertificates, or all before crlExtensions if nothing is revoked. */
  readonly head: Uint8Array;
  readonly segments: readonly Uint8Array[];
  /** The field crlExtensions. */
  readonly tail: Uint8Array;
  /** The octets of all pieces. */
  readonly length: number;
}

/** DER lengths of more than four octets are read by nobody, least of all by `der.ts`. */
const MAX_LENGTH = 0xffff_ffff;

/**
 * Tag and length octets of a SEQUENCE whose content is in other pieces.
 * @throws RangeError on 4 GiB and more
 */
export function sequenceHeader(length: number): Uint8Array {
  if (length > MAX_LENGTH) throw new RangeError(`a CRL of ${length} octets`);
  const octets = length < 0x80 ? 0 : Math.ceil(length.toString(16).length / 2);
  const header = new Uint8Array(2 + octets);
  header[0] = tags.sequence;
  header[1] = octets === 0 ? length : 0x80 | octets;
  for (let i = 0; i < octets; i++) header[1 + octets - i] = (length >>> (8 * i)) & 0xff;
  return header;
}

/**
 * A reader over the fields before revokedCertificates, and what comes after them in the head: the
 * header of revokedCertificates, whose content is not there.
 * @param read takes the fields off the reader
 * @throws DerError also if the head does not start with the header of a SEQUENCE around all pieces
 *   or, where there are entries, does not end in that of a SEQUENCE around all of them
 */
export function readHead<T>(pieces: CrlPieces, read: (fields: DerReader) => T): T {
  const { head, segments, tail } = pieces;
  const revoked = octetsOf(segments);
  const length = head.length + revoked + tail.length;
  const first = head[1] ?? 0;
  const octets = 2 + (first < 0x80 ? 0 : first & 0x7f);
  // DER has one encoding: what is not the header that we would write is none.
  const header = sequenceHeader(Math.max(0, length - octets));
  if (length !== pieces.length || !sameBytes(head.subarray(0, octets), header)) {
    throw new DerError('the head does not count the octets of the CRL', 0);
  }
  const rest = head.subarray(octets);
  const fields = DerReader.over(rest, rest.length);
  const result = read(fields);
  const expected = revoked === 0 ? NOTHING : sequenceHeader(revoked);
  if (!sameBytes(rest.subarray(fields.offset), expected)) {
    throw new DerError('the head does not count the octets of the entries', octets + fields.offset);
  }
  return result;
}

const NOTHING = new Uint8Array(0);

export function octetsOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

/** The parts in one new buffer. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const length = octetsOf(parts);
  // Not zeroed: every octet is written. Not from the pool either, whose buffers are shared.
  const out = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
