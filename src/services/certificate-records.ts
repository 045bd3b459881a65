/** Certificates and enrolment requests as they are stored, and the ports that store them. */

import type { AcceptedReason } from '../pki/lifecycle.ts';
import type { Violation } from '../pki/violations.ts';
import type { AuditEvent } from './audit.ts';
import type { BundleToIssue } from './contract-records.ts';
import type { Page, PageWanted } from './pages.ts';
import type { ProposalApproval } from './proposal-records.ts';

/** `expired` is derived, never stored. */
export type CertificateState = 'pending' | 'abandoned' | 'issued' | 'held' | 'revoked';

export interface CertificateRecord {
  readonly id: string;
  readonly organizationId: string;
  /** The issuer that signed it; undefined for certificates signed elsewhere. */
  readonly issuerId?: string;
  /** Lower-case hex without leading zeros, as OCPP writes serial numbers. */
  readonly serial: string;
  readonly state: CertificateState;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly profile: string;
  /** The hash of the profile that it was made with. */
  readonly profileHash: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly spkiSha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly createdAt: Date;
  /** Present from `issued` on, but of what was revoked by its serial number without being seen. */
  readonly der?: Uint8Array;
  /** The enrolment request that it answers. */
  readonly requestId?: string;
  /** The certificate that it renews, and the latest that renews it. */
  readonly renews?: string;
  readonly renewedBy?: string;
  readonly stationId?: string;
  /** Since when it is held or revoked, and why. */
  readonly revokedAt?: Date;
  readonly revocationReason?: AcceptedReason;
}

/** What is durable before anything is signed (design: issuing, step 3). */
export interface PendingCertificate {
  readonly id: string;
  readonly organizationId: string;
  readonly issuerId: string;
  readonly serial: string;
  readonly subject: string;
  /** The common name in the subject, by which stations are told apart. */
  readonly commonName: string | undefined;
  readonly profile: string;
  readonly profileHash: string;
  readonly spkiSha256: string;
  /** SHA-256 of the bytes that will be signed, hex. */
  readonly tbsSha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly createdAt: Date;
  readonly lease: Lease;
  readonly stationId?: string;
}

/** Which process is working on a row, and until when nobody else may touch it. */
export interface Lease {
  readonly owner: string;
  readonly until: Date;
}

/** `refused` is what policy says, `rejected` what a person says. */
export type EnrolmentState =
  | 'issuing'
  | 'waiting-for-approval'
  | 'issued'
  | 'refused'
  | 'rejected'
  | 'abandoned';

export interface EnrolmentRequest {
  readonly id: string;
  readonly organizationId: string;
  readonly authorityId: string;
  readonly profile: string;
  /** Who asked, as in audit entries. */
  readonly requester: string;
  /** The front door: `rest`, `ocpp`, `est`. */
  readonly channel: string;
  readonly csr: Uint8Array;
  readonly state: EnrolmentState;
  readonly createdAt: Date;
  /**
   * Identifies "the same request again": a hash over requester, authority, profile, station and
   * CSR. Unique among rows that carry one; undefined where the profile repeats nothing.
   */
  readonly repeatKey?: string;
  /** A repeat after this moment is a new request. */
  readonly repeatUntil?: Date;
  readonly certificateId?: string;
  readonly violations?: readonly Violation[];
  readonly stationId?: string;
  /** What the request calls itself, RFC 4514 text. */
  readonly subject?: string;
  /** The end of validity that was asked for. */
  readonly notAfter?: Date;
  /** The certificate that it is to renew. */
  readonly renews?: string;
  /** Of those that have to be approved: until when they can be. */
  readonly approveUntil?: Date;
  /** Who approved or rejected it, and when. */
  readonly decidedBy?: string;
  readonly decidedAt?: Date;
  /** What the one who rejected it said. */
  readonly rejectionReason?: string;
}

/** That somebody approves a request, which is waiting until then. */
export interface Approval {
  readonly by: string;
  readonly at: Date;
  /** A repeat until this moment gets the certificate. */
  readonly repeatUntil: Date;
  readonly audit: AuditEvent;
}

/** What a station would be called by a certificate: see `StationStore.isNameOfOther`. */
export interface NameQuestion {
  readonly organizationId: string;
  readonly stationId: string;
  /** The common name, in every spelling in which it may be certified. */
  readonly names: readonly string[];
}

export type PendingOutcome =
  | { readonly outcome: 'recorded' }
  /** The issuer has given this serial number away before: draw another. */
  | { readonly outcome: 'serial-taken' }
  /** The issuer does not sign (retired, awaiting its certificate, it or one above it revoked). */
  | { readonly outcome: 'issuer-not-active' }
  /** The authority belongs to another organization, which does not grant that one be under it. */
  | { readonly outcome: 'not-granted' }
  /** As `isCertifiedForOther`, `isBlockedKey` and `isNameOfOther` say, and nobody gets between. */
  | { readonly outcome: 'key-in-use' | 'key-blocked' | 'name-taken' }
  /** The certificate that the request is to renew is not issued (any more). */
  | { readonly outcome: 'not-renewable' }
  /** What was approved does not wait (any more): somebody else has decided on it. */
  | { readonly outcome: 'not-waiting' }
  /** The EMAID has a contract for this car, or it is being made. */
  | { readonly outcome: 'contract-exists' }
  /** The contract is suspended or ended, or has a bundle of this generation. */
  | { readonly outcome: 'contract-not-active' | 'bundle-outrun' | 'vehicle-changed' | 'car-full' }
  /** The enrolment secret was used before, withdrawn, or another request is being made with it. */
  | { readonly outcome: 'secret-spent' | 'secret-in-use' }
  /** The same request is on record and not over: nothing was written. */
  | { readonly outcome: 'repeat'; readonly request: EnrolmentRequest };

export interface IssuanceStore {
  /**
   * Writes a pending certificate, and the request that it answers if there is one, in one
   * transaction. The issuer must be active, or be `subjectIssuerId` itself (a self-signed root),
   * and no issuer above it may be revoked. An authority of another organization needs a grant,
   * which cannot be withdrawn before the row is there. Of concurrent certificates with one key but several
   * subjects, or one name but several stations, one is recorded.
   * A request whose repeat key is on record with a row that is over (refused, abandoned, past
   * `repeatUntil`, or answered by a certificate that is revoked, held or expired at `createdAt`;
   * waiting or rejected and past `approveUntil`) takes the key over.
   * With `bundle` the certificate is a contract's: the bundle, and the contract where it begins
   * with it, are written too. Whatever abandons the certificate takes them back.
   * With `approval` the request is one that waits on record: of any number of approvals and
   * rejections of it, one is recorded. The same with `proposal`.
   */
  recordPending(command: {
    readonly certificate: PendingCertificate;
    readonly request?: EnrolmentRequest;
    readonly approval?: Approval;
    /** The issuer whose own certificate this will be. */
    readonly subjectIssuerId?: string;
    /** The issuer's own OCSP responder: a retired issuer still answers for what it signed. */
    readonly statusSigner?: true;
    /** For a station whose name nobody has registered: what must not be the name of another. */
    readonly stationName?: NameQuestion;
    readonly bundle?: BundleToIssue;
    /** The one-time secret that the request came with: of any number of requests, one uses it. */
    readonly secretId?: string;
    /** That a second person agrees to the certificate, which comes with no request or bundle. */
    readonly proposal?: ProposalApproval;
  }): Promise<PendingOutcome>;

  /**
   * Makes a pending certificate issued, its request too, together with the audit entry; with
   * `subjectIssuerId` that issuer and its authority become active and earlier active generations
   * of the authority are retired. With `bundle` the contract that begins with it is active then, or
   * the certificates of former bundles are revoked.
   * @returns `lease-lost`, and nothing changed, when the row is not pending under this owner
   */
  recordIssued(command: {
    readonly certificateId: string;
    readonly leaseOwner: string;
    readonly der: Uint8Array;
    readonly requestId?: string;
    readonly subjectIssuerId?: string;
    readonly bundle?: BundleToIssue;
    readonly audit: AuditEvent;
  }): Promise<'issued' | 'lease-lost'>;

  /**
   * Gives up a pending certificate (signing failed), and its request unless that was approved: it
   * waits again then, and so does its proposal. The serial stays taken.
   */
  recordAbandoned(command: {
    readonly certificateId: string;
    readonly leaseOwner: string;
    readonly audit: AuditEvent;
  }): Promise<void>;

  /** Stores a refused request with its violations. */
  recordRefused(command: {
    readonly request: EnrolmentRequest;
    readonly audit: AuditEvent;
  }): Promise<void>;

  /**
   * Marks pending certificates whose lease ended before `now` as abandoned, and their requests;
   * those that were approved wait again, and so do proposals.
   * @returns how many there were; each gets an audit entry `certificate.abandoned`
   */
  abandonExpired(now: Date): Promise<number>;
}

/** Narrows a listing; every given field must hold. */
export interface CertificateFilter {
  readonly organizationId?: string;
  readonly issuerIds?: readonly string[];
  readonly state?: CertificateState;
  readonly profile?: string;
  readonly serial?: string;
  /** In any case. */
  readonly commonName?: string;
  readonly expiresBefore?: Date;
  /** Only those that were issued for a request. */
  readonly isRequested?: true;
}

export interface CertificateStore {
  findCertificate(id: string): Promise<CertificateRecord | undefined>;
  findBySerial(issuerId: string, serial: string): Promise<CertificateRecord | undefined>;
  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listCertificates(filter: CertificateFilter, page: PageWanted): Promise<Page<CertificateRecord>>;
  findRequest(id: string): Promise<EnrolmentRequest | undefined>;
  /** Whether this key (SPKI SHA-256, hex) may not be certified any more. */
  isBlockedKey(spkiSha256: string): Promise<boolean>;
  /**
   * Whether this key is in a certificate (pending, issued or held, not expired) with another
   * subject.
   */
  isCertifiedForOther(spkiSha256: string, subject: string, now: Date): Promise<boolean>;
}
