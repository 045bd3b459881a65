/** Audit streams as they are stored, and the port that reads them. */

import type { ChainedEntry, StreamHead } from '../pki/ledger.ts';

/** A stream with its head: the entries of one writing process. */
export interface AuditStream extends StreamHead {
  readonly stream: string;
  readonly createdAt: Date;
}

export interface AuditStore {
  /** In the order of their names. */
  listStreams(): Promise<AuditStream[]>;
  /** The entries of a stream with a sequence number above `after`, ascending, at most `limit`. */
  readStream(stream: string, after: number, limit: number): Promise<ChainedEntry[]>;
}
