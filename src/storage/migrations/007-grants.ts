/** Authorities that other organizations may be under, and which declarations are in force. */

import type { Migration } from './migration.ts';

export const grants: Migration = {
  version: 7,
  name: 'grants',
  statements: ({ text, integer, table }) => [
    `CREATE TABLE authority_grants (
      authority_id ${text} NOT NULL REFERENCES authorities (id),
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      created_at ${text} NOT NULL,
      PRIMARY KEY (authority_id, organization_id)
    ) ${table}`,
    `CREATE INDEX authority_grants_organization ON authority_grants (organization_id)`,
    // What was declared across organizations before there were grants keeps working.
    `INSERT INTO authority_grants (authority_id, organization_id, created_at)
      SELECT DISTINCT above.id, below.organization_id, organizations.created_at
      FROM authorities below
      JOIN authorities above ON above.id = below.parent_id
      JOIN organizations ON organizations.id = below.organization_id
      WHERE above.organization_id <> below.organization_id`,

    `CREATE TABLE active_declarations (
      id ${integer} PRIMARY KEY CHECK (id = 1),
      sha256 ${text} NOT NULL,
      process_id ${text} NOT NULL,
      activated_at ${text} NOT NULL
    ) ${table}`,
  ],
};
