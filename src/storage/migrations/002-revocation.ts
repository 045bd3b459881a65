/** Status changes in the order of their sequence numbers, OCSP signers, CRLs and jobs. */

import type { ColumnTypes, Migration } from './migration.ts';

export const revocation: Migration = {
  version: 2,
  name: 'revocation',
  statements: (types) => [
    ...statuses(types),
    ...ocspSigners(types),
    ...crls(types),
    ...jobs(types),
  ],
};

const ended = `state IN ('held', 'revoked')`;
// RFC 5280 5.3.1 without removeFromCRL, which no full CRL has, and aACompromise.
const reasons = `('unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged',
  'superseded', 'cessationOfOperation', 'certificateHold', 'privilegeWithdrawn')`;

// What is held or revoked says since when, why, and where the CRL lists it; nothing else does. The
// segment stays after a hold: it has to be encoded again then.
const statuses = ({ text, integer }: ColumnTypes) => [
  `ALTER TABLE certificates ADD COLUMN revoked_at ${text}
    CHECK ((${ended}) = (revoked_at IS NOT NULL))`,
  `ALTER TABLE certificates ADD COLUMN revocation_reason ${text}
    CHECK (revocation_reason IN ${reasons})
    CHECK ((${ended}) = (revocation_reason IS NOT NULL))`,
  `ALTER TABLE certificates ADD COLUMN crl_segment ${text}
    CHECK (NOT (${ended}) OR crl_segment IS NOT NULL)`,
  `ALTER TABLE certificates ADD COLUMN status_sequence ${integer} NOT NULL DEFAULT 0
    CHECK (status_sequence >= 0)`,

  // Both are small beside the table and hold all that is asked of them, so that a CRL is made
  // without fetching certificates.
  `CREATE INDEX certificates_revoked ON certificates
    (issuer_id, crl_segment, serial, not_after, revoked_at, revocation_reason)
    WHERE revoked_at IS NOT NULL`,
  `CREATE INDEX certificates_status_sequence ON certificates
    (issuer_id, status_sequence, serial, crl_segment)
    WHERE status_sequence > 0`,

  `ALTER TABLE issuers ADD COLUMN status_sequence ${integer} NOT NULL DEFAULT 0
    CHECK (status_sequence >= 0)`,
  `ALTER TABLE issuers ADD COLUMN crl_number ${integer} NOT NULL DEFAULT 0
    CHECK (crl_number >= 0)`,
  `CREATE INDEX issuers_certificate_id ON issuers (certificate_id)`,
];

const ocspSigners = ({ text, bytes, table }: ColumnTypes) => [
  `CREATE TABLE ocsp_signers (
    id ${text} PRIMARY KEY,
    issuer_id ${text} NOT NULL REFERENCES issuers (id),
    key_id ${text} NOT NULL UNIQUE REFERENCES keys (key_id),
    key_algorithm ${text} NOT NULL,
    spki ${bytes} NOT NULL,
    created_at ${text} NOT NULL,
    certificate_id ${text} UNIQUE REFERENCES certificates (id)
  ) ${table}`,
  `CREATE INDEX ocsp_signers_issuer_id ON ocsp_signers (issuer_id)`,
];

const crls = ({ text, bytes, integer, table }: ColumnTypes) => [
  // A segment without entries stays as a row: it knows up to which change it is empty.
  `CREATE TABLE crl_segments (
    issuer_id ${text} NOT NULL REFERENCES issuers (id),
    segment ${text} NOT NULL,
    sequence ${integer} NOT NULL CHECK (sequence >= 0),
    entries ${bytes} NOT NULL,
    PRIMARY KEY (issuer_id, segment)
  ) ${table}`,

  `CREATE TABLE crls (
    issuer_id ${text} PRIMARY KEY REFERENCES issuers (id),
    number ${integer} NOT NULL CHECK (number >= 1),
    this_update ${text} NOT NULL,
    next_update ${text} NOT NULL,
    sequence ${integer} NOT NULL CHECK (sequence >= 0),
    length ${integer} NOT NULL CHECK (length >= 1),
    chunks ${integer} NOT NULL CHECK (chunks >= 1)
  ) ${table}`,

  `CREATE TABLE crl_chunks (
    issuer_id ${text} NOT NULL REFERENCES issuers (id),
    number ${integer} NOT NULL,
    chunk ${integer} NOT NULL CHECK (chunk >= 0),
    bytes ${bytes} NOT NULL,
    PRIMARY KEY (issuer_id, number, chunk)
  ) ${table}`,
];

const jobs = ({ text, table }: ColumnTypes) => [
  `CREATE TABLE jobs (
    name ${text} PRIMARY KEY,
    due_at ${text} NOT NULL,
    lease_owner ${text},
    lease_until ${text},
    asked_at ${text},
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK (asked_at IS NULL OR lease_owner IS NOT NULL)
  ) ${table}`,
  `CREATE INDEX jobs_claimable_at ON jobs (COALESCE(lease_until, due_at))`,
  // Issuers that were activated before there were jobs.
  ...['crl', 'ocsp-signer'].map(
    (kind) => `INSERT INTO jobs (name, due_at)
      SELECT '${kind}:' || id, '2000-01-01T00:00:00.000Z' FROM issuers
      WHERE certificate_id IS NOT NULL`,
  ),
];
