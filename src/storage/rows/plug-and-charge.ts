/** Rows of Plug & Charge: vehicles, contracts, their bundles and who signs these. */

import type {
  BundleCurve,
  BundleReason,
  ContractState,
  PncStandard,
} from '../../services/contract-records.ts';
import type {
  ProvisioningStandard,
  ProvisioningState,
} from '../../services/provisioning-records.ts';
import type { StoredBoolean, StoredInteger } from '../rows.ts';

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

/** What a car with several contracts has got in a session. */
export interface InstallationSessionRow {
  key: string;
  request_sha256: string;
  /** JSON list of ids of contracts. */
  delivered: string;
  updated_at: string;
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
