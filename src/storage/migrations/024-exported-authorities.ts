/** Authorities whose key was handed out, and serial numbers of theirs whose certificate nobody has seen. */

import type { Migration } from './migration.ts';

// One proposal hands out one key. What was revoked by its serial number alone is a certificate of no
// octets: SQLite cannot change the rule that what is revoked has some.
export const exportedAuthorities: Migration = {
  version: 24,
  name: 'exported-authorities',
  statements: ({ text }) => [
    `ALTER TABLE authorities ADD COLUMN export_proposal ${text} REFERENCES proposals (id)`,
    `CREATE UNIQUE INDEX authorities_export_proposal ON authorities (export_proposal)`,
  ],
};
