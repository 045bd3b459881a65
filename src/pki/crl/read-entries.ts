/** Entries of anybody's revokedCertificates (RFC 5280 5.1.2.6, 5.3). */

import { DerReader } from '../der.ts';
import { type DerElement, DerError, tags } from '../der-element.ts';
import { extensions as oids } from '../oids.ts';
import { type RawExtension, readRawExtensions } from '../raw-extensions.ts';
import { type RevocationReason, revocationReasonOf } from '../revocation-reasons.ts';

export interface ReadCrlEntry {
  /** The content octets of the INTEGER, two's complement. */
  readonly serialNumber: Uint8Array;
  readonly revokedAt: Date;
  /** Absent when the entry does not say. */
  readonly reason?: RevocationReason;
  /** In the order of the entry. */
  readonly rawExtensions: readonly RawExtension[];
  /**
   * The OIDs of critical extensions that evpki does not understand, certificateIssuer (indirect
   * CRLs) among them. With any of them the whole CRL must not be used (RFC 5280 5.3).
   */
  readonly unknownCriticalExtensions: readonly string[];
}

/** The longest value of a reason code. */
const MAX_REASON_BYTES = 3;

/**
 * The entries one by one. Only one of them is in memory at a time.
 * @param around the reader that returned `list`
 * @param list the element revokedCertificates; undefined if it is absent
 * @param version of the CRL: only v2 has entry extensions
 * @throws DerError on a malformed entry, also on a reason that does not exist and an extension
 *   that occurs twice
 */
export function* readCrlEntries(
  around: DerReader,
  list: DerElement | undefined,
  version: number,
): Generator<ReadCrlEntry, void, undefined> {
  if (!list) return;
  const entries = around.inside(list);
  while (!entries.atEnd) yield readEntry(entries.sequence(), version);
}

function readEntry(entry: DerReader, version: number): ReadCrlEntry {
  const serialNumber = entry.integerBytes();
  const revokedAt = entry.time();
  const { offset } = entry;
  if (entry.atEnd) {
    return { serialNumber, revokedAt, rawExtensions: [], unknownCriticalExtensions: [] };
  }
  if (version === 0) throw new DerError('an entry of a v1 CRL has extensions', offset);
  const rawExtensions = readRawExtensions(entry.sequence());
  entry.end();
  if (new Set(rawExtensions.map(({ oid }) => oid)).size < rawExtensions.length) {
    throw new DerError('an extension of an entry is repeated', offset);
  }
  const reason = rawExtensions.find(({ oid }) => oid === oids.reasonCode);
  return {
    serialNumber,
    revokedAt,
    ...(reason && { reason: readReason(reason, offset) }),
    rawExtensions,
    unknownCriticalExtensions: rawExtensions
      .filter(({ oid, critical }) => critical && oid !== oids.reasonCode)
      .map(({ oid }) => oid),
  };
}

/** RFC 5280 5.3.1. */
function readReason({ value }: RawExtension, offset: number): RevocationReason {
  const reader = DerReader.over(value, MAX_REASON_BYTES);
  const number = reader.smallInteger(tags.enumerated);
  reader.end();
  const reason = revocationReasonOf(number);
  if (reason === undefined) throw new DerError(`no reason has the number ${number}`, offset);
  return reason;
}
