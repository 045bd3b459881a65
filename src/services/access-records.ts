/** API clients and the first-start secret as they are stored. */

import type { AuditEvent } from './audit.ts';
import type { Page, PageWanted } from './pages.ts';

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
  /** As audit entries name it; unknown only of clients that the log does not know either. */
  readonly createdBy?: string;
  readonly expiresAt?: Date;
  readonly disabledAt?: Date;
  /** When it last got a token, or called with a certificate, to the minute. */
  readonly lastUsedAt?: Date;
}

/** A certificate by which an API client is known; registered for one client at a time. */
export interface ClientCertificate {
  /** SHA-256 of the certificate, hex. */
  readonly sha256: string;
  readonly clientId: string;
  /** DER. */
  readonly certificate: Uint8Array;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly addedAt: Date;
}

/** Finding out whose certificate was presented. */
export interface CertificateLoginStore {
  /** The API client that has registered the certificate with this SHA-256 (hex). */
  findClientOfCertificate(sha256: string): Promise<ApiClient | undefined>;
  /** Notes that a client was here, unless that is on record for the minute before. */
  noteUse(clientId: string, at: Date): Promise<void>;
}

/** The certificates of API clients. */
export interface ClientCertificateStore {
  /**
   * Registers a certificate for a client. One of a client that has ended by then is taken over.
   * @param command.limit certificates that the client may have
   * @returns `exists` when it is the client's already, `taken` when it is another's, `too-many`,
   *   `client-ended`; nothing is written then
   */
  addCertificate(command: {
    readonly certificate: ClientCertificate;
    readonly limit: number;
    readonly audit: AuditEvent;
  }): Promise<'added' | 'exists' | 'taken' | 'too-many' | 'client-ended'>;
  /** @returns `missing`, and nothing changed, when it is none of the client's */
  removeCertificate(command: {
    readonly clientId: string;
    readonly sha256: string;
    readonly audit: AuditEvent;
  }): Promise<'removed' | 'missing'>;
  /** All of a client, oldest first. */
  listCertificates(clientId: string): Promise<ClientCertificate[]>;
}

/** Proving who calls: what every request needs. */
export interface AccessStore extends CertificateLoginStore {
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
}

/** The life of API clients. */
export interface ApiClientStore {
  createClient(command: { readonly client: ApiClient; readonly audit: AuditEvent }): Promise<void>;
  findClient(id: string): Promise<ApiClient | undefined>;
  /** A page, newest first. */
  listClients(
    filter: { readonly organizationId?: string },
    page: PageWanted,
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
