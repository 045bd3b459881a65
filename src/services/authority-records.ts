/** Authorities and their issuers as they are stored, and the port that stores them. */

import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { AuditEvent } from './audit.ts';

export type AuthorityState = 'awaiting-certificate' | 'active' | 'retired' | 'revoked';

/** A CA as people speak of it, whatever key it has at the moment. */
export interface Authority {
  /** Its name in `ca/*.yaml` and the API, e.g. `cpo-sub-ca-2`. */
  readonly id: string;
  /** The CN of its certificates, e.g. `Demo CPO Sub-CA 2`. */
  readonly title: string;
  readonly organizationId: string;
  readonly profile: string;
  /** The authority above it; undefined for roots, and for those under somebody else's root. */
  readonly parentId?: string;
  /** Whether its certificates are signed by an authority that evpki does not run. */
  readonly external: boolean;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly state: AuthorityState;
  /**
   * The proposal by which its key was handed out: somebody else signs with it, evpki nothing but
   * what tells the status of its certificates (docs/adr/0032-exported-issuers.md).
   */
  readonly exportedBy?: string;
}

/** One generation of an authority: a key and, once it is signed, its certificate. */
export interface Issuer {
  /** Short and stable: it stands in the URLs of its CRL and its certificate. */
  readonly id: string;
  readonly authorityId: string;
  /** Counted from 1. */
  readonly generation: number;
  readonly state: AuthorityState;
  readonly keyId: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly spki: Uint8Array;
  /** DER of its subject name; final from the start, since its CSR already carries it. */
  readonly subject: Uint8Array;
  /** Where its CRL, OCSP and certificate are found; frozen when the issuer is created. */
  readonly publicUrl: string;
  /** PKCS#10, when the certificate is signed elsewhere. */
  readonly request?: Uint8Array;
  /** Its own certificate; undefined while it awaits one. */
  readonly certificateId?: string;
  readonly certificate?: Uint8Array;
  /** The issuer that signed its certificate: its own id for a root, undefined for outside ones. */
  readonly signedById?: string;
}

export interface KeyEnvelope {
  readonly keyId: string;
  readonly authorityId: string;
  readonly envelope: Uint8Array;
}

export interface AuthorityStore {
  /**
   * Creates an authority with its first issuer and that issuer's sealed key, in one transaction.
   * @returns `exists`, and nothing changed, when an authority of this id is there already
   */
  createAuthority(command: {
    readonly authority: Authority;
    readonly issuer: Issuer;
    readonly key: KeyEnvelope;
    readonly audit: AuditEvent;
    /** Given where the parent's owner grants that, unless it does so already: its audit entry. */
    readonly grant?: AuditEvent;
  }): Promise<'created' | 'exists'>;

  /**
   * Adds the next generation to an authority, awaiting its certificate.
   * @returns `exists` when a generation of this number is there already
   */
  addIssuer(command: {
    readonly issuer: Issuer;
    readonly key: KeyEnvelope;
    readonly audit: AuditEvent;
  }): Promise<'added' | 'exists'>;

  /**
   * Makes an awaiting issuer active with a certificate that was signed elsewhere; its authority
   * becomes active, earlier active generations are retired. The certificate becomes a row without
   * an issuer of ours.
   * @param command.root what cars name its root by, which is claimed for this root for good; and its
   *   SHA-256, lower-case hex
   * @returns `not-awaiting` when it is not awaiting a certificate any more, `root-namesake` when
   *   another root has claimed the identity
   */
  activateIssuer(command: {
    readonly issuerId: string;
    readonly certificate: ImportedCertificate;
    /** The certificates above it, nearest first, root last: served as its chain. */
    readonly chain: readonly Uint8Array[];
    readonly root: { readonly identity: string; readonly sha256: string };
    readonly audit: AuditEvent;
  }): Promise<'activated' | 'not-awaiting' | 'root-namesake'>;

  findAuthority(id: string): Promise<Authority | undefined>;
  /** All, or those of one organization. */
  listAuthorities(organizationId?: string): Promise<Authority[]>;
  findIssuer(id: string): Promise<Issuer | undefined>;
  /** All generations, newest first. */
  listIssuers(authorityId: string): Promise<Issuer[]>;
  /** The chain given at activation, nearest first; empty for issuers under our own authorities. */
  externalChain(issuerId: string): Promise<Uint8Array[]>;
  /**
   * Of every issuer that was activated so, whatever became of it: its own certificate, and behind it
   * the chain given then, nearest first.
   */
  externalChains(): Promise<Uint8Array[][]>;
  findEnvelope(keyId: string): Promise<KeyEnvelope | undefined>;
  /** Whether a key with this SPKI SHA-256 (hex) belongs to one of our issuers. */
  isAuthorityKey(spkiSha256: string): Promise<boolean>;
}

/** A certificate that was signed elsewhere, as a row. */
export interface ImportedCertificate {
  readonly id: string;
  readonly organizationId: string;
  readonly der: Uint8Array;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  readonly subject: string;
  readonly commonName: string | undefined;
  readonly profile: string;
  readonly profileHash: string;
  readonly spkiSha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}
