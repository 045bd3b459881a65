/** The port that stores contracts and bundles, but for what comes with a pending certificate. */

import type { AuditEvent } from './audit.ts';
import type {
  BroughtBundle,
  Bundle,
  Contract,
  ContractState,
  PncStandard,
} from './contract-records.ts';
import type { Page, PageWanted } from './pages.ts';

export interface ContractFilter {
  readonly organizationId?: string;
  /** Found with and without its check digit. */
  readonly emaid?: string;
  readonly pcid?: string;
  readonly state?: ContractState;
}

export interface ContractStore {
  findContract(id: string): Promise<Contract | undefined>;
  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listContracts(filter: ContractFilter, page: PageWanted): Promise<Page<Contract>>;
  /** Those that have not ended: the default first, then by priority, then the oldest. */
  contractsOfCar(pcid: string, standard: PncStandard): Promise<Contract[]>;
  /**
   * The contract with this EMAID, in whatever spelling and state, that has a bundle with this
   * certificate (DER).
   */
  findByCertificate(emaid: string, certificate: Uint8Array): Promise<Contract | undefined>;
  /** Those that have a certificate, newest first. */
  listBundles(contractId: string): Promise<Bundle[]>;

  /**
   * @param command.registrationId the registration that the car had when the bundle was checked
   * @returns `exists` when there is one, or one is being made, for EMAID, car and standard;
   *   `vehicle-changed` when the car has that registration no more; `car-full` as `contractLimits` say
   */
  createBrought(command: {
    readonly contract: Contract;
    readonly bundle: BroughtBundle;
    readonly registrationId: string;
    readonly makesDefault: boolean;
    readonly audit: readonly AuditEvent[];
  }): Promise<'created' | 'exists' | 'vehicle-changed' | 'car-full'>;
  /**
   * @param command.supersedes that the certificates of the bundles before it, where they were issued
   *   here to the contract's organization, are revoked as superseded; when a CRL is due then. But for
   *   the one that it brings itself, and those that another contract depends on. Of what is not
   *   revoked and has not ended the entry says the SHA-256, as `formerLeft`
   * @returns `not-active`, `outrun` when there is a bundle of this generation, or
   *   `vehicle-changed` as with `createBrought`
   */
  addBrought(command: {
    readonly bundle: BroughtBundle;
    readonly registrationId: string;
    readonly supersedes?: { readonly crlDue: Date };
    readonly audit: AuditEvent;
  }): Promise<
    | { readonly outcome: 'added'; readonly statuses: readonly ChangedStatus[] }
    | { readonly outcome: 'not-active' | 'outrun' | 'vehicle-changed' }
  >;

  /**
   * Changes the place of a contract among those of its car. A new default takes the place of the
   * former one, of whatever organization, in whose log it stands then too.
   * @returns `ended`, and nothing changed, when the contract has ended or was never there;
   *   `not-active` likewise, when it is to be the default and is suspended
   */
  changeRank(command: {
    readonly id: string;
    readonly isDefault?: boolean;
    readonly priority?: number;
    readonly audit: AuditEvent;
  }): Promise<'changed' | 'ended' | 'not-active'>;

  /**
   * Suspends, resumes or ends a contract together with its certificates, in one transaction: held,
   * released, or revoked as cessationOfOperation; those of bundles that were brought, too, where they
   * were issued here to its organization. What is being issued for it is abandoned. Resuming releases
   * what suspending has held and nothing else.
   * @param command.keepsBrought leaves the certificates of bundles that were brought as they are
   * @returns `stale`, and nothing changed, when the contract is in none of the states `from`
   */
  changeState(command: {
    readonly id: string;
    readonly from: readonly ContractState[];
    readonly to: ContractState;
    readonly reason?: string;
    readonly keepsBrought?: boolean;
    readonly crlDue: Date;
    readonly audit: AuditEvent;
  }): Promise<
    | { readonly outcome: 'changed'; readonly statuses: readonly ChangedStatus[] }
    | { readonly outcome: 'stale' }
  >;
}

/** A certificate whose status has changed, and the issuer's sequence number that covers it. */
export interface ChangedStatus {
  readonly issuerId: string;
  readonly serial: string;
  readonly sequence: number;
}
