/** Which certificates a CRL lists, in segments that are encoded and kept one by one. */

import type { CrlStore } from '../services/revocation-records.ts';
import type { Database } from './database.ts';
import { StorageError } from './errors.ts';
import type { CrlSegmentRow } from './rows/crls.ts';
import type { IssuerRow } from './rows.ts';
import { blob, bytesOf, timeText } from './values.ts';

/** 16 octets: the serial numbers that evpki draws have 31 or 32 digits, others are padded. */
const SERIAL_DIGITS = 32;
/** Segments per query: a few megabytes, so that reading a long list holds nothing up. */
const SEGMENTS_PER_QUERY = 8;

/** The first two digits of a serial number of 32 digits. */
export const segmentOf = (serial: string): string =>
  serial.padStart(SERIAL_DIGITS, '0').slice(0, 2);

// A row costs more to hand over than to read, so all entries of a segment come as one text, and in
// octets, which need no decoding. With NULL for a reason the line itself would be missing; with an
// empty one whoever reads the lines finds that it is.
const LINE = `serial || ' ' || revoked_at || ' ' || COALESCE(revocation_reason, '')`;
const LINES = {
  sqlite: `CAST(group_concat(${LINE}, char(10)) AS BLOB) AS lines`,
  postgres: `convert_to(string_agg(${LINE}, chr(10)), 'UTF8') AS lines`,
} as const;

type SegmentMethods =
  | 'currentSequence'
  | 'changedSegments'
  | 'filledSegments'
  | 'revokedIn'
  | 'readSegments';

interface CrlSegmentStore extends Pick<CrlStore, SegmentMethods> {
  /**
   * See `CrlStore.putSegment`.
   * @param sequence the issuer's sequence number from before the entries were read: entries that
   *   are older than those on record are left out
   */
  putSegment(
    issuerId: string,
    segment: string,
    entries: Uint8Array,
    sequence: number,
  ): Promise<void>;
}

export function crlSegmentStore(database: Database): CrlSegmentStore {
  const { reader } = database;
  return {
    currentSequence: async (issuerId) => {
      const issuer = await reader<IssuerRow>('issuers')
        .where({ id: issuerId })
        .first('status_sequence');
      if (issuer === undefined) throw new StorageError('inconsistent', `no issuer ${issuerId}`);
      return Number(issuer.status_sequence);
    },

    changedSegments: async (issuerId, sequence) =>
      reader('certificates')
        .where({ issuer_id: issuerId })
        .where('status_sequence', '>', sequence)
        // As the index says it: SQLite uses the index for nothing less.
        .whereRaw('status_sequence > 0')
        .distinct()
        .orderBy('crl_segment')
        .pluck('crl_segment'),

    // Those that are on record count too: one may have lost its last entry.
    filledSegments: async (issuerId) => {
      const listed: string[] = await reader('certificates')
        .where({ issuer_id: issuerId })
        .whereNotNull('revoked_at')
        .distinct()
        .pluck('crl_segment');
      const kept: string[] = await reader('crl_segments')
        .where({ issuer_id: issuerId })
        .whereNot({ entries: Buffer.alloc(0) })
        .pluck('segment');
      return [...new Set([...listed, ...kept])].sort();
    },

    revokedIn: async (issuerId, segment, endingFrom) => {
      const row: { lines: Buffer | null } | undefined = await reader('certificates')
        .where({ issuer_id: issuerId, crl_segment: segment })
        .whereNotNull('revoked_at')
        .where('not_after', '>=', timeText(endingFrom))
        .first(reader.raw(LINES[database.dialect]));
      return row?.lines ? bytesOf(row.lines) : new Uint8Array(0);
    },

    putSegment: (issuerId, segment, entries, sequence) =>
      database.write(async ({ knex }) => {
        await knex<CrlSegmentRow>('crl_segments')
          .insert({ issuer_id: issuerId, segment, sequence, entries: blob(entries) })
          .onConflict(['issuer_id', 'segment'])
          .merge(['sequence', 'entries'])
          .where('crl_segments.sequence', '<=', sequence);
      }),

    readSegments: async (issuerId) => {
      const segments: Uint8Array[] = [];
      let after = '';
      for (;;) {
        const rows: Pick<CrlSegmentRow, 'segment' | 'entries'>[] = await reader('crl_segments')
          .where({ issuer_id: issuerId })
          .where('segment', '>', after)
          .orderBy('segment')
          .limit(SEGMENTS_PER_QUERY)
          .select('segment', 'entries');
        for (const { segment, entries } of rows) {
          if (entries.length > 0) segments.push(bytesOf(entries));
          after = segment;
        }
        if (rows.length < SEGMENTS_PER_QUERY) return segments;
      }
    },
  };
}
