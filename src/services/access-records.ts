/** API clients and the first-start secret as they are stored. */

import type { AuditEvent } from './audit.ts';
import type { Page } from './certificate-records.ts';

export interface ApiClient {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** SHA-256 of the secret, which is 256 random bits (hex). */
  readonly secretSha256: string;
  /** The secret before the last rotation, as long as it still holds. */
  readonly oldSecret?: { readonly sha256: string; readonly until: Date };
  readonly createdAt: Date;
  readonly expiresAt?: Date;
  readonly disabledAt?: Date;
  /** When it last got a token, to the minute. */
  readonly lastUsedAt?: Date;
}

/** Proving who calls: what every request needs. */
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
  findClient(id: string): Promise<ApiClient | undefined>;
  /** Notes that a client was here at that time, unless it has been here since. */
  noteUse(clientId: string, now: Date): Promise<void>;
}

/** The life of API clients. */
export interface ApiClientStore {
  createClient(command: { readonly client: ApiClient; readonly audit: AuditEvent }): Promise<void>;
  findClient(id: string): Promise<ApiClient | undefined>;
  /** A page, newest first. */
  listClients(
    filter: { readonly organizationId?: string },
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<ApiClient>>;
  /**
   * Gives an enabled client a new secret in place of the present one, which holds until the given
   * time; one before that holds no more.
   */
  rotateSecret(command: {
    readonly clientId: string;
    /** The secret that the caller knows of: two rotations at once do not pass for one. */
    readonly from: string;
    readonly secretSha256: string;
    readonly oldUntil: Date;
    readonly audit: AuditEvent;
  }): Promise<'rotated' | 'changed'>;
  /**
   * Ends a client for good.
   * @returns `last` when afterwards no enabled client without end would have one of the roles that
   *   `keepOneOf` lists, `unchanged` for one that was disabled before
   */
  disableClient(command: {
    readonly clientId: string;
    readonly keepOneOf: readonly string[];
    readonly audit: AuditEvent;
  }): Promise<'disabled' | 'unchanged' | 'last'>;
}
