/**
 * What a process remembers of the CPS signers. Nothing in here says that a signer may be used: the
 * database is asked that each time.
 */

import type { Certificate } from '../pki/certificate.ts';
import type { Signer } from '../pki/signer.ts';
import type { CpsStandard } from './cps-records.ts';

/** What stands above the certificates of an issuer; it never changes. */
export interface CpsPlace {
  /** DER: the issuer's certificate and those above it, nearest first, without the root. */
  readonly subCertificates: readonly Uint8Array[];
  readonly root: Certificate;
  /** Whether somebody has brought the root: it is none of this evpki. */
  readonly isExternal: boolean;
  /** Whose authority the issuer is. */
  readonly organizationId: string;
  /** Undefined when the issuer's key is one that no vehicle takes. */
  readonly standard: CpsStandard | undefined;
  /** When the first of all these ends. */
  readonly notAfter: Date;
}

export interface CpsMemory {
  /** By issuer id. Undefined for an issuer that no car can be shown: see `placeOf`. */
  readonly places: Map<string, CpsPlace | undefined>;
  /** By signer id: the keys that are opened. */
  readonly opened: Map<string, Promise<Signer>>;
  /** By issuer id: signers that are being made. */
  readonly making: Map<string, Promise<Date | undefined>>;
}

export const createCpsMemory = (): CpsMemory => ({
  places: new Map(),
  opened: new Map(),
  making: new Map(),
});
