/** Keys that sign contract data for cars. */

import type { Migration } from './migration.ts';

export const cpsSigners: Migration = {
  version: 15,
  name: 'cps-signers',
  statements: ({ text, bytes, integer, table }) => [
    `CREATE TABLE cps_signers (
      id ${text} PRIMARY KEY,
      authority_id ${text} NOT NULL REFERENCES authorities (id),
      issuer_id ${text} NOT NULL REFERENCES issuers (id),
      number ${integer} NOT NULL CHECK (number >= 1),
      key_id ${text} NOT NULL UNIQUE REFERENCES keys (key_id),
      key_algorithm ${text} NOT NULL,
      spki ${bytes} NOT NULL,
      created_at ${text} NOT NULL,
      certificate_id ${text} UNIQUE REFERENCES certificates (id),
      UNIQUE (authority_id, number)
    ) ${table}`,
    `CREATE INDEX cps_signers_issuer_id ON cps_signers (issuer_id)`,
  ],
};
