/** The parameters that the key-encryption key is derived with, and the port that stores them. */

import type { AuditEvent } from './audit.ts';

export interface VaultRecord {
  /** The salt of scrypt. */
  readonly salt: Uint8Array;
  /** The cost parameters of scrypt (RFC 7914 2): N, r and p. */
  readonly costN: number;
  readonly blockSize: number;
  readonly parallelization: number;
  /** Tells whether a passphrase is the right one, and nothing else about it. */
  readonly check: Uint8Array;
}

export interface VaultStore {
  findVault(): Promise<VaultRecord | undefined>;
  /**
   * Stores the record, with its audit entry, unless there is one.
   * @returns the one that counts: whoever came first
   */
  createVault(record: VaultRecord, audit: AuditEvent): Promise<VaultRecord>;
}
