/** Rows that processes keep for themselves and each other. */

import type { StoredInteger } from '../rows.ts';

export interface ActiveDeclarationsRow {
  id: number;
  sha256: string;
  process_id: string;
  activated_at: string;
}

export interface VaultRow {
  id: StoredInteger;
  salt: Buffer;
  cost_n: StoredInteger;
  block_size: StoredInteger;
  parallelization: StoredInteger;
  check_value: Buffer;
}

export interface JobRow {
  name: string;
  due_at: string;
  lease_owner: string | null;
  lease_until: string | null;
  /** A time that was asked for while somebody held it. */
  asked_at: string | null;
}

export interface IdempotencyKeyRow {
  principal: string;
  operation: string;
  key_sha256: string;
  request_sha256: string;
  /** While somebody works on it. */
  lease_owner: string | null;
  lease_until: string | null;
  expires_at: string;
  /** From here on: the answer, once there is one. */
  status: StoredInteger | null;
  location: string | null;
  content_type: string | null;
  body: string | null;
  without_body: StoredInteger;
}

export interface ClockMarkRow {
  id: StoredInteger;
  latest: string;
}
