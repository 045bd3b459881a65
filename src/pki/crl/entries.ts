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
export function encodeCrlEntries(entries: readonly CrlEntry[]): Uint8Array {
  let length = 0;
  for (const entry of entries) length += 2 + contentLength(entry);
  const out = new Uint8Array(length);
  let at = 0;
  for (const entry of entries) at = fillEntry(out, at, entry);
  return out;
}

/** The content octets of the entry's SEQUENCE, never more than 55; refuses what cannot be written. */
function contentLength({ serialNumber, revokedAt, reason }: CrlEntry): number {
  requireSerialNumber(serialNumber);
  const serial = 2 + serialNumber.length;
  const time = 2 + timeOctets(revokedAt);
  return serial + time + (isWritten(reason) ? reasonExtensions.length : 0);
}

function requireSerialNumber(octets: Uint8Array): void {
  const first = octets[0] ?? 0x80;
  // Zero itself falls under this too.
  const padded = first === 0 && (octets[1] ?? 0) < 0x80;
  if (octets.length > MAX_SERIAL_OCTETS || first > 0x7f || padded) {
    throw new RangeError(
      `no positive INTEGER of at most ${MAX_SERIAL_OCTETS} octets: ${Buffer.from(octets).toString('hex')}`,
    );
  }
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

/** Writes the entry at `start`; where the next one goes. */
function fillEntry(out: Uint8Array, start: number, entry: CrlEntry): number {
  const { serialNumber, revokedAt, reason } = entry;
  let at = start;
  out[at++] = tags.sequence;
  // In its short form: see contentLength.
  out[at++] = contentLength(entry);
  out[at++] = tags.integer;
  out[at++] = serialNumber.length;
  for (let i = 0; i < serialNumber.length; i++) out[at++] = serialNumber[i] as number;
  at = fillTime(out, at, revokedAt);
  if (isWritten(reason)) {
    out.set(reasonExtensions, at);
    at += reasonExtensions.length;
    out[at - 1] = revocationReasons[reason];
  }
  return at;
}

function fillTime(out: Uint8Array, start: number, time: Date): number {
  const octets = timeOctets(time);
  const year = time.getUTCFullYear();
  let at = start;
  out[at++] = octets === UTC_TIME_OCTETS ? tags.utcTime : tags.generalizedTime;
  out[at++] = octets;
  if (octets === GENERALIZED_TIME_OCTETS) at = fillTwoDigits(out, at, Math.floor(year / 100));
  at = fillTwoDigits(out, at, year % 100);
  at = fillTwoDigits(out, at, time.getUTCMonth() + 1);
  at = fillTwoDigits(out, at, time.getUTCDate());
  at = fillTwoDigits(out, at, time.getUTCHours());
  at = fillTwoDigits(out, at, time.getUTCMinutes());
  at = fillTwoDigits(out, at, time.getUTCSeconds());
  out[at++] = Z;
  return at;
}

const ZERO = 0x30;
const Z = 0x5a;

function fillTwoDigits(out: Uint8Array, at: number, value: number): number {
  const tens = Math.floor(value / 10);
  out[at] = ZERO + tens;
  out[at + 1] = ZERO + value - 10 * tens;
  return at + 2;
}
