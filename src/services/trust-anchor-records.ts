/** Trust anchors as they are stored, and the ports that store them and what paths are judged by. */

import { type RootType, type ValidationPurpose, validationPurposes } from '../pki/profile.ts';
import type { AuditEvent } from './audit.ts';
import type { AuthorityState } from './authority-records.ts';
import type { CertificateState } from './certificate-records.ts';
import type { Page, PageWanted } from './pages.ts';
import type { ProposalApproval } from './proposal-records.ts';

/** What a trust anchor is for: to be handed on, or to end chains that are validated for something. */
export const anchorPurposes = ['distribute', ...validationPurposes] as const;
export type AnchorPurpose = (typeof anchorPurposes)[number];

/** A root of somebody else that an organization has imported. */
export interface TrustAnchor {
  readonly id: string;
  /** The organization that imported it, for whose validations alone it counts. */
  readonly organizationId: string;
  /** SHA-256 of the certificate, hex; unique among the anchors of an organization. */
  readonly sha256: string;
  /** DER. */
  readonly certificate: Uint8Array;
  /** RFC 4514 text. */
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** In the order of `anchorPurposes`. */
  readonly purposes: readonly AnchorPurpose[];
  /** As what the pool of roots lists it; not at all without. */
  readonly rootType?: RootType;
  readonly addedAt: Date;
}

export interface TrustAnchorStore {
  /**
   * Adds an anchor.
   * @param command.nameKey finds it by its name, see `anchorsNamed`
   * @param command.limit anchors that the organization may have
   * @returns `exists` when its organization has this certificate among its anchors, `too-many`;
   *   nothing is written then
   */
  importAnchor(command: {
    readonly anchor: TrustAnchor;
    readonly nameKey: string;
    readonly limit: number;
    readonly audit: AuditEvent;
  }): Promise<'imported' | 'exists' | 'too-many'>;

  /**
   * Replaces what an anchor is for.
   * @param command.from what it is for until now
   * @param command.approval of the proposal that this is the effect of, which is approved with it
   * @returns `stale`, and nothing changed, when that is not so (any more) or it is removed;
   *   `not-waiting`, and nothing changed, when the proposal does not wait (any more)
   */
  changePurposes(command: {
    readonly id: string;
    readonly from: readonly AnchorPurpose[];
    readonly to: readonly AnchorPurpose[];
    readonly audit: AuditEvent;
    readonly approval?: ProposalApproval;
  }): Promise<'changed' | 'stale' | 'not-waiting'>;

  /**
   * Says as what the pool of roots lists an anchor.
   * @param command.from what has been said until now
   * @returns `stale`, and nothing changed, when that is not so (any more) or it is removed
   */
  changeRootType(command: {
    readonly id: string;
    readonly from: RootType | undefined;
    readonly to: RootType;
    readonly audit: AuditEvent;
  }): Promise<'changed' | 'stale'>;

  /**
   * Removes an anchor; the row stays, for nobody to find but an auditor.
   * @returns `missing`, and nothing changed, when it is removed already
   */
  removeAnchor(command: {
    readonly id: string;
    readonly audit: AuditEvent;
  }): Promise<'removed' | 'missing'>;

  findAnchor(id: string): Promise<TrustAnchor | undefined>;
  /** The anchor of the organization with this certificate (SHA-256, hex). */
  findAnchorOf(organizationId: string, sha256: string): Promise<TrustAnchor | undefined>;

  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listAnchors(
    filter: { readonly organizationId?: string; readonly purpose?: AnchorPurpose },
    page: PageWanted,
  ): Promise<Page<TrustAnchor>>;

  /** DER of the organization's anchors for this purpose with one of these names. */
  anchorsNamed(
    organizationId: string,
    purpose: ValidationPurpose,
    nameKeys: readonly string[],
  ): Promise<Uint8Array[]>;
}

/** One of our issuers as paths are judged by it. */
export interface KnownIssuer {
  readonly id: string;
  readonly organizationId: string;
  /** The profile of its authority. */
  readonly profile: string;
  /** `retired` ones go on in what they have signed. */
  readonly state: AuthorityState;
  /** Its own certificate, DER. */
  readonly certificate: Uint8Array;
  /** As `Issuer.signedById`. */
  readonly signedById?: string;
  /**
   * Of the serial numbers that were asked about those that it has given away, `pending` and
   * `abandoned` ones too.
   */
  readonly statuses: ReadonlyMap<string, CertificateState>;
  /**
   * SHA-256, lower-case hex, of what it has signed under these serial numbers (TBSCertificate, DER),
   * where that is on record: it is not of what was imported.
   */
  readonly signed: ReadonlyMap<string, string>;
}

export interface PathFactStore {
  /**
   * Our issuers of these names (DER, byte for byte: ours copy it) that are certified, and all
   * above them, with what became of these serial numbers, read in one snapshot.
   * @param serials lower-case hex, as stored
   */
  issuersNamed(names: readonly Uint8Array[], serials: readonly string[]): Promise<KnownIssuer[]>;
}
