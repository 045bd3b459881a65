/** The signers of the certificate provisioning service as stored, and the port that stores them. */

import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { KeyEnvelope } from './authority-records.ts';

/** The job that makes and renews them. */
export const CPS_SIGNERS_JOB = 'cps-signers';

export type CpsStandard = 'iso15118-2' | 'iso15118-20';

/** A key that signs contract data for cars, with its certificate. */
export interface CpsSigner {
  readonly id: string;
  readonly authorityId: string;
  /** That of the authority, and so of the certificate. */
  readonly organizationId: string;
  readonly issuerId: string;
  readonly keyId: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly spki: Uint8Array;
  readonly certificateId: string;
  readonly certificate: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A signer whose certificate is held or revoked is none: no method returns it. */
export interface CpsSignerStore {
  /**
   * Those of all authorities whose certificate is valid at this moment, with no authority above it
   * that is revoked; the longest valid first.
   */
  signersAt(moment: Date): Promise<CpsSigner[]>;
  /** The signer of this issuer whose certificate ends last; undefined while there is none. */
  newestSigner(issuerId: string): Promise<CpsSigner | undefined>;
  /** Ids of the active issuers of all authorities with one of these profiles. */
  activeIssuers(profiles: readonly string[]): Promise<string[]>;
  /**
   * Stores a signer's sealed key before it is certified.
   * @returns which of the authority's signers it is, counted from 1; the same for no two
   */
  createSigner(command: {
    readonly id: string;
    readonly authorityId: string;
    readonly issuerId: string;
    readonly keyAlgorithm: KeyAlgorithm;
    readonly spki: Uint8Array;
    readonly key: KeyEnvelope;
    readonly createdAt: Date;
  }): Promise<number>;
  /** Puts a signer to work with its certificate, which is a row by then. */
  activateSigner(id: string, certificateId: string): Promise<void>;
}
