/** What an operator watches in the database: read as a whole, every now and then. */

/** A published CRL, as far as it can grow old. */
export interface CrlObservation {
  readonly issuerId: string;
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

export interface Observation {
  /** Certificates that are being made at this moment. */
  readonly pendingCertificates: number;
  /** The CRLs that end first, at most as many as were asked for. */
  readonly crls: readonly CrlObservation[];
  /** When the first of the issuers that sign ends; undefined where none does. */
  readonly firstIssuerEnd?: Date;
}

export interface ObservationStore {
  observe(maxCrls: number): Promise<Observation>;
}
