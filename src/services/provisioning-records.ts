/** Provisioning certificates as they are stored, and the port that stores them. */

import type { AuditEvent } from './audit.ts';
import type { Page, PageWanted } from './pages.ts';

export const provisioningStandards = ['iso15118-2', 'iso15118-20'] as const;
export type ProvisioningStandard = (typeof provisioningStandards)[number];

/**
 * `replaced` by another certificate of the same PCID and standard, or `deleted`; both for good.
 * That it has expired or is revoked is asked at use, never stored.
 */
export const provisioningStates = ['registered', 'replaced', 'deleted'] as const;
export type ProvisioningState = (typeof provisioningStates)[number];

/** What a maker has registered of a vehicle: to whom its contract keys are encrypted. */
export interface ProvisioningCertificate {
  readonly id: string;
  /** The maker. */
  readonly organizationId: string;
  /** In normal form: upper case, without separators. */
  readonly pcid: string;
  readonly standard: ProvisioningStandard;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER of those between it and the trust anchor: its issuer's first, no root. */
  readonly subCertificates: readonly Uint8Array[];
  /** The SubjectPublicKeyInfo of the certificate, DER. */
  readonly spki: Uint8Array;
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly sha256: string;
  /** 56 octets (RFC 7748 5), beside a certificate for Ed448, whose key agrees on nothing. */
  readonly x448PublicKey?: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly registeredAt: Date;
}

/** Of whatever state. */
export interface ProvisioningRecord extends ProvisioningCertificate {
  readonly state: ProvisioningState;
  /** The id of the one that it has taken the place of. */
  readonly replaces?: string;
  /** When it was replaced or deleted. */
  readonly endedAt?: Date;
}

/** Narrows a listing; every given field must hold. */
export interface ProvisioningFilter {
  readonly organizationId?: string;
  readonly pcid?: string;
  readonly standard?: ProvisioningStandard;
  readonly state?: ProvisioningState;
  readonly expiresBefore?: Date;
}

/**
 * For the log of every operator that has contracts in force for the vehicle and standard, where
 * there is one; which `contracts` these are is added to the details.
 */
export type OperatorsEvent = Omit<AuditEvent, 'organizationId' | 'counterpart'>;

export interface ProvisioningStore {
  /**
   * Registers a certificate, in place of the one that is registered for its PCID and standard.
   * @param command.replaces the id of that one; left out where there is none
   * @returns and nothing is written: `taken` when the PCID is registered by another organization,
   *   for whichever standard; `changed` when what is registered is not what `replaces` says (any
   *   more)
   */
  register(command: {
    readonly certificate: ProvisioningCertificate;
    readonly replaces?: string;
    /** For the new one and the one that it replaces. */
    readonly audit: readonly AuditEvent[];
    readonly forOperators: OperatorsEvent;
  }): Promise<'registered' | 'taken' | 'changed'>;

  /** @returns `unchanged`, and nothing is written, for one that is not registered */
  deleteRegistered(command: {
    readonly id: string;
    readonly audit: AuditEvent;
    readonly forOperators: OperatorsEvent;
  }): Promise<'deleted' | 'unchanged'>;

  /** Of whatever state. */
  findProvisioning(id: string): Promise<ProvisioningRecord | undefined>;
  /** What is registered now. @param pcid in normal form */
  findByPcid(
    pcid: string,
    standard: ProvisioningStandard,
  ): Promise<ProvisioningCertificate | undefined>;
  /** What is registered now. @param sha256 lower-case hex */
  findBySha256(sha256: string): Promise<ProvisioningCertificate | undefined>;

  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listProvisioning(filter: ProvisioningFilter, page: PageWanted): Promise<Page<ProvisioningRecord>>;
}
