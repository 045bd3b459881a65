/** The keys that access tokens are signed with, as stored, and the port that stores them. */

import type { AuditEvent } from './audit.ts';

/** The job that replaces them. */
export const TOKEN_KEYS_JOB = 'token-keys';

export interface TokenKey {
  /** Counted from 1 without gaps: of two processes that make the next one, one succeeds. */
  readonly generation: number;
  /** `kid` of the tokens that it signs (RFC 7515 4.1.4). */
  readonly keyId: string;
  /** DER of the SubjectPublicKeyInfo; P-256. */
  readonly spki: Uint8Array;
  /** The private key, sealed. */
  readonly envelope: Uint8Array;
  readonly createdAt: Date;
  /** It is published before it signs, and signs until the next one does. */
  readonly signsFrom: Date;
}

export interface TokenKeyStore {
  /** All there are, the newest first. */
  listTokenKeys(): Promise<TokenKey[]>;
  /** @returns `exists`, and nothing is changed, when another process has made this generation */
  createTokenKey(command: {
    readonly key: TokenKey;
    readonly audit: AuditEvent;
  }): Promise<'created' | 'exists'>;
  /** Deletes a key with its private half. */
  removeTokenKey(command: {
    readonly keyId: string;
    readonly audit: AuditEvent;
  }): Promise<'removed' | 'missing'>;
}
