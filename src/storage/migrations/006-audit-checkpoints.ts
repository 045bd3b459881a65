/** Signed checkpoints of the audit log, the keys that sign them, and the log's indexes. */

import type { Migration } from './migration.ts';

export const auditCheckpoints: Migration = {
  version: 6,
  name: 'audit-checkpoints',
  statements: ({ text, bytes, integer, table }) => [
    // Keys of no authority: their envelopes are bound to an owner that no authority can be.
    `CREATE TABLE audit_keys (
      generation ${integer} PRIMARY KEY CHECK (generation >= 1),
      key_id ${text} NOT NULL UNIQUE,
      spki ${bytes} NOT NULL,
      envelope ${bytes} NOT NULL,
      created_at ${text} NOT NULL
    ) ${table}`,

    `CREATE TABLE audit_checkpoints (
      number ${integer} PRIMARY KEY CHECK (number >= 1),
      at ${text} NOT NULL,
      previous ${bytes} NOT NULL,
      heads_hash ${bytes} NOT NULL,
      key_sha256 ${bytes} NOT NULL,
      signature ${bytes} NOT NULL
    ) ${table}`,

    // Only the heads that have changed since the checkpoint before. A head counts from the
    // checkpoint in which it is new until that in which the next one of its stream is.
    `CREATE TABLE audit_checkpoint_heads (
      stream ${text} NOT NULL REFERENCES audit_streams (stream),
      sequence ${integer} NOT NULL CHECK (sequence >= 1),
      hash ${bytes} NOT NULL,
      number ${integer} NOT NULL REFERENCES audit_checkpoints (number),
      next_number ${integer},
      PRIMARY KEY (stream, sequence)
    ) ${table}`,
    `CREATE INDEX audit_checkpoint_heads_number ON audit_checkpoint_heads (number)`,
    `CREATE INDEX audit_checkpoint_heads_next ON audit_checkpoint_heads (next_number)`,

    // What the log is asked for: all of it, that of an organization, of somebody, of something.
    `CREATE INDEX audit_entries_at ON audit_entries (at, stream, sequence)`,
    ...['organization_id', 'actor', 'subject'].map(
      (column) =>
        `CREATE INDEX audit_entries_${column} ON audit_entries (${column}, at, stream, sequence)`,
    ),
  ],
};
