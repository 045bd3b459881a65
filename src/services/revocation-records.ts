/** Status changes, CRLs, OCSP signers and jobs as they are stored, and the ports that store them. */

import type { Status } from '../pki/lifecycle.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { AuditEvent } from './audit.ts';
import type { KeyEnvelope } from './authority-records.ts';
import type { Lease } from './certificate-records.ts';
import type { ProposalApproval } from './proposal-records.ts';

export interface RevocationStore {
  /**
   * Changes a certificate's status, gives the change the next sequence number of its issuer, and
   * brings the issuer's CRL job forward to `crlDue`, all in one transaction.
   * @returns `stale`, and nothing changed, when the status is not `from` any more; `not-waiting`,
   *   and nothing changed, when its approval is for what waits no more
   */
  recordStatusChange(command: {
    readonly certificateId: string;
    readonly from: Status;
    readonly to: Status;
    /** Puts the key on the block list: compromised keys are never certified again. */
    readonly blockKey: boolean;
    /** The issuer whose own certificate this is: it and, if it is the newest, its authority end. */
    readonly revokesIssuerId?: string;
    readonly crlDue: Date;
    readonly audit: AuditEvent;
    readonly approval?: ProposalApproval;
  }): Promise<
    | { readonly outcome: 'changed'; readonly sequence: number }
    | { readonly outcome: 'stale' | 'not-waiting' }
  >;

  /** The issuer whose own certificate has this id, if there is one. */
  issuerOfCertificate(certificateId: string): Promise<string | undefined>;
}

/** What OCSP needs to know of one serial number, read in one snapshot. */
export interface SerialStatus {
  /** The issuer's sequence number at the time of reading. */
  readonly sequence: number;
  /** Undefined for a number that was never given to an issued certificate (pending ones too). */
  readonly status?: Status;
}

/** What OCSP requests name an issuer by. */
export interface IssuerKey {
  readonly issuerId: string;
  readonly authorityId: string;
  /** DER of its subject. */
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
}

export interface StatusStore {
  /** Every issuer that has, or awaits, a certificate. */
  listIssuerKeys(): Promise<IssuerKey[]>;
  /** @returns undefined when there is no such issuer */
  readStatus(issuerId: string, serial: string): Promise<SerialStatus | undefined>;
  /** The present sequence numbers of these issuers. */
  readSequences(issuerIds: readonly string[]): Promise<Map<string, number>>;
  /** Serial numbers whose status changed after `sequence`, oldest change first. */
  readChanges(
    issuerId: string,
    sequence: number,
    limit: number,
  ): Promise<{ readonly serial: string; readonly sequence: number }[]>;
}

/** A key and certificate that answer OCSP for one issuer (RFC 6960 4.2.2.2). */
export interface OcspSigner {
  readonly id: string;
  readonly issuerId: string;
  readonly keyId: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly spki: Uint8Array;
  readonly certificate: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface OcspSignerStore {
  /** The signer of this issuer whose certificate ends last; undefined while there is none. */
  newestSigner(issuerId: string): Promise<OcspSigner | undefined>;
  /** Stores a signer's sealed key before it is certified. */
  createSigner(command: {
    readonly id: string;
    readonly issuerId: string;
    readonly keyAlgorithm: KeyAlgorithm;
    readonly spki: Uint8Array;
    readonly key: KeyEnvelope;
    readonly createdAt: Date;
  }): Promise<void>;
  /** Puts a signer to work with its certificate, which is a row by then. */
  activateSigner(id: string, certificateId: string): Promise<void>;
}

export interface PublishedCrl {
  readonly issuerId: string;
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** The issuer's sequence number that it covers. */
  readonly sequence: number;
  /** DER size in octets. */
  readonly length: number;
  /** Chunks that the DER is stored in, counted from 0. */
  readonly chunks: number;
}

/**
 * Entries are kept in segments by the first two digits of the 32-digit serial number, so that a
 * change costs one segment and not the list. Shorter serial numbers are padded with zeros.
 */
export interface CrlStore {
  /** The issuer's next CRL number, decided by the database; never given twice, never lower. */
  reserveNumber(issuerId: string): Promise<number>;
  currentSequence(issuerId: string): Promise<number>;
  /** Segments with a status change after `sequence`. */
  changedSegments(issuerId: string, sequence: number): Promise<string[]>;
  /** Every segment that has a revoked or held certificate. */
  filledSegments(issuerId: string): Promise<string[]>;
  /**
   * Revoked and held certificates of a segment that end at `endingFrom` or later, in any order, as
   * lines that `encodeCrlLines` reads.
   */
  revokedIn(issuerId: string, segment: string, endingFrom: Date): Promise<Uint8Array>;
  /**
   * Stores the encoded entries of a segment as they were at `sequence`. Entries that are older
   * than those kept are ignored: a builder that was slow must not undo a later one.
   */
  putSegment(
    issuerId: string,
    segment: string,
    entries: Uint8Array,
    sequence: number,
  ): Promise<void>;
  /** All encoded segments, in order. */
  readSegments(issuerId: string): Promise<Uint8Array[]>;
  /**
   * Publishes a CRL in place of the one before it.
   * @returns `superseded`, and nothing changed, when one with a higher number is published
   */
  publish(
    crl: Omit<PublishedCrl, 'chunks'>,
    chunks: Iterable<Uint8Array>,
    audit: AuditEvent,
  ): Promise<'published' | 'superseded'>;
  findCrl(issuerId: string): Promise<PublishedCrl | undefined>;
  /** A chunk of the CRL with this number; undefined once a newer one has replaced it. */
  readChunk(issuerId: string, number: number, chunk: number): Promise<Uint8Array | undefined>;
}

/** Something that one process at a time does again and again, such as `crl:<issuer id>`. */
export interface Job {
  readonly name: string;
  readonly dueAt: Date;
}

export interface JobStore {
  /** Adds a job, or brings it forward if it is due later. */
  schedule(name: string, dueAt: Date): Promise<void>;
  /** Takes due jobs that nobody holds, longest due first. */
  claim(now: Date, lease: Lease, limit: number): Promise<Job[]>;
  /**
   * Ends the work on a job that `owner` holds. A time that somebody asked for meanwhile counts if
   * it is earlier than `nextDueAt`.
   */
  release(name: string, owner: string, nextDueAt: Date): Promise<void>;
}
