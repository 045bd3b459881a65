/** Rows of CRLs: what they are made of, and those that are published. */

import type { StoredInteger } from '../rows.ts';

export interface CrlSegmentRow {
  issuer_id: string;
  segment: string;
  /** The issuer's sequence number from before its entries were read. */
  sequence: StoredInteger;
  entries: Buffer;
}

/** The CRL that is published. */
export interface CrlRow {
  issuer_id: string;
  number: StoredInteger;
  this_update: string;
  next_update: string;
  sequence: StoredInteger;
  length: StoredInteger;
  chunks: StoredInteger;
}

export interface CrlChunkRow {
  issuer_id: string;
  number: StoredInteger;
  chunk: StoredInteger;
  bytes: Buffer;
}
