/**
 * The columns of each table as the drivers return them: here those of organizations, authorities,
 * certificates, stations and webhooks; the others, by their story, in `rows/`.
 */

import type { AcceptedReason } from '../pki/lifecycle.ts';
import type { RootType } from '../pki/profile.ts';
import type { AuthorityState } from '../services/authority-records.ts';
import type { CertificateState, EnrolmentState } from '../services/certificate-records.ts';
import type { StationEnrolment } from '../services/station-records.ts';

/** SQLite has no booleans; it returns 0 and 1. */
export type StoredBoolean = boolean | number;

/** node-postgres returns 64-bit integers as text. */
export type StoredInteger = number | string;

export interface OrganizationRow {
  id: string;
  name: string;
  country: string | null;
  roles: string;
  stations_on_first_sight: StoredBoolean;
  wmis: string;
  providers: string;
  operators: string;
  created_at: string;
  updated_at: string;
}

export interface AuthorityRow {
  id: string;
  title: string;
  organization_id: string;
  profile: string;
  parent_id: string | null;
  external: StoredBoolean;
  key_algorithm: string;
  state: AuthorityState;
  /** The proposal by which its key was handed out. */
  export_proposal: string | null;
}

export interface AuthorityGrantRow {
  authority_id: string;
  organization_id: string;
  created_at: string;
}

export interface KeyRow {
  key_id: string;
  authority_id: string;
  envelope: Buffer;
}

export interface IssuerRow {
  id: string;
  authority_id: string;
  generation: StoredInteger;
  state: AuthorityState;
  key_id: string;
  key_algorithm: string;
  spki: Buffer;
  spki_sha256: string;
  subject: Buffer;
  public_url: string;
  request: Buffer | null;
  certificate_id: string | null;
  /** The number of its latest status change; 0 before the first. */
  status_sequence: StoredInteger;
  /** The latest CRL number that was given away. */
  crl_number: StoredInteger;
}

export interface CertificateRow {
  id: string;
  organization_id: string;
  issuer_id: string | null;
  serial: string;
  state: CertificateState;
  subject: string;
  /** Folded as `names.ts` compares names; empty where the subject has none. */
  common_name: string;
  profile: string;
  profile_hash: string;
  spki_sha256: string;
  tbs_sha256: string | null;
  not_before: string;
  not_after: string;
  created_at: string;
  der: Buffer | null;
  station_id: string | null;
  lease_owner: string | null;
  lease_until: string | null;
  revoked_at: string | null;
  revocation_reason: AcceptedReason | null;
  /** Where CRLs list it; null until its status has changed. */
  crl_segment: string | null;
  /** The issuer's number for the latest change of its status. */
  status_sequence: StoredInteger;
}

/** A certificate's status columns before its status has ever changed. */
export const statusUnchanged = {
  revoked_at: null,
  revocation_reason: null,
  crl_segment: null,
  status_sequence: 0,
} as const;

export interface EnrolmentRequestRow {
  id: string;
  organization_id: string;
  authority_id: string;
  profile: string;
  requester: string;
  channel: string;
  csr: Buffer;
  state: EnrolmentState;
  created_at: string;
  repeat_key: string | null;
  repeat_until: string | null;
  certificate_id: string | null;
  violations: string | null;
  station_id: string | null;
  subject: string | null;
  not_after: string | null;
  renews: string | null;
  /** Not null for those that had, or have, to be approved. */
  approve_until: string | null;
  decided_by: string | null;
  decided_at: string | null;
  rejection_reason: string | null;
}

export interface StationRow {
  organization_id: string;
  id: string;
  serial_number: string | null;
  secc_id: string | null;
  evse_ids: string;
  certificate_type: string | null;
  security_profile: StoredInteger | null;
  chain_includes_root: StoredBoolean | null;
  chain_maximum_size: StoredInteger | null;
  enrolment: StationEnrolment;
  created_at: string;
  last_seen_at: string | null;
}

export interface WebhookEndpointRow {
  id: string;
  organization_id: string;
  url: string;
  /** JSON, in the order of `webhookEventNames`. */
  events: string;
  created_at: string;
  delivered_at: string | null;
  failed_at: string | null;
  failure: string | null;
}

export interface WebhookDeliveryRow {
  endpoint_id: string;
  stream: string;
  sequence: StoredInteger;
  event: string;
  body: string;
  created_at: string;
  attempts: StoredInteger;
  due_at: string;
}

export interface StationEvseRow {
  organization_id: string;
  /** Upper case without asterisks. */
  evse_id: string;
  station_id: string;
}

export interface TrustAnchorRow {
  id: string;
  organization_id: string;
  sha256: string;
  certificate: Buffer;
  subject: string;
  /** SHA-256 of the canonical name, hex. */
  name_key: string;
  not_before: string;
  not_after: string;
  /** JSON, in the order of `anchorPurposes`. */
  purposes: string;
  /** As what the pool of roots lists it; not at all without. */
  root_type: RootType | null;
  added_at: string;
  removed_at: string | null;
}

/** Of an issuer, or of a trust anchor, that the log says of that it has ended. */
export interface NotedRootEndRow {
  root_id: string;
  noted_at: string;
}

export interface BlockedKeyRow {
  spki_sha256: string;
  reason: string;
  created_at: string;
}

export interface KeyClaimRow {
  spki_sha256: string;
}

/** A root that is not ours, by the name and serial number that mean it. */
export interface RootClaimRow {
  identity: string;
  sha256: string;
}

export interface NameClaimRow {
  organization_id: string;
  /** Folded. */
  common_name: string;
}

export interface OcspSignerRow {
  id: string;
  issuer_id: string;
  key_id: string;
  key_algorithm: string;
  spki: Buffer;
  created_at: string;
  certificate_id: string | null;
}
