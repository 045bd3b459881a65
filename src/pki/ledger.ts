/**
 * The hash chain of the audit log. Entries stand in streams, one per writing process; the hash of
 * each entry covers the hash of the one before it, so that nothing can be changed, dropped or moved
 * inside a stream without breaking every hash after it. What a chain alone cannot show is that its
 * end was cut off: for that the head is compared with one that was kept elsewhere.
 */

import { createHash } from 'node:crypto';
import { sameBytes } from './byte-order.ts';
import { integer, octetString, sequence, utf8String } from './der-writer.ts';

/** What is hashed: exactly the values that are stored, as they are stored. */
export interface LedgerEntry {
  readonly stream: string;
  /** Counted from 1 in each stream, without gaps. */
  readonly sequence: number;
  /** RFC 3339 text in UTC with milliseconds. */
  readonly at: string;
  readonly organizationId: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** JSON text, byte for byte as it is stored: hashing text needs no canonical form of JSON. */
  readonly details: string;
}

export interface ChainedEntry extends LedgerEntry {
  /** SHA-256, see `entryHash`. */
  readonly hash: Uint8Array;
}

/** The last entry of a stream, or where it stood when it was last looked at. */
export interface StreamHead {
  readonly sequence: number;
  readonly hash: Uint8Array;
}

export type StreamVerdict =
  | { readonly ok: true; readonly head: StreamHead }
  /** `brokenAt`: the sequence number that is missing, or whose entry is not what was written. */
  | { readonly ok: false; readonly brokenAt: number };

/** Distinguishes this encoding from any later one. */
const ENCODING_VERSION = 1;

/** The head of a stream without entries: what the first entry is chained to. */
export const emptyStream: StreamHead = { sequence: 0, hash: new Uint8Array(32) };

/**
 * SHA-256 over the DER of `SEQUENCE { version INTEGER (1), previous OCTET STRING, stream
 * UTF8String, sequence INTEGER, at, organizationId, actor, action, subject, details UTF8String }`.
 * DER, because every length is written out: no two entries share an encoding. Half a surrogate pair
 * has none: UTF-8 would have the same replacement for each.
 * @param previous the hash of the entry before, 32 octets; those of `emptyStream` for the first
 * @throws RangeError when `previous` has another length, or a text half a surrogate pair
 */
export function entryHash(previous: Uint8Array, entry: LedgerEntry): Uint8Array {
  if (previous.length !== 32) throw new RangeError('the previous hash is not 32 octets long');
  const encoded = sequence(
    integer(ENCODING_VERSION),
    octetString(previous),
    text(entry.stream),
    integer(entry.sequence),
    text(entry.at),
    text(entry.organizationId),
    text(entry.actor),
    text(entry.action),
    text(entry.subject),
    text(entry.details),
  );
  return new Uint8Array(createHash('sha256').update(encoded).digest());
}

const HALF_PAIR = /\p{Cs}/u;

function text(characters: string): Uint8Array {
  if (HALF_PAIR.test(characters)) throw new RangeError('a text has half a surrogate pair');
  return utf8String(characters);
}

/**
 * Walks entries of one stream in the order given. A long stream is walked in pages, each from the
 * head that the page before returned.
 * @param entries in ascending order of their sequence numbers
 * @param after where to start: the beginning of the stream unless told
 */
export function verifyStream(
  entries: Iterable<ChainedEntry>,
  after: StreamHead = emptyStream,
): StreamVerdict {
  let head = after;
  let stream: string | undefined;
  for (const entry of entries) {
    stream ??= entry.stream;
    const expected = head.sequence + 1;
    const intact =
      entry.stream === stream &&
      entry.sequence === expected &&
      sameBytes(entry.hash, entryHash(head.hash, entry));
    if (!intact) return { ok: false, brokenAt: expected };
    head = { sequence: expected, hash: entry.hash };
  }
  return { ok: true, head };
}

/** Something in a stream that is not as it was written. */
export interface LedgerBreak {
  readonly kind: /** The entry, or the one before it, is not the one that was hashed. */
    | 'altered'
    /** Entries from this number on, up to the next that is there, are gone. */
    | 'missing'
    /** An entry that belongs to no place in the stream. */
    | 'unexpected';
  readonly sequence: number;
}

export interface Examination {
  /** The last entry that was looked at: where the next page goes on. */
  readonly head: StreamHead;
  readonly breaks: readonly LedgerBreak[];
}

/**
 * Walks entries like `verifyStream`, and goes on behind what is broken, taking the hash that is
 * stored there as it is: so that all the places are named, and not only the first.
 * @param entries of one stream, ascending; everything there is, also below number 1
 */
export function examineStream(
  stream: string,
  entries: Iterable<ChainedEntry>,
  after: StreamHead,
): Examination {
  const breaks: LedgerBreak[] = [];
  let head = after;
  for (const entry of entries) {
    const { sequence, hash } = entry;
    if (!Number.isSafeInteger(sequence) || sequence <= head.sequence) {
      breaks.push({ kind: 'unexpected', sequence });
      continue;
    }
    if (sequence > head.sequence + 1) {
      // Nothing can be said of an entry whose predecessor is gone, but that it is the next.
      breaks.push({ kind: 'missing', sequence: head.sequence + 1 });
    } else if (entry.stream !== stream || !isChained(head.hash, entry)) {
      breaks.push({ kind: 'altered', sequence });
    }
    head = { sequence, hash };
  }
  return { head, breaks };
}

const isChained = (previous: Uint8Array, entry: ChainedEntry): boolean =>
  previous.length === 32 && sameBytes(entry.hash, entryHash(previous, entry));
