/** Rows of the audit log: its streams and entries, and the checkpoints that vouch for them. */

import type { StoredInteger } from '../rows.ts';

export interface AuditStreamRow {
  stream: string;
  sequence: StoredInteger;
  hash: Buffer;
  created_at: string;
}

export interface AuditEntryRow {
  stream: string;
  sequence: StoredInteger;
  at: string;
  organization_id: string;
  actor: string;
  action: string;
  subject: string;
  details: string;
  hash: Buffer;
}

export interface AuditKeyRow {
  generation: StoredInteger;
  key_id: string;
  spki: Buffer;
  envelope: Buffer;
  created_at: string;
}

export interface AuditCheckpointRow {
  number: StoredInteger;
  at: string;
  previous: Buffer;
  heads_hash: Buffer;
  key_sha256: Buffer;
  signature: Buffer;
}

export interface AuditCheckpointHeadRow {
  stream: string;
  sequence: StoredInteger;
  hash: Buffer;
  number: StoredInteger;
  /** The checkpoint in which the stream's next head is; null for the latest one. */
  next_number: StoredInteger | null;
}
