/** What the caller of a validation asks for, beyond RFC 5280's defaults. */

import type { Certificate } from '../certificate.ts';
import type { PolicyInput } from './policy-graph.ts';

/** Departures from RFC 5280 that a caller may let pass, by the reason to do so. */
export const tolerances = {
  /**
   * Authority and subject key identifier and authority information access may be critical, as
   * ISO 15118-20 Annex B wants them and RFC 5280 4.2.1.1, 4.2.1.2 and 4.2.2.1 do not.
   */
  'critical-information': 'ISO 15118-20 Annex B',
  /** They may be missing: they help to find issuers and prove nothing. */
  'missing-key-identifiers': 'certificates in the field',
  /** An anchor may have expired: it is trusted as configured, RFC 5280 6.1.1 (d) knows no end. */
  'expired-anchor': 'anchors that outlive their certificate',
} as const;

export type Tolerance = keyof typeof tolerances;

/** What chains of cars and contracts are read with. */
export const chargingTolerances: readonly Tolerance[] = [
  'critical-information',
  'missing-key-identifiers',
];

export type CertificateStatus = 'good' | 'revoked' | 'unknown';

export interface PathRules {
  readonly at: Date;
  /** A key purpose by its name in `oids.keyPurposes`, or dotted. Any when absent. */
  readonly purpose?: string;
  readonly tolerated?: readonly Tolerance[];
  /**
   * How many authorities may stand between leaf and anchor, self-issued ones not counted, as if
   * each anchor had this path length. ISO 15118-2 allows two ([V2G2-009]). Any number when absent.
   */
  readonly maximumPathLength?: number;
  readonly policies?: PolicyInput;
  /**
   * What is known of a certificate's revocation, from facts that the caller has gathered. Asked
   * only for paths that are good but for their time, from the leaf up, once for each pair, never for an
   * anchor.
   */
  readonly statusOf?: (certificate: Certificate, issuer: Certificate) => CertificateStatus;
}
