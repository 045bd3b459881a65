/** The life of API clients: their end, the rotation of their secrets, when they were last here. */

import type { Migration } from './migration.ts';

export const apiClientLife: Migration = {
  version: 8,
  name: 'api-client-life',
  statements: ({ text }) => [
    `ALTER TABLE api_clients ADD COLUMN old_secret_sha256 ${text}`,
    `ALTER TABLE api_clients ADD COLUMN old_secret_until ${text}`,
    `ALTER TABLE api_clients ADD COLUMN expires_at ${text}`,
    `ALTER TABLE api_clients ADD COLUMN disabled_at ${text}`,
    `ALTER TABLE api_clients ADD COLUMN last_used_at ${text}`,
    `CREATE INDEX api_clients_listing ON api_clients (created_at, id)`,
    `CREATE INDEX api_clients_organization ON api_clients (organization_id, created_at, id)`,
    `CREATE INDEX access_tokens_client ON access_tokens (client_id)`,
  ],
};
