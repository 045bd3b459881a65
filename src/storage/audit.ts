/** The audit log: one entry by itself, the streams of all processes, and everything by time. */

import type { Knex } from 'knex';
import type { ChainedEntry } from '../pki/ledger.ts';
import type { AuditWriter } from '../services/audit.ts';
import type { AuditFilter, AuditStore } from '../services/audit-records.ts';
import { InvalidCursor } from '../services/pages.ts';
import { pageOf, type SortKey } from './cursor.ts';
import type { Database } from './database.ts';
import type { AuditEntryRow, AuditStreamRow } from './rows/audit.ts';
import { bytesOf, timeOf, timeText } from './values.ts';

export function auditStore(database: Database): AuditStore & AuditWriter {
  const { reader } = database;
  const entries = () => reader<AuditEntryRow>('audit_entries');
  return {
    recordAudit: (event) => database.write(async (tx) => tx.appendAudit(event)),

    listStreams: async () => {
      const rows = await reader<AuditStreamRow>('audit_streams').orderBy('stream');
      return rows.map((row) => ({
        stream: row.stream,
        sequence: Number(row.sequence),
        hash: bytesOf(row.hash),
        createdAt: timeOf(row.created_at),
      }));
    },

    readStream: async (stream, after, limit) => {
      const rows = await entries()
        .where({ stream })
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(limit);
      return rows.map(entryOf);
    },

    findEntry: async (stream, sequence) => {
      const row = await entries().where({ stream, sequence }).first();
      return row && entryOf(row);
    },

    nextStreamWithEntries: async (after) => {
      const row = await entries().where('stream', '>', after).orderBy('stream').first('stream');
      return row?.stream;
    },

    listEntries: async (filter, wanted) => {
      const query = entries();
      narrow(query, filter);
      const page = await pageOf<AuditEntryRow>(query, wanted, byPlace);
      return { ...page, items: page.items.map(entryOf) };
    },
  };
}

function narrow(query: Knex.QueryBuilder, filter: AuditFilter): void {
  const equal = {
    organization_id: filter.organizationId,
    actor: filter.actor,
    action: filter.action,
    subject: filter.subject,
  };
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) query.where(column, value);
  }
  if (filter.since !== undefined) query.where('at', '>=', timeText(filter.since));
  if (filter.until !== undefined) query.where('at', '<', timeText(filter.until));
}

/** By time, and by the place in the log where entries are of one time. */
const byPlace: SortKey<AuditEntryRow> = {
  columns: ['at', 'stream', 'sequence'],
  positionOf: ({ at, stream, sequence }) => ({ createdAt: at, id: `${sequence}/${stream}` }),
  valuesAt: ({ createdAt, id }) => {
    const [, sequence, stream] = /^([1-9]\d{0,14})\/(.+)$/.exec(id) ?? [];
    if (sequence === undefined || stream === undefined) throw new InvalidCursor();
    return [createdAt, stream, Number(sequence)];
  },
};

const entryOf = (row: AuditEntryRow): ChainedEntry => ({
  stream: row.stream,
  sequence: Number(row.sequence),
  at: row.at,
  organizationId: row.organization_id,
  actor: row.actor,
  action: row.action,
  subject: row.subject,
  details: row.details,
  hash: bytesOf(row.hash),
});
