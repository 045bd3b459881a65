/** Provisioning certificates of vehicles, and whose vehicles and contracts organizations have. */

import type { Migration } from './migration.ts';

export const provisioning: Migration = {
  version: 12,
  name: 'provisioning',
  statements: ({ text, bytes, table }) => [
    `ALTER TABLE organizations ADD COLUMN wmis ${text} NOT NULL DEFAULT '[]'`,
    `ALTER TABLE organizations ADD COLUMN providers ${text} NOT NULL DEFAULT '[]'`,

    // What was replaced or deleted stays: bundles and audit entries speak of it.
    `CREATE TABLE provisioning_certificates (
      id ${text} PRIMARY KEY,
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      pcid ${text} NOT NULL,
      standard ${text} NOT NULL CHECK (standard IN ('iso15118-2', 'iso15118-20')),
      state ${text} NOT NULL CHECK (state IN ('registered', 'replaced', 'deleted')),
      certificate ${bytes} NOT NULL,
      sub_certificates ${text} NOT NULL,
      spki ${bytes} NOT NULL,
      sha256 ${text} NOT NULL,
      x448_public_key ${bytes},
      not_before ${text} NOT NULL,
      not_after ${text} NOT NULL,
      registered_at ${text} NOT NULL,
      ended_at ${text},
      replaces ${text} REFERENCES provisioning_certificates (id),
      CHECK ((state = 'registered') = (ended_at IS NULL)),
      CHECK (x448_public_key IS NULL OR standard = 'iso15118-20')
    ) ${table}`,
    `CREATE UNIQUE INDEX provisioning_certificates_registered
      ON provisioning_certificates (pcid, standard) WHERE state = 'registered'`,
    `CREATE INDEX provisioning_certificates_sha256 ON provisioning_certificates (sha256)`,
    `CREATE INDEX provisioning_certificates_listing
      ON provisioning_certificates (organization_id, registered_at, id)`,
    `CREATE INDEX provisioning_certificates_newest
      ON provisioning_certificates (registered_at, id)`,
    `CREATE INDEX provisioning_certificates_not_after
      ON provisioning_certificates (not_after) WHERE state = 'registered'`,

    // Says nothing itself: a vehicle is locked by writing its row, as keys and names are.
    `CREATE TABLE pcid_claims (
      pcid ${text} PRIMARY KEY
    ) ${table}`,
  ],
};
