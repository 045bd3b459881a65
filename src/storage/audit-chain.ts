/** Writes this process's stream of audit entries; its head advances only with a commit. */

import type { Knex } from 'knex';
import { emptyStream, entryHash, type LedgerEntry, type StreamHead } from '../pki/ledger.ts';
import type { AuditEvent } from '../services/audit.ts';
import { StorageError } from './errors.ts';
import { rawRows } from './raw-rows.ts';
import type { AuditEntryRow, AuditStreamRow } from './rows/audit.ts';
import { blob, bytesOf, timeText } from './values.ts';

/** Rows per INSERT: far below the limits on bound values of either database. */
const ROWS_PER_INSERT = 200;

/** Where the statements of a transaction go. */
type Statements = Parameters<typeof rawRows>[0];

/** The entries of one transaction, chained to the head that it started from. */
export interface AuditDraft {
  append(event: AuditEvent): void;
  /** Writes the entries and the new head; to be called last, before COMMIT. */
  flush(): Promise<void>;
  /** To be called after COMMIT. */
  committed(): void;
}

export class AuditChain {
  readonly #stream: string;
  /** Undefined when it has to be read again. */
  #head: StreamHead | undefined;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** Creates the stream unless this process id has one. */
  async open(tx: Knex, at: Date): Promise<void> {
    await tx<AuditStreamRow>('audit_streams')
      .insert({
        stream: this.#stream,
        sequence: emptyStream.sequence,
        hash: blob(emptyStream.hash),
        created_at: timeText(at),
      })
      .onConflict('stream')
      .ignore();
  }

  /** Reads the head from the database next time: after a COMMIT whose outcome is unknown. */
  forget(): void {
    this.#head = undefined;
  }

  async draft(at: Statements): Promise<AuditDraft> {
    const start = this.#head ?? (await this.#readHead(at.knex));
    let head = start;
    const rows: AuditEntryRow[] = [];
    const add = (event: AuditEvent) => {
      const entry = ledgerEntry(this.#stream, head.sequence + 1, event);
      const hash = entryHash(head.hash, entry);
      head = { sequence: entry.sequence, hash };
      rows.push(auditEntryRow(entry, hash));
    };
    return {
      append: (event) => {
        add(event);
        const { organizationId, counterpart } = event;
        if (counterpart !== undefined && counterpart !== organizationId) {
          add({ ...event, organizationId: counterpart });
        }
      },
      flush: async () => {
        if (head === start) return;
        // Compare and set: were there a second writer of this stream, one of the two would run
        // again from the other's head instead of forking the chain.
        const bindings = [head.sequence, blob(head.hash), this.#stream, start.sequence];
        const moved = await rawRows(at, MOVE_HEAD, bindings);
        if (moved.length !== 1) {
          this.forget();
          throw new StorageError('audit-head-moved', 'another process writes this audit stream');
        }
        for (let next = 0; next < rows.length; next += ROWS_PER_INSERT) {
          const some = rows.slice(next, next + ROWS_PER_INSERT);
          await rawRows(at, insertEntries(some.length), some.flatMap(valuesOf));
        }
      },
      committed: () => {
        this.#head = head;
      },
    };
  }

  async #readHead(tx: Knex): Promise<StreamHead> {
    const row = await tx<AuditStreamRow>('audit_streams').where({ stream: this.#stream }).first();
    if (row === undefined) throw new StorageError('inconsistent', 'the audit stream is missing');
    return { sequence: Number(row.sequence), hash: bytesOf(row.hash) };
  }
}

// Part of every transaction, as text: the query builder would cost as much as the statements.
const MOVE_HEAD = `
  UPDATE audit_streams SET sequence = ?, hash = ? WHERE stream = ? AND sequence = ?
  RETURNING stream`;

const insertEntries = (count: number): string => `
  INSERT INTO audit_entries
    (stream, sequence, at, organization_id, actor, action, subject, details, hash)
  VALUES ${Array(count).fill('(?, ?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}`;

const valuesOf = (row: AuditEntryRow) => [
  ...[row.stream, row.sequence, row.at, row.organization_id, row.actor],
  ...[row.action, row.subject, row.details, row.hash],
];

const ledgerEntry = (stream: string, sequence: number, event: AuditEvent): LedgerEntry => ({
  stream,
  sequence,
  at: timeText(event.at),
  organizationId: event.organizationId,
  actor: event.actor,
  action: event.action,
  subject: event.subject,
  details: JSON.stringify(event.details),
});

const auditEntryRow = (entry: LedgerEntry, hash: Uint8Array): AuditEntryRow => ({
  stream: entry.stream,
  sequence: entry.sequence,
  at: entry.at,
  organization_id: entry.organizationId,
  actor: entry.actor,
  action: entry.action,
  subject: entry.subject,
  details: entry.details,
  hash: blob(hash),
});
