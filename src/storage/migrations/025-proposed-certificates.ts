/** The certificate that a proposal has come to, once it is approved. */

import type { Migration } from './migration.ts';

export const proposedCertificates: Migration = {
  version: 25,
  name: 'proposed-certificates',
  statements: ({ text }) => [
    `ALTER TABLE proposals ADD COLUMN certificate_id ${text} REFERENCES certificates (id)
      CHECK (certificate_id IS NULL OR state = 'approved')`,
    `CREATE UNIQUE INDEX proposals_certificate ON proposals (certificate_id)
      WHERE certificate_id IS NOT NULL`,
  ],
};
