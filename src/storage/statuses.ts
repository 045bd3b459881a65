/** What OCSP reads: statuses, and the sequence numbers that tell whether they still hold. */

import type { Status } from '../pki/lifecycle.ts';
import type { IssuerKey, StatusStore } from '../services/revocation-records.ts';
import type { Database } from './database.ts';
import type { CertificateRow, IssuerRow, StoredInteger } from './rows.ts';
import { bytesOf, optional, timeOf } from './values.ts';

/** Far below the limits on bound values of either database. */
const IDS_PER_QUERY = 500;

export function statusStore(database: Database): StatusStore {
  const { reader } = database;
  return {
    listIssuerKeys: async () => {
      const rows: Pick<IssuerRow, 'id' | 'authority_id' | 'subject' | 'spki'>[] = await reader(
        'issuers',
      )
        .orderBy('id')
        .select('id', 'authority_id', 'subject', 'spki');
      return rows.map(
        (row): IssuerKey => ({
          issuerId: row.id,
          authorityId: row.authority_id,
          subject: bytesOf(row.subject),
          spki: bytesOf(row.spki),
        }),
      );
    },

    // One statement: the sequence number and the status are of the same moment.
    readStatus: async (issuerId, serial) => {
      const [row] = await reader('issuers as i')
        .leftJoin('certificates as c', (on) => {
          on.on('c.issuer_id', 'i.id').andOnVal('c.serial', serial);
        })
        .where('i.id', issuerId)
        .select<StatusRow[]>('i.status_sequence', 'c.state', 'c.revoked_at', 'c.revocation_reason');
      if (row === undefined) return undefined;
      return { sequence: Number(row.status_sequence), ...optional('status', statusOf(row)) };
    },

    readSequences: async (issuerIds) => {
      const sequences = new Map<string, number>();
      for (let next = 0; next < issuerIds.length; next += IDS_PER_QUERY) {
        const rows: Pick<IssuerRow, 'id' | 'status_sequence'>[] = await reader('issuers')
          .whereIn('id', issuerIds.slice(next, next + IDS_PER_QUERY))
          .select('id', 'status_sequence');
        for (const row of rows) sequences.set(row.id, Number(row.status_sequence));
      }
      return sequences;
    },

    readChanges: async (issuerId, sequence, limit) => {
      const rows: Pick<CertificateRow, 'serial' | 'status_sequence'>[] = await reader(
        'certificates',
      )
        .where({ issuer_id: issuerId })
        .where('status_sequence', '>', sequence)
        // As the index says it: SQLite uses the index for nothing less.
        .whereRaw('status_sequence > 0')
        .orderBy('status_sequence')
        .limit(limit)
        .select('serial', 'status_sequence');
      return rows.map((row) => ({ serial: row.serial, sequence: Number(row.status_sequence) }));
    },
  };
}

interface StatusRow {
  status_sequence: StoredInteger;
  state: CertificateRow['state'] | null;
  revoked_at: string | null;
  revocation_reason: CertificateRow['revocation_reason'];
}

function statusOf({ state, revoked_at, revocation_reason }: StatusRow): Status | undefined {
  if (state === null || state === 'pending' || state === 'abandoned') return undefined;
  return {
    state,
    ...optional('reason', revocation_reason),
    ...optional('revokedAt', revoked_at === null ? null : timeOf(revoked_at)),
  };
}
