/** The columns of each table as the drivers return them. */

import type { AcceptedReason } from '../pki/lifecycle.ts';
import type { RootType } from '../pki/profile.ts';
import type { AuthorityState } from '../services/authority-records.ts';
import type { CertificateState, EnrolmentState } from '../services/certificate-records.ts';
import type {
  BundleCurve,
  BundleReason,
  ContractState,
  PncStandard,
} from '../services/contract-records.ts';
import type { ProvisioningStandard, ProvisioningState } from '../services/provisioning-records.ts';

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

export interface ActiveDeclarationsRow {
  id: number;
  sha256: string;
  process_id: string;
  activated_at: string;
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

export interface ProvisioningRow {
  id: string;
  organization_id: string;
  pcid: string;
  standard: ProvisioningStandard;
  state: ProvisioningState;
  certificate: Buffer;
  /** JSON: a list of DER in base64, the issuer of the leaf first. */
  sub_certificates: string;
  spki: Buffer;
  sha256: string;
  x448_public_key: Buffer | null;
  not_before: string;
  not_after: string;
  registered_at: string;
  ended_at: string | null;
  replaces: string | null;
}

export interface PcidClaimRow {
  pcid: string;
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

export interface EnrolmentSecretRow {
  id: string;
  organization_id: string;
  label: string;
  common_name: string;
  secret_sha256: string;
  created_by: string;
  created_at: string;
  expires_at: string;
  withdrawn_at: string | null;
  /** What it was used for last, abandoned or not. */
  certificate_id: string | null;
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

export interface ClientCertificateRow {
  /** SHA-256 of the certificate, hex. */
  sha256: string;
  client_id: string;
  certificate: Buffer;
  subject: string;
  not_before: string;
  not_after: string;
  added_at: string;
}

export interface ApiClientRow {
  id: string;
  organization_id: string;
  name: string;
  roles: string;
  secret_sha256: string;
  created_at: string;
  old_secret_sha256: string | null;
  old_secret_until: string | null;
  expires_at: string | null;
  disabled_at: string | null;
  last_used_at: string | null;
}

export interface TokenKeyRow {
  generation: StoredInteger;
  key_id: string;
  spki: Buffer;
  envelope: Buffer;
  created_at: string;
  signs_from: string;
}

export interface BootstrapRow {
  id: StoredInteger;
  secret_sha256: string;
  expires_at: string;
  used_at: string | null;
}

export interface AuditStreamRow {
  stream: string;
  sequence: StoredInteger;
  hash: Buffer;
  created_at: string;
}

export interface AuditEntryRow {
  stream: string;
  sequence: StoredInteger;
  at: string;
  organization_id: string;
  actor: string;
  action: string;
  subject: string;
  details: string;
  hash: Buffer;
}

export interface AuditKeyRow {
  generation: StoredInteger;
  key_id: string;
  spki: Buffer;
  envelope: Buffer;
  created_at: string;
}

export interface AuditCheckpointRow {
  number: StoredInteger;
  at: string;
  previous: Buffer;
  heads_hash: Buffer;
  key_sha256: Buffer;
  signature: Buffer;
}

export interface AuditCheckpointHeadRow {
  stream: string;
  sequence: StoredInteger;
  hash: Buffer;
  number: StoredInteger;
  /** The checkpoint in which the stream's next head is; null for the latest one. */
  next_number: StoredInteger | null;
}

export interface VaultRow {
  id: StoredInteger;
  salt: Buffer;
  cost_n: StoredInteger;
  block_size: StoredInteger;
  parallelization: StoredInteger;
  check_value: Buffer;
}

export interface BlockedKeyRow {
  spki_sha256: string;
  reason: string;
  created_at: string;
}

export interface KeyClaimRow {
  spki_sha256: string;
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

export interface CpsSignerRow {
  id: string;
  authority_id: string;
  issuer_id: string;
  /** Which of the authority's signers it is. */
  number: StoredInteger;
  key_id: string;
  key_algorithm: string;
  spki: Buffer;
  created_at: string;
  certificate_id: string | null;
}

export interface CrlSegmentRow {
  issuer_id: string;
  segment: string;
  /** The issuer's sequence number from before its entries were read. */
  sequence: StoredInteger;
  entries: Buffer;
}

/** The CRL that is published. */
export interface CrlRow {
  issuer_id: string;
  number: StoredInteger;
  this_update: string;
  next_update: string;
  sequence: StoredInteger;
  length: StoredInteger;
  chunks: StoredInteger;
}

export interface CrlChunkRow {
  issuer_id: string;
  number: StoredInteger;
  chunk: StoredInteger;
  bytes: Buffer;
}

export interface JobRow {
  name: string;
  due_at: string;
  lease_owner: string | null;
  lease_until: string | null;
  /** A time that was asked for while somebody held it. */
  asked_at: string | null;
}

export interface IdempotencyKeyRow {
  principal: string;
  operation: string;
  key_sha256: string;
  request_sha256: string;
  /** While somebody works on it. */
  lease_owner: string | null;
  lease_until: string | null;
  expires_at: string;
  /** From here on: the answer, once there is one. */
  status: StoredInteger | null;
  location: string | null;
  content_type: string | null;
  body: string | null;
  without_body: StoredInteger;
}

export interface ClockMarkRow {
  id: StoredInteger;
  latest: string;
}

/** What a car with several contracts has got in a session. */
export interface InstallationSessionRow {
  key: string;
  request_sha256: string;
  /** JSON list of ids of contracts. */
  delivered: string;
  updated_at: string;
}

export interface ContractRow {
  id: string;
  organization_id: string;
  /** As the mobility operator writes it, without separators. */
  emaid: string;
  /** The same without its check digit. */
  account: string;
  pcid: string;
  standard: PncStandard;
  authority_id: string | null;
  profile: string | null;
  validity_days: StoredInteger | null;
  state: 'pending' | ContractState;
  is_default: StoredBoolean;
  priority: StoredInteger;
  created_at: string;
  /** Of its state. */
  changed_at: string;
  reason: string | null;
}

export interface ContractBundleRow {
  id: string;
  contract_id: string;
  generation: StoredInteger;
  certificate_id: string | null;
  /** Only of those that evpki has not issued. */
  certificate: Buffer | null;
  not_before: string;
  not_after: string;
  /** JSON: base64 of each, the issuer of the certificate first. */
  sub_certificates: string;
  dh_public_key: Buffer;
  encrypted_private_key: Buffer;
  curve: BundleCurve;
  recipient_sha256: string;
  reason: BundleReason;
  created_at: string;
}
