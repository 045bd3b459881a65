/** Plug & Charge contracts and the bundles that bring them into cars. */

import type { Migration } from './migration.ts';

export const contracts: Migration = {
  version: 13,
  name: 'contracts',
  statements: ({ text, bytes, integer, boolean, dialect, table }) => [
    // `pending` is a contract whose first bundle is being made; nobody sees it, and it goes when
    // that bundle's certificate is abandoned.
    `CREATE TABLE contracts (
      id ${text} PRIMARY KEY,
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      emaid ${text} NOT NULL,
      account ${text} NOT NULL,
      pcid ${text} NOT NULL,
      standard ${text} NOT NULL CHECK (standard IN ('iso15118-2', 'iso15118-20')),
      authority_id ${text} REFERENCES authorities (id),
      profile ${text},
      validity_days ${integer},
      state ${text} NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'ended')),
      is_default ${boolean} NOT NULL,
      priority ${integer} NOT NULL,
      created_at ${text} NOT NULL,
      changed_at ${text} NOT NULL,
      reason ${text},
      CHECK ((authority_id IS NULL) = (profile IS NULL))
    ) ${table}`,
    // One contract per EMAID (whatever its check digit), car and standard, until it has ended.
    `CREATE UNIQUE INDEX contracts_one ON contracts (account, pcid, standard)
      WHERE state <> 'ended'`,
    `CREATE UNIQUE INDEX contracts_default ON contracts (pcid, standard)
      WHERE is_default${dialect === 'postgres' ? '' : ' = 1'} AND state <> 'ended'`,
    `CREATE INDEX contracts_car ON contracts (pcid, standard)`,
    `CREATE INDEX contracts_account ON contracts (account)`,
    `CREATE INDEX contracts_listing ON contracts (created_at, id)`,
    `CREATE INDEX contracts_organization ON contracts (organization_id)`,

    // Of a certificate that evpki has issued, the certificate's row says the rest; one that was
    // brought is here itself. Never here: the key in clear.
    `CREATE TABLE contract_bundles (
      id ${text} PRIMARY KEY,
      contract_id ${text} NOT NULL REFERENCES contracts (id),
      generation ${integer} NOT NULL,
      certificate_id ${text} UNIQUE REFERENCES certificates (id),
      certificate ${bytes},
      not_before ${text} NOT NULL,
      not_after ${text} NOT NULL,
      sub_certificates ${text} NOT NULL,
      dh_public_key ${bytes} NOT NULL,
      encrypted_private_key ${bytes} NOT NULL,
      curve ${text} NOT NULL CHECK (curve IN ('P-256', 'SECP521', 'X448')),
      recipient_sha256 ${text} NOT NULL,
      reason ${text} NOT NULL CHECK (reason IN ('created', 'renewed', 're-registered', 'update')),
      created_at ${text} NOT NULL,
      UNIQUE (contract_id, generation),
      CHECK ((certificate_id IS NULL) <> (certificate IS NULL))
    ) ${table}`,

    // Whoever decides which contract of a car is the default writes the car's row first.
    `CREATE TABLE contract_cars (
      pcid ${text} NOT NULL,
      standard ${text} NOT NULL,
      PRIMARY KEY (pcid, standard)
    ) ${table}`,
  ],
};
