/** The audit log: one entry by itself, and the streams of all processes. */

import type { AuditWriter } from '../services/audit.ts';
import type { AuditStore } from '../services/audit-records.ts';
import type { Database } from './database.ts';
import type { AuditEntryRow, AuditStreamRow } from './rows.ts';
import { bytesOf, timeOf } from './values.ts';

export function auditStore(database: Database): AuditStore & AuditWriter {
  const { reader } = database;
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
      const rows = await reader<AuditEntryRow>('audit_entries')
        .where({ stream })
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(limit);
      return rows.map((row) => ({
        stream: row.stream,
        sequence: Number(row.sequence),
        at: row.at,
        organizationId: row.organization_id,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        details: row.details,
        hash: bytesOf(row.hash),
      }));
    },
  };
}
