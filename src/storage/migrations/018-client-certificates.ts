/** Certificates by which API clients are known. */

import type { Migration } from './migration.ts';

export const clientCertificates: Migration = {
  version: 18,
  name: 'client-certificates',
  statements: ({ text, bytes, table }) => [
    `CREATE TABLE client_certificates (
      sha256 ${text} PRIMARY KEY,
      client_id ${text} NOT NULL REFERENCES api_clients (id),
      certificate ${bytes} NOT NULL,
      subject ${text} NOT NULL,
      not_before ${text} NOT NULL,
      not_after ${text} NOT NULL,
      added_at ${text} NOT NULL
    ) ${table}`,
    `CREATE INDEX client_certificates_client ON client_certificates (client_id)`,
  ],
};
