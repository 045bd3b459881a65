/** What the installation of contracts takes and gives: see `installation.ts`. */

import type { FailureReason } from '../iso15118/installation/failures.ts';
import type { LenientReading } from '../iso15118/signature/lenient-readings.ts';
import type { Principal } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Clock } from './clock.ts';
import type { Contract } from './contract-records.ts';
import type { InstallationCarParts } from './installation-cars.ts';
import type { InstallationBundleParts } from './installation-contracts.ts';
import type { InstallationSessionStore } from './installation-sessions.ts';
import type { CpsParts } from './installation-signing.ts';
import type { Logger } from './logger.ts';

/** What cars of ISO 15118-20 need beside. */
interface Iso20Parts {
  readonly sessions: InstallationSessionStore;
}

export interface InstallationParts
  extends InstallationCarParts,
    InstallationBundleParts,
    CpsParts,
    Iso20Parts {
  readonly audit: AuditWriter;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type InstallationAction = 'Install' | 'Update';

export interface InstallationCommand {
  readonly principal: Principal;
  readonly standard: 'iso15118-2' | 'iso15118-20';
  /** What the caller says that the car asks for; without, the message alone says it. */
  readonly action?: InstallationAction;
  /** Without V2GTP header. */
  readonly exi: Uint8Array;
  /** How many contracts the charger lets a car take at a time (OCPP 2.1). */
  readonly maximumContractCertificateChains?: number;
  /** In the order of the charger's caller (OCPP 2.1); the car's own order is in the EXI. */
  readonly prioritizedEmaids?: readonly string[];
}

/** What the car is told, and what the caller is told about it. */
export interface InstallationAnswer {
  /** For the car. */
  readonly exi: Uint8Array;
  /** The one in the EXI. */
  readonly responseCode: string;
  /** Lenient readings that the request needed. */
  readonly readings: readonly LenientReading[];
  /** Present if the car gets one. */
  readonly contract?: Pick<Contract, 'id' | 'organizationId' | 'emaid' | 'pcid'>;
  /** Whose provisioning service has signed it, and its certificate. */
  readonly signedBy?: { readonly organizationId: string; readonly certificateId: string };
  /** How many more the car could ask for (-20). */
  readonly remainingContracts?: number;
  /** Present if it gets none. */
  readonly failure?: InstallationFailure;
}

export interface InstallationFailure {
  readonly reason: FailureReason;
  /** For people: the caller, whose charger it is. No secrets, and nothing about other cars. */
  readonly message: string;
  /** The PCID, as soon as the car has proven to have its key. */
  readonly pcid?: string;
}
