/** Plug & Charge contracts and their bundles as they are stored; the port is `contract-store.ts`. */

import type { AuditEvent } from './audit.ts';

/** The two standards, each with keys and messages of its own. */
export type PncStandard = 'iso15118-2' | 'iso15118-20';
export type ContractState = 'active' | 'suspended' | 'ended';

/**
 * How many contracts that have not ended a car has at most, for each standard: as many of one operator
 * as a car of -20 can name in its order, and of all so many that a car that asks waits for none of
 * those that look through them ([ADR 19](../../docs/adr/0019-contracts-and-bundles.md)).
 */
export const contractLimits = { ofOperator: 8, ofCar: 64 } as const;

/** What a mobility operator has agreed with a driver, for one car and one standard. */
export interface Contract {
  readonly id: string;
  /** The mobility operator. */
  readonly organizationId: string;
  /** Upper case without separators; with its check digit if the operator writes it so. */
  readonly emaid: string;
  /** In normal form. */
  readonly pcid: string;
  readonly standard: PncStandard;
  /** What certifies it; undefined for those whose bundles are brought from elsewhere. */
  readonly issuing?: { readonly authorityId: string; readonly profile: string };
  /** How long each of its certificates holds, from its notBefore; as the profile says without. */
  readonly validityDays?: number;
  readonly state: ContractState;
  /** The contract that a car gets that takes one only. */
  readonly isDefault: boolean;
  /** 0 to 100; the higher comes first. */
  readonly priority: number;
  readonly createdAt: Date;
  /** Since when it is in its state, and what was said about it. */
  readonly changedAt: Date;
  readonly reason?: string;
}

export type BundleReason = 'created' | 'renewed' | 're-registered' | 'update';
export type BundleCurve = 'P-256' | 'SECP521' | 'X448';

/** The parts of a bundle that are there before its certificate is. */
export interface SealedBundle {
  readonly id: string;
  readonly contractId: string;
  /** Counted from 1. */
  readonly generation: number;
  /** DER, the issuer of the contract certificate first, without root. */
  readonly subCertificates: readonly Uint8Array[];
  /** As the message carries it. */
  readonly dhPublicKey: Uint8Array;
  readonly encryptedPrivateKey: Uint8Array;
  readonly curve: BundleCurve;
  /** SHA-256, hex, of the SubjectPublicKeyInfo that the key is encrypted for. */
  readonly recipientSha256: string;
  readonly reason: BundleReason;
  readonly createdAt: Date;
}

/** All that a car needs of a contract, but for the signature of the CPS. */
export interface Bundle extends SealedBundle {
  /** The row of its certificate; undefined where evpki has not issued it. */
  readonly certificateId?: string;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Of one that others have issued evpki knows nothing but that the contract goes on. */
  readonly certificateState: 'issued' | 'held' | 'revoked';
  /** Whether one of our authorities above its certificate is: nobody trusts what that has signed. */
  readonly authorityRevoked: boolean;
}

/** A bundle that was made elsewhere. */
export type BroughtBundle = SealedBundle & Pick<Bundle, 'certificate' | 'notBefore' | 'notAfter'>;

/** A bundle whose certificate is being issued: see `IssuanceStore.recordPending`. */
export interface BundleToIssue {
  readonly bundle: SealedBundle;
  /** The registration of the car; nothing is written when it is the car's no more. */
  readonly registrationId: string;
  /** The contract that begins with it; without, it is one more bundle of one on record. */
  readonly contract?: Contract;
  /** Whether the new contract becomes the default of its car. */
  readonly makesDefault?: boolean;
  /** That the certificates of former bundles are revoked as superseded; when a CRL is due then. */
  readonly revokesFormer?: { readonly crlDue: Date };
  /** What is recorded once the certificate is issued; its id is added. */
  readonly audit: readonly AuditEvent[];
}
