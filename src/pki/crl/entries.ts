/**
 * Entries of revokedCertificates as evpki issues them (RFC 5280 5.1.2.6, 5.3). A list may have a
 * million of them, so they are filled into one buffer octet by octet instead of being built from
 * nested elements; and they are encoded in segments of a few thousand, which are kept and put into
 * every later CRL as they are.
 */

import { tags } from '../der-element.ts';
import { integer, sequence } from '../der-writer.ts';
import { extensions as oids } from '../oids.ts';
import { writeRawExtension } from '../raw-extensions.ts';
import { revocationReasons } from '../revocation-reasons.ts';

/** RFC 5280 4.1.2.2. */
export const MAX_SERIAL_OCTETS = 20;

/**
 * RFC 5280 5.3.1: the entry extensions with a reason code, not critical. The reason's number is
 * the last octet.
 */
export const reasonExtensions = sequence(
  writeRawExtension(oids.reasonCode, false, integer(0, tags.enumerated)),
);

const UTC_TIME_OCTETS = 13;
const GENERALIZED_TIME_OCTETS = 15;

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const Z = 0x5a;
/** A zero stands for any digit. */
const timeForm = Buffer.from('0000-00-00T00:00:00.000Z', 'latin1');
const TIME_CHARACTERS = timeForm.length;
const SECONDS_END = timeForm.indexOf('.');

/**
 * A segment: the DER of entries, one after the other, from lines of text, which is what a database
 * can hand over at once. A line is the serial number in lower-case hex, the time in UTC as
 * `2026-01-01T00:00:00.000Z`, whose fraction is dropped, and the reason; a space between them, a
 * line feed between lines. Without lines it is empty. `unspecified` is left out (RFC 5280 5.3.1).
 * It holds the event loop for less than a microsecond per entry.
 * @param lines in ASCII
 * @throws RangeError on any other line, on a serial number that is not 1 to 20 octets of a positive
 *   INTEGER, in its shortest form but for one leading zero digit, on a year before 1950, and on
 *   removeFromCRL, which belongs in delta CRLs only (RFC 5280 5.3.1). Whether the calendar has the
 *   day is for `lintCrlEntries`.
 */
export function encodeCrlLines(lines: Uint8Array): Uint8Array {
  // An entry is never longer than its line: at most 35 octets beside the serial number's, against at
  // least 36 characters beside its digits.
  const out = new Uint8Array(lines.length);
  let at = 0;
  for (let start = 0; start < lines.length; ) {
    const end = endOfWord(lines, start, LINE_FEED);
    at = fillEntry(out, at, lines, start, end);
    start = end + 1;
  }
  return out.subarray(0, at);
}

/** Where the octet is, or the lines end. What is looked for is near. */
function endOfWord(lines: Uint8Array, start: number, octet: number): number {
  let at = start;
  while (at < lines.length && lines[at] !== octet) at++;
  return at;
}

/** Writes the entry of the line at `start`; where the next one goes. */
function fillEntry(
  out: Uint8Array,
  entryAt: number,
  lines: Uint8Array,
  start: number,
  end: number,
): number {
  const timeAt = endOfWord(lines, start, SPACE) + 1;
  const reasonAt = timeAt + TIME_CHARACTERS + 1;
  if (reasonAt >= end || lines[reasonAt - 1] !== SPACE) {
    refuse('no entry of a CRL', lines, start, end);
  }
  out[entryAt] = tags.sequence;
  const serialEnd = fillSerialNumber(out, entryAt + 2, lines, start, timeAt - 1);
  let at = fillTime(out, serialEnd, lines, timeAt);
  const reason = reasonIn(lines, reasonAt, end);
  if (reason !== revocationReasons.unspecified) {
    for (let i = 0; i < reasonExtensions.length; i++) out[at++] = reasonExtensions[i] as number;
    out[at - 1] = reason;
  }
  // In its short form: an entry has less than 128 octets.
  out[entryAt + 1] = at - entryAt - 2;
  return at;
}

function fillSerialNumber(
  out: Uint8Array,
  at: number,
  lines: Uint8Array,
  start: number,
  end: number,
): number {
  const octets = (end - start + 1) >> 1;
  const content = at + 2;
  if (octets === 0 || octets > MAX_SERIAL_OCTETS) refuseSerialNumber(lines, start, end);
  out[at] = tags.integer;
  out[at + 1] = octets;
  // From the last digit, so that it does not matter whether a leading zero is missing.
  for (let i = content + octets - 1, digit = end - 1; i >= content; i--, digit -= 2) {
    const low = hexDigits[lines[digit] as number] as number;
    const high = digit > start ? (hexDigits[lines[digit - 1] as number] as number) : 0;
    if ((low | high) === NO_DIGIT) refuseSerialNumber(lines, start, end);
    out[i] = low + 16 * high;
  }
  const first = out[content] as number;
  // Zero itself falls under this too.
  const padded = first === 0 && (octets === 1 || (out[content + 1] as number) < 0x80);
  if (first > 0x7f || padded) refuseSerialNumber(lines, start, end);
  return content + octets;
}

const NO_DIGIT = 0xff;
/** The value of each digit by its code. */
const hexDigits = new Uint8Array(256).fill(NO_DIGIT);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexDigits[digit.charCodeAt(0)] = value;
}

/** RFC 5280 5.1.2.4: UTCTime from 1950 through 2049, GeneralizedTime after. */
function fillTime(out: Uint8Array, start: number, lines: Uint8Array, at: number): number {
  for (let i = 0; i < timeForm.length; i++) {
    const octet = lines[at + i] as number;
    const fits = timeForm[i] === ZERO ? octet >= ZERO && octet <= NINE : octet === timeForm[i];
    if (!fits) refuse('no time', lines, at, at + TIME_CHARACTERS);
  }
  const year = 100 * twoDigits(lines, at) + twoDigits(lines, at + 2);
  if (year < 1950) refuse('before 1950', lines, at, at + TIME_CHARACTERS);
  const isUtcTime = year < 2050;
  out[start] = isUtcTime ? tags.utcTime : tags.generalizedTime;
  out[start + 1] = isUtcTime ? UTC_TIME_OCTETS : GENERALIZED_TIME_OCTETS;
  let to = start + 2;
  for (let i = isUtcTime ? 2 : 0; i < SECONDS_END; i++) {
    if (timeForm[i] === ZERO) out[to++] = lines[at + i] as number;
  }
  out[to++] = Z;
  return to;
}

const twoDigits = (lines: Uint8Array, at: number): number =>
  10 * ((lines[at] as number) - ZERO) + (lines[at + 1] as number) - ZERO;

/** Which reason has this length and this first letter: no two have both. */
const reasonsByShape: { readonly name: Uint8Array; readonly number: number }[] = [];
const shapeOf = (length: number, first: number): number => 256 * length + first;
for (const [reason, number] of Object.entries(revocationReasons)) {
  if (reason === 'removeFromCRL') continue;
  const name = Buffer.from(reason, 'latin1');
  reasonsByShape[shapeOf(name.length, name[0] as number)] = { name, number };
}

function reasonIn(lines: Uint8Array, start: number, end: number): number {
  const reason = reasonsByShape[shapeOf(end - start, lines[start] as number)];
  if (reason === undefined) return refuse('no reason of a full CRL', lines, start, end);
  const { name, number } = reason;
  for (let i = 1; i < name.length; i++) {
    if (lines[start + i] !== name[i]) refuse('no reason of a full CRL', lines, start, end);
  }
  return number;
}

const refuseSerialNumber = (lines: Uint8Array, start: number, end: number): never =>
  refuse(`no positive INTEGER of at most ${MAX_SERIAL_OCTETS} octets`, lines, start, end);

function refuse(why: string, lines: Uint8Array, start: number, end: number): never {
  const text = Buffer.from(lines.subarray(start, end)).toString('latin1');
  throw new RangeError(`${why}: ${JSON.stringify(text)}`);
}
