/** Rows to lock while it is decided whose a key or a name is. */

import type { Migration } from './migration.ts';

/**
 * They say nothing themselves: whose a key or a name is follows from the certificates, those that
 * were there before included. A claim is written by whoever is about to add a certificate, so that
 * the next one has to wait, and reads what the one before has written (see `claims.ts`).
 */
export const keyClaims: Migration = {
  version: 4,
  name: 'key-claims',
  statements: ({ text, table }) => [
    `CREATE TABLE key_claims (
      spki_sha256 ${text} PRIMARY KEY
    ) ${table}`,

    // Subjects as RFC 4514 text with ASCII letters in lower case.
    `CREATE TABLE name_claims (
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      folded_subject ${text} NOT NULL,
      PRIMARY KEY (organization_id, folded_subject)
    ) ${table}`,
  ],
};
