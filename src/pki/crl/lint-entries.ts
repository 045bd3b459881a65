/**
 * Lint of encoded entries: a last look at the segments that go into a signature, by a reader that
 * knows exactly the encodings that `entries.ts` writes and no other. It is a flat scan because a
 * million entries must pass in a fraction of a second; `read-entries.ts` reads anybody's.
 */

import { tags } from '../der-element.ts';
import type { LintFinding } from '../lint/rule.ts';
import { MAX_SERIAL_OCTETS, reasonExtensions } from './entries.ts';

const wellFormed = {
  rule: 'crl-entries',
  clause: 'RFC 5280 5.1.2.6, 5.3.1',
  severity: 'error',
} as const;
const unique = {
  rule: 'crl-entries-unique',
  clause: 'RFC 5280 5.1.2.6',
  severity: 'error',
} as const;

/**
 * Checks the segments of a CRL one after the other: that each is a row of whole entries in the one
 * encoding that `encodeCrlLines` gives them, and that no serial number occurs twice, in whatever
 * order they are. Yields the number of entries seen so far, once before the first segment and after each, so
 * that the caller can let the event loop turn; returns the findings, of which the first ends the
 * check. Uses 12 to 24 bytes of memory per entry while it runs.
 */
export function* lintCrlEntries(
  segments: readonly Uint8Array[],
): Generator<number, readonly LintFinding[], undefined> {
  const seen = serialNumberTable(segments);
  let count = 0;
  yield count;
  for (const [index, segment] of segments.entries()) {
    const result = lintSegment(segment, index, seen);
    if (typeof result !== 'number') return [result];
    count += result;
    yield count;
  }
  return [];
}

/** How many entries the segment has, or what is wrong with one of them. */
function lintSegment(
  segment: Uint8Array,
  index: number,
  seen: SerialNumberTable,
): number | LintFinding {
  let count = 0;
  let at = 0;
  while (at < segment.length) {
    const end = endOfEntry(segment, at);
    if (end === undefined) {
      const message = `Segment ${index} is not a row of entries of ours (at byte ${at}).`;
      return { ...wellFormed, message };
    }
    if (!seen.add(index, at + 2)) {
      const serial = segment.subarray(at + 4, at + 4 + (segment[at + 3] as number));
      const hex = Buffer.from(serial).toString('hex');
      return { ...unique, message: `The serial number ${hex} is listed twice.` };
    }
    at = end;
    count++;
  }
  return count;
}

/** Where the entry at `start` ends; undefined if none of ours starts there. */
function endOfEntry(bytes: Uint8Array, start: number): number | undefined {
  const length = bytes[start + 1] ?? 0x80;
  const end = start + 2 + length;
  if (bytes[start] !== tags.sequence || length > 0x7f || end > bytes.length) return undefined;
  const afterSerial = endOfSerial(bytes, start + 2);
  const afterTime = afterSerial === undefined ? undefined : endOfTime(bytes, afterSerial);
  if (afterTime === undefined) return undefined;
  if (afterTime === end) return end;
  return afterTime + reasonExtensions.length === end && isReason(bytes, afterTime)
    ? end
    : undefined;
}

function endOfSerial(bytes: Uint8Array, at: number): number | undefined {
  const length = bytes[at + 1] ?? 0;
  const first = bytes[at + 2] ?? 0x80;
  if (bytes[at] !== tags.integer || length === 0 || length > MAX_SERIAL_OCTETS) return undefined;
  if (first > 0x7f || (first === 0 && (length === 1 || (bytes[at + 3] ?? 0) < 0x80))) {
    return undefined;
  }
  return at + 2 + length;
}

/** RFC 5280 5.1.2.4: the form that the year demands, and a time that calendars and clocks show. */
function endOfTime(bytes: Uint8Array, at: number): number | undefined {
  const generalized = bytes[at] === tags.generalizedTime;
  if (!generalized && bytes[at] !== tags.utcTime) return undefined;
  if (bytes[at + 1] !== (generalized ? 15 : 13)) return undefined;
  const start = at + 2;
  const century = generalized ? twoDigits(bytes, start) : undefined;
  const fields = generalized ? start + 2 : start;
  const twoDigitYear = twoDigits(bytes, fields);
  const year = 100 * (century ?? (twoDigitYear >= 50 ? 19 : 20)) + twoDigitYear;
  const month = twoDigits(bytes, fields + 2);
  const day = twoDigits(bytes, fields + 4);
  const exists =
    twoDigitYear >= 0 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysOf(year, month) &&
    isBelow(twoDigits(bytes, fields + 6), 24) &&
    isBelow(twoDigits(bytes, fields + 8), 60) &&
    isBelow(twoDigits(bytes, fields + 10), 60) &&
    bytes[fields + 12] === Z &&
    (!generalized || year >= 2050);
  return exists ? fields + 13 : undefined;
}

const Z = 0x5a;

/** The number that two digits write; -1 if they are not digits. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - 0x30;
  const ones = (bytes[at + 1] ?? 0) - 0x30;
  return isBelow(tens, 10) && isBelow(ones, 10) ? 10 * tens + ones : -1;
}

const isBelow = (value: number, limit: number): boolean => value >= 0 && value < limit;

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** A reason that a full CRL may give: not 0, which is left out, not 7 and not removeFromCRL. */
function isReason(bytes: Uint8Array, at: number): boolean {
  const last = reasonExtensions.length - 1;
  for (let i = 0; i < last; i++) if (bytes[at + i] !== reasonExtensions[i]) return false;
  const reason = bytes[at + last] ?? 0;
  return (reason >= 1 && reason <= 6) || reason === 9 || reason === 10;
}

/** How many entries there are if all are of ours, and never fewer than will be found. */
function roughCount(segment: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < segment.length; at += 2 + (segment[at + 1] ?? 0)) count++;
  return count;
}

interface SerialNumberTable {
  /** False if the INTEGER at this place has been added before. */
  add(segment: number, at: number): boolean;
}

/**
 * A hash table of serial numbers by their places in the segments: a Set of a million strings would
 * need ten times the memory and hold the event loop whenever it grows.
 */
function serialNumberTable(segments: readonly Uint8Array[]): SerialNumberTable {
  const starts: number[] = [];
  let octets = 0;
  let entries = 0;
  for (const segment of segments) {
    starts.push(octets);
    octets += segment.length;
    entries += roughCount(segment);
  }
  // Between a third and two thirds of the slots stay free.
  const slots = 2 ** Math.ceil(Math.log2(1.5 * entries + 1));
  /** Two numbers per slot: the place + 1 of an INTEGER, counted through all segments, 0 being free; its hash. */
  const table = new Uint32Array(2 * slots);

  const isSame = (place: number, other: Uint8Array, at: number): boolean => {
    const index = lastAtMost(starts, place);
    const bytes = segments[index] as Uint8Array;
    const start = place - (starts[index] as number);
    const length = 2 + (other[at + 1] as number);
    for (let i = 1; i < length; i++) if (bytes[start + i] !== other[at + i]) return false;
    return true;
  };

  return {
    add(segment, at) {
      const bytes = segments[segment] as Uint8Array;
      const hash = hashOf(bytes, at + 2, bytes[at + 1] as number);
      let slot = hash & (slots - 1);
      for (;;) {
        const place = table[2 * slot] as number;
        if (place === 0) break;
        if (table[2 * slot + 1] === hash && isSame(place - 1, bytes, at)) return false;
        slot = (slot + 1) & (slots - 1);
      }
      table[2 * slot] = (starts[segment] as number) + at + 1;
      table[2 * slot + 1] = hash;
      return true;
    },
  };
}

/** The index of the last segment that starts at or before the place, empty ones passed over. */
function lastAtMost(starts: readonly number[], place: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] as number) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** FNV-1a. Serial numbers are drawn by their issuer, so nobody can aim at collisions. */
function hashOf(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < start + length; i++) {
    hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}
