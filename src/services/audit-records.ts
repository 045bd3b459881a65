/** Audit streams, entries and checkpoints as they are stored, and the ports to them. */

import type { CheckpointHead, SignedStatement } from '../pki/checkpoint.ts';
import type { ChainedEntry, StreamHead } from '../pki/ledger.ts';
import type { AuditEvent } from './audit.ts';
import type { Page, PageWanted } from './pages.ts';

/** A stream with its head: the entries of one writing process. */
export interface AuditStream extends StreamHead {
  readonly stream: string;
  readonly createdAt: Date;
}

export interface AuditFilter {
  readonly organizationId?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  /** Entries of this moment and later. */
  readonly since?: Date;
  /** Entries before this moment. */
  readonly until?: Date;
}

export interface AuditStore {
  /** In the order of their names. */
  listStreams(): Promise<AuditStream[]>;
  /** The entries of a stream with a sequence number above `after`, ascending, at most `limit`. */
  readStream(stream: string, after: number, limit: number): Promise<ChainedEntry[]>;
  /** The entry with this number. */
  findEntry(stream: string, sequence: number): Promise<ChainedEntry | undefined>;
  /** The first name above `after`, which is '' at first, that entries have as their stream. */
  nextStreamWithEntries(after: string): Promise<string | undefined>;
  /**
   * The entries of all streams, newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listEntries(filter: AuditFilter, page: PageWanted): Promise<Page<ChainedEntry>>;
}

/** A key that signs checkpoints, sealed. */
export interface AuditKey {
  readonly keyId: string;
  readonly spki: Uint8Array;
  readonly envelope: Uint8Array;
  readonly createdAt: Date;
}

/** A checkpoint with the heads that are new in it. */
export interface StoredCheckpoint extends SignedStatement {
  readonly changed: readonly CheckpointHead[];
}

export interface CheckpointStore {
  /** Newest first. */
  listKeys(): Promise<AuditKey[]>;
  /** Stores the first key unless there is one. @returns the one that counts: whoever came first */
  createKey(command: { readonly key: AuditKey; readonly audit: AuditEvent }): Promise<AuditKey>;
  latestCheckpoint(): Promise<SignedStatement | undefined>;
  findCheckpoint(number: number): Promise<SignedStatement | undefined>;
  /** Where the streams stood according to this checkpoint. */
  headsAt(number: number): Promise<CheckpointHead[]>;
  /**
   * Stores a checkpoint with the heads that are new in it.
   * @returns `superseded`, and nothing changed, when another one has this number
   */
  recordCheckpoint(checkpoint: StoredCheckpoint): Promise<'recorded' | 'superseded'>;
  /** Checkpoints with a number above `after`, ascending, at most `limit`. */
  readCheckpoints(after: number, limit: number): Promise<StoredCheckpoint[]>;
  /** What checkpoints say of a stream between two numbers, ascending: above `after`, to `upTo`. */
  readHeads(stream: string, after: number, upTo: number, limit: number): Promise<CheckpointHead[]>;
}
