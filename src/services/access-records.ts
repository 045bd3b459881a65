/** API clients, their tokens and the first-start secret as they are stored. */

import type { AuditEvent } from './audit.ts';

export interface ApiClient {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** SHA-256 of the secret, which is 256 random bits (hex). */
  readonly secretSha256: string;
  readonly createdAt: Date;
}

export interface AccessToken {
  /** SHA-256 of the token, hex. */
  readonly tokenSha256: string;
  readonly clientId: string;
  readonly expiresAt: Date;
}

export interface AccessStore {
  /** Stores the hash of a bootstrap secret in place of an earlier one, unless that was used. */
  putBootstrap(
    secretSha256: string,
    expiresAt: Date,
    audit: AuditEvent,
  ): Promise<'stored' | 'used'>;
  /** The bootstrap secret's hash and end; `used` once it has made the first administrator. */
  findBootstrap(): Promise<{ secretSha256: string; expiresAt: Date } | 'used' | undefined>;
  /**
   * Uses the bootstrap secret up and creates the first API client, in one transaction.
   * @returns `used` when somebody was faster
   */
  createFirstClient(command: {
    readonly client: ApiClient;
    readonly audit: AuditEvent;
  }): Promise<'created' | 'used'>;
  createClient(command: { readonly client: ApiClient; readonly audit: AuditEvent }): Promise<void>;
  findClient(id: string): Promise<ApiClient | undefined>;
  createToken(token: AccessToken): Promise<void>;
  findToken(tokenSha256: string): Promise<AccessToken | undefined>;
  deleteExpiredTokens(now: Date): Promise<number>;
}
