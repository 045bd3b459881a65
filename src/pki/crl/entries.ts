/**
 * Entries of revokedCertificates as evpki issues them (RFC 5280 5.1.2.6, 5.3). A list may have a
 * million of them, so they are filled into one buffer octet by octet instead of being built from
 * nested elements; and they are encoded in segments of a few thousand, which are kept and put into
 * every later CRL as they are.
 */

import { tags } from '../der.ts';
import { integer, sequence } from '../der-writer.ts';
import { extensions as oids } from '../oids.ts';
import { writeRawExtension } from '../raw-extensions.ts';
import { type RevocationReason, revocationReasons } from '../revocation-reasons.ts';

export interface CrlEntry {
  /** The content octets of the INTEGER, as in the certificate: positive, shortest form. */
  readonly serialNumber: Uint8Array;
  /** In whole seconds. */
  readonly revokedAt: Date;
  readonly reason?: RevocationReason;
}

/** The same with the octets in lower-case hex, whose leading zero may be missing. */
export interface CrlEntryInHex extends Omit<CrlEntry, 'serialNumber'> {
  readonly serialNumber: string;
}

/** RFC 5280 4.1.2.2. */
export const MAX_SERIAL_OCTETS = 20;

/**
 * RFC 5280 5.3.1: the entry extensions with a reason code, not critical. The reason's number is
 * the last octet.
 */
export const reasonExtensions = sequence(
  writeRawExtension(oids.reasonCode, false, integer(0, tags.enumerated)),
);

/** With every header, the longest serial number, a GeneralizedTime and a reason. */
const MAX_ENTRY_OCTETS = 2 + 2 + MAX_SERIAL_OCTETS + 2 + 15 + reasonExtensions.length;
const UTC_TIME_OCTETS = 13;
const GENERALIZED_TIME_OCTETS = 15;
/** RFC 5280 5.1.2.4: UTCTime from 1950 through 2049, GeneralizedTime after. */
const FIRST_UTC_TIME = Date.UTC(1950, 0);
const FIRST_GENERALIZED_TIME = Date.UTC(2050, 0);
const AFTER_LAST_TIME = Date.UTC(10_000, 0);

/**
 * One entry as DER: serial number, time and reason; `unspecified` is left out (RFC 5280 5.3.1).
 * @throws RangeError as {@link encodeCrlEntries}
 */
export const encodeCrlEntry = (entry: CrlEntry): Uint8Array => encodeCrlEntries([entry]);

/**
 * A segment: the DER of the entries, one after the other. Without entries it is empty. It holds
 * the event loop for about a microsecond per entry.
 * @throws RangeError on a serial number that is not 1 to 20 octets of a positive INTEGER in its
 *   shortest form, on a time with a fraction of a second or outside the years 1950 to 9999, and on
 *   removeFromCRL, which belongs in delta CRLs only (RFC 5280 5.3.1)
 */
export function encodeCrlEntries(entries: readonly (CrlEntry | CrlEntryInHex)[]): Uint8Array {
  const out = new Uint8Array(entries.length * MAX_ENTRY_OCTETS);
  let at = 0;
  for (const entry of entries) at = fillEntry(out, at, entry);
  return out.slice(0, at);
}

/** Writes the entry at `start`; where the next one goes. */
function fillEntry(out: Uint8Array, start: number, entry: CrlEntry | CrlEntryInHex): number {
  const { serialNumber, revokedAt, reason } = entry;
  out[start] = tags.sequence;
  let at = fillSerialNumber(out, start + 2, serialNumber);
  at = fillTime(out, at, revokedAt);
  if (isWritten(reason)) {
    for (let i = 0; i < reasonExtensions.length; i++) out[at++] = reasonExtensions[i] as number;
    out[at - 1] = revocationReasons[reason];
  }
  // In its short form: MAX_ENTRY_OCTETS is below 128.
  out[start + 1] = at - start - 2;
  return at;
}

function fillSerialNumber(out: Uint8Array, start: number, serial: Uint8Array | string): number {
  const isText = typeof serial === 'string';
  const octets = isText ? (serial.length + 1) >> 1 : serial.length;
  const at = start + 2;
  if (octets === 0 || octets > MAX_SERIAL_OCTETS) refuseSerialNumber(serial);
  out[start] = tags.integer;
  out[start + 1] = octets;
  if (isText) {
    // From the last digit, so that it does not matter whether a leading zero is missing.
    for (let i = octets - 1, digit = serial.length - 1; i >= 0; i--, digit -= 2) {
      out[at + i] = hexDigit(serial, digit) + 16 * (digit > 0 ? hexDigit(serial, digit - 1) : 0);
    }
  } else {
    for (let i = 0; i < octets; i++) out[at + i] = serial[i] as number;
  }
  const first = out[at] as number;
  // Zero itself falls under this too.
  const padded = first === 0 && (octets === 1 || (out[at + 1] as number) < 0x80);
  if (first > 0x7f || padded) refuseSerialNumber(serial);
  return at + octets;
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  return refuseSerialNumber(text);
}

function refuseSerialNumber(serial: Uint8Array | string): never {
  const text = typeof serial === 'string' ? serial : Buffer.from(serial).toString('hex');
  throw new RangeError(`no positive INTEGER of at most ${MAX_SERIAL_OCTETS} octets: ${text}`);
}

function timeOctets(time: Date): number {
  const milliseconds = time.getTime();
  if (milliseconds % 1000 !== 0) {
    throw new RangeError('a revocation on a fraction of a second, or at no time at all');
  }
  if (milliseconds < FIRST_UTC_TIME || milliseconds >= AFTER_LAST_TIME) {
    throw new RangeError(`a revocation in the year ${time.getUTCFullYear()}`);
  }
  return milliseconds < FIRST_GENERALIZED_TIME ? UTC_TIME_OCTETS : GENERALIZED_TIME_OCTETS;
}

function isWritten(reason: RevocationReason | undefined): reason is RevocationReason {
  if (reason === 'removeFromCRL') {
    throw new RangeError('removeFromCRL belongs in delta CRLs only');
  }
  return reason !== undefined && reason !== 'unspecified';
}

function fillTime(out: Uint8Array, start: number, time: Date): number {
  const octets = timeOctets(time);
  const day = Math.floor(time.getTime() / DAY);
  const second = (time.getTime() - day * DAY) / 1000;
  const date = dateDigits(day);
  let at = start;
  out[at++] = octets === UTC_TIME_OCTETS ? tags.utcTime : tags.generalizedTime;
  out[at++] = octets;
  const century = octets === GENERALIZED_TIME_OCTETS ? 0 : 2;
  for (let i = century; i < date.length; i++) out[at++] = date[i] as number;
  at = fillTwoDigits(out, at, Math.floor(second / 3600));
  at = fillTwoDigits(out, at, Math.floor(second / 60) % 60);
  at = fillTwoDigits(out, at, second % 60);
  out[at++] = Z;
  return at;
}

const DAY = 86_400_000;
/** The calendar is what costs, and a list has many entries of one day. */
const knownDates = new Map<number, Uint8Array>();
const MAX_KNOWN_DATES = 4096;

/** The eight digits of a date, by the days since 1970. */
function dateDigits(day: number): Uint8Array {
  const known = knownDates.get(day);
  if (known !== undefined) return known;
  const date = new Date(day * DAY);
  const digits = new Uint8Array(8);
  const year = date.getUTCFullYear();
  fillTwoDigits(digits, 0, Math.floor(year / 100));
  fillTwoDigits(digits, 2, year % 100);
  fillTwoDigits(digits, 4, date.getUTCMonth() + 1);
  fillTwoDigits(digits, 6, date.getUTCDate());
  if (knownDates.size < MAX_KNOWN_DATES) knownDates.set(day, digits);
  return digits;
}

const ZERO = 0x30;
const Z = 0x5a;

function fillTwoDigits(out: Uint8Array, at: number, value: number): number {
  const tens = Math.floor(value / 10);
  out[at] = ZERO + tens;
  out[at + 1] = ZERO + value - 10 * tens;
  return at + 2;
}
