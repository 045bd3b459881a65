/** Authorities whose key is handed out, and what is brought of their certificates: the ports. */

import type { Status } from '../pki/lifecycle.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { AuditEvent } from './audit.ts';
import type { Authority, ImportedCertificate, Issuer, KeyEnvelope } from './authority-records.ts';
import type { ProposalApproval } from './proposal-records.ts';

/**
 * Port: makes a key pair of which one copy is sealed for evpki and one encrypted for somebody else,
 * both from the same octets, which are wiped. No key that is there already can be had so.
 * @param passphrase printable ASCII, which every tool encodes alike
 */
export type GenerateExportedKey = (
  algorithm: KeyAlgorithm,
  owner: { readonly keyId: string; readonly authorityId: string },
  passphrase: string,
) => Promise<{
  readonly spki: Uint8Array;
  readonly key: KeyEnvelope;
  /** DER of an EncryptedPrivateKeyInfo (RFC 5958 3), PBES2 (RFC 8018). */
  readonly encryptedKey: Uint8Array;
}>;

export interface ExportStore {
  /** Approves the proposal of an export; nothing is made by that. */
  approveExport(approval: ProposalApproval): Promise<'approved' | 'not-waiting'>;

  /** The authority that was made by a proposal, if one was. */
  findExported(proposalId: string): Promise<Authority | undefined>;

  /**
   * Creates an authority with `exportedBy`, its issuer and that issuer's sealed key.
   * @returns `collected`, and nothing changed, when its proposal has made one, or is not approved;
   *   `exists` when there is an authority of this id
   */
  createExported(command: {
    readonly authority: Authority & { readonly exportedBy: string };
    readonly issuer: Issuer;
    readonly key: KeyEnvelope;
    readonly audit: AuditEvent;
  }): Promise<'created' | 'collected' | 'exists'>;

  /**
   * Adds a certificate that an exported issuer has signed, as issued; one that was revoked by its
   * serial number alone gets its octets and stays revoked.
   * @returns `known`, and nothing changed, when these octets are there; `serial-taken` when the
   *   issuer has another certificate of this number
   */
  importCertificate(command: {
    readonly issuerId: string;
    readonly certificate: ImportedCertificate & { readonly stationId?: string };
    readonly audit: AuditEvent;
  }): Promise<
    | { readonly outcome: 'imported' | 'known'; readonly id: string }
    | { readonly outcome: 'serial-taken' }
  >;

  /**
   * Revokes a serial number of an issuer that no certificate here has: a record without octets,
   * which gets the next sequence number of its issuer and brings its CRL forward to `crlDue`.
   * @returns `seen`, and nothing changed, when there is a certificate of this number
   */
  revokeUnseen(command: {
    readonly issuerId: string;
    readonly record: Omit<ImportedCertificate, 'der' | 'subject' | 'commonName' | 'spkiSha256'>;
    readonly to: Status;
    readonly crlDue: Date;
    readonly audit: AuditEvent;
  }): Promise<
    { readonly outcome: 'revoked'; readonly sequence: number } | { readonly outcome: 'seen' }
  >;
}
