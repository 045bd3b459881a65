/** Rows of who may call, and with what they prove it. */

import type { StoredInteger } from '../rows.ts';

export interface ApiClientRow {
  id: string;
  organization_id: string;
  name: string;
  roles: string;
  secret_sha256: string;
  created_at: string;
  /** As audit entries name it. */
  created_by: string | null;
  old_secret_sha256: string | null;
  old_secret_until: string | null;
  expires_at: string | null;
  disabled_at: string | null;
  last_used_at: string | null;
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
