/** Organizations, authorities, certificates, requests, access, audit and the vault. */

import type { ColumnTypes, Migration } from './migration.ts';

export const foundation: Migration = {
  version: 1,
  name: 'foundation',
  statements: (types) => [
    ...organizations(types),
    ...authorities(types),
    ...certificates(types),
    ...access(types),
    ...audit(types),
    ...vault(types),
  ],
};

const authorityStates = `('awaiting-certificate', 'active', 'retired', 'revoked')`;

const organizations = ({ text, table }: ColumnTypes) => [
  `CREATE TABLE organizations (
    id ${text} PRIMARY KEY,
    name ${text} NOT NULL,
    country ${text},
    roles ${text} NOT NULL,
    created_at ${text} NOT NULL,
    updated_at ${text} NOT NULL
  ) ${table}`,
];

const authorities = ({ dialect, text, bytes, integer, boolean, table }: ColumnTypes) => [
  `CREATE TABLE authorities (
    id ${text} PRIMARY KEY,
    title ${text} NOT NULL,
    organization_id ${text} NOT NULL REFERENCES organizations (id),
    profile ${text} NOT NULL,
    parent_id ${text} REFERENCES authorities (id),
    external ${boolean} NOT NULL,
    key_algorithm ${text} NOT NULL,
    state ${text} NOT NULL CHECK (state IN ${authorityStates})
  ) ${table}`,

  `CREATE TABLE keys (
    key_id ${text} PRIMARY KEY,
    authority_id ${text} NOT NULL REFERENCES authorities (id),
    envelope ${bytes} NOT NULL
  ) ${table}`,

  // SQLite takes a reference to a table that comes later and cannot add one afterwards;
  // PostgreSQL is the other way round (see below the certificates).
  `CREATE TABLE issuers (
    id ${text} PRIMARY KEY,
    authority_id ${text} NOT NULL REFERENCES authorities (id),
    generation ${integer} NOT NULL CHECK (generation >= 1),
    state ${text} NOT NULL CHECK (state IN ${authorityStates}),
    key_id ${text} NOT NULL UNIQUE REFERENCES keys (key_id),
    key_algorithm ${text} NOT NULL,
    spki ${bytes} NOT NULL,
    spki_sha256 ${text} NOT NULL,
    subject ${bytes} NOT NULL,
    public_url ${text} NOT NULL,
    request ${bytes},
    certificate_id ${text} ${dialect === 'sqlite' ? 'REFERENCES certificates (id)' : ''},
    UNIQUE (authority_id, generation),
    CHECK (state <> 'active' OR certificate_id IS NOT NULL)
  ) ${table}`,
  `CREATE INDEX issuers_spki_sha256 ON issuers (spki_sha256)`,

  `CREATE TABLE issuer_chains (
    issuer_id ${text} NOT NULL REFERENCES issuers (id),
    position ${integer} NOT NULL CHECK (position >= 0),
    certificate ${bytes} NOT NULL,
    PRIMARY KEY (issuer_id, position)
  ) ${table}`,
];

const certificates = ({ dialect, text, bytes, table }: ColumnTypes) => [
  // What is issued has its bytes, and what is pending is leased: the database holds to that.
  `CREATE TABLE certificates (
    id ${text} PRIMARY KEY,
    organization_id ${text} NOT NULL REFERENCES organizations (id),
    issuer_id ${text} REFERENCES issuers (id),
    serial ${text} NOT NULL,
    state ${text} NOT NULL
      CHECK (state IN ('pending', 'abandoned', 'issued', 'held', 'revoked')),
    subject ${text} NOT NULL,
    profile ${text} NOT NULL,
    profile_hash ${text} NOT NULL,
    spki_sha256 ${text} NOT NULL,
    tbs_sha256 ${text},
    not_before ${text} NOT NULL,
    not_after ${text} NOT NULL,
    created_at ${text} NOT NULL,
    der ${bytes},
    station_id ${text},
    lease_owner ${text},
    lease_until ${text},
    UNIQUE (issuer_id, serial),
    CHECK ((state IN ('issued', 'held', 'revoked')) = (der IS NOT NULL)),
    CHECK (state <> 'pending' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL))
  ) ${table}`,
  ...(dialect === 'postgres'
    ? [`ALTER TABLE issuers ADD FOREIGN KEY (certificate_id) REFERENCES certificates (id)`]
    : []),
  `CREATE INDEX certificates_listing ON certificates (organization_id, created_at, id)`,
  `CREATE INDEX certificates_spki_sha256 ON certificates (spki_sha256)`,
  `CREATE INDEX certificates_not_after ON certificates (not_after)`,
  `CREATE INDEX certificates_lease ON certificates (lease_until) WHERE state = 'pending'`,

  `CREATE TABLE enrolment_requests (
    id ${text} PRIMARY KEY,
    organization_id ${text} NOT NULL REFERENCES organizations (id),
    authority_id ${text} NOT NULL REFERENCES authorities (id),
    profile ${text} NOT NULL,
    requester ${text} NOT NULL,
    channel ${text} NOT NULL,
    csr ${bytes} NOT NULL,
    state ${text} NOT NULL
      CHECK (state IN ('issuing', 'waiting-for-approval', 'issued', 'refused', 'abandoned')),
    created_at ${text} NOT NULL,
    repeat_key ${text} UNIQUE,
    repeat_until ${text},
    certificate_id ${text} UNIQUE REFERENCES certificates (id),
    violations ${text},
    station_id ${text},
    CHECK (state NOT IN ('issuing', 'issued') OR certificate_id IS NOT NULL)
  ) ${table}`,

  `CREATE TABLE blocked_keys (
    spki_sha256 ${text} PRIMARY KEY,
    reason ${text} NOT NULL,
    created_at ${text} NOT NULL
  ) ${table}`,
];

const access = ({ text, integer, table }: ColumnTypes) => [
  `CREATE TABLE api_clients (
    id ${text} PRIMARY KEY,
    organization_id ${text} NOT NULL REFERENCES organizations (id),
    name ${text} NOT NULL,
    roles ${text} NOT NULL,
    secret_sha256 ${text} NOT NULL,
    created_at ${text} NOT NULL
  ) ${table}`,

  `CREATE TABLE access_tokens (
    token_sha256 ${text} PRIMARY KEY,
    client_id ${text} NOT NULL REFERENCES api_clients (id),
    expires_at ${text} NOT NULL
  ) ${table}`,
  `CREATE INDEX access_tokens_expires_at ON access_tokens (expires_at)`,

  `CREATE TABLE bootstrap (
    id ${integer} PRIMARY KEY CHECK (id = 1),
    secret_sha256 ${text} NOT NULL,
    expires_at ${text} NOT NULL,
    used_at ${text}
  ) ${table}`,
];

const audit = ({ text, bytes, integer, table }: ColumnTypes) => [
  `CREATE TABLE audit_streams (
    stream ${text} PRIMARY KEY,
    sequence ${integer} NOT NULL,
    hash ${bytes} NOT NULL,
    created_at ${text} NOT NULL
  ) ${table}`,

  // No reference to organizations: the log takes what is said about things that do not exist.
  `CREATE TABLE audit_entries (
    stream ${text} NOT NULL REFERENCES audit_streams (stream),
    sequence ${integer} NOT NULL,
    at ${text} NOT NULL,
    organization_id ${text} NOT NULL,
    actor ${text} NOT NULL,
    action ${text} NOT NULL,
    subject ${text} NOT NULL,
    details ${text} NOT NULL,
    hash ${bytes} NOT NULL,
    PRIMARY KEY (stream, sequence)
  ) ${table}`,
];

const vault = ({ bytes, integer, table }: ColumnTypes) => [
  `CREATE TABLE vault (
    id ${integer} PRIMARY KEY CHECK (id = 1),
    salt ${bytes} NOT NULL,
    cost_n ${integer} NOT NULL,
    block_size ${integer} NOT NULL,
    parallelization ${integer} NOT NULL,
    check_value ${bytes} NOT NULL
  ) ${table}`,
];
