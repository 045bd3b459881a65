/** Idempotency-Keys: who works on them, and the answers that are given again. */

import type { Migration } from './migration.ts';

export const idempotencyKeys: Migration = {
  version: 9,
  name: 'idempotency-keys',
  statements: ({ text, integer, table }) => [
    // Somebody works on it, or there is an answer; never both.
    `CREATE TABLE idempotency_keys (
      principal ${text} NOT NULL,
      operation ${text} NOT NULL,
      key_sha256 ${text} NOT NULL,
      request_sha256 ${text} NOT NULL,
      lease_owner ${text},
      lease_until ${text},
      expires_at ${text} NOT NULL,
      status ${integer},
      location ${text},
      content_type ${text},
      body ${text},
      without_body ${integer} NOT NULL,
      PRIMARY KEY (principal, operation, key_sha256),
      CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
      CHECK ((lease_owner IS NULL) = (status IS NOT NULL))
    ) ${table}`,
    `CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at)`,
  ],
};
