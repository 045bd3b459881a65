/** Charging stations, and what their organizations let them do. */

import type { Migration } from './migration.ts';

export const stations: Migration = {
  version: 3,
  name: 'stations',
  statements: ({ text, integer, boolean, dialect, table }) => [
    `ALTER TABLE organizations ADD COLUMN stations_on_first_sight ${boolean}
      NOT NULL DEFAULT ${dialect === 'postgres' ? 'FALSE' : '0'}`,

    // The identity of a station is its own within its organization only.
    `CREATE TABLE stations (
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      id ${text} NOT NULL,
      serial_number ${text},
      secc_id ${text},
      evse_ids ${text} NOT NULL,
      certificate_type ${text} CHECK (certificate_type IN ('combined', 'station')),
      security_profile ${integer} CHECK (security_profile BETWEEN 0 AND 3),
      created_at ${text} NOT NULL,
      last_seen_at ${text},
      PRIMARY KEY (organization_id, id)
    ) ${table}`,
    // Names that differ in case only are one name to whoever compares them (RFC 5280 7.1).
    `CREATE UNIQUE INDEX stations_identity ON stations (organization_id, lower(id))`,
    `CREATE UNIQUE INDEX stations_serial_number ON stations (organization_id, lower(serial_number))`,
    `CREATE UNIQUE INDEX stations_secc_id ON stations (organization_id, lower(secc_id))`,
    `CREATE INDEX stations_listing ON stations (created_at, organization_id, id)`,

    // Where stations are taken at first sight, names are looked up among those that are certified.
    `CREATE INDEX certificates_subject ON certificates (organization_id, lower(subject))`,
    `CREATE INDEX authorities_organization ON authorities (organization_id)`,
  ],
};
