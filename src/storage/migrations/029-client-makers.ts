/** By whom API clients were made. */

import type { Migration } from './migration.ts';

// Of those from before, the audit log knows it. No reference: the first one was made with the
// bootstrap secret.
export const clientMakers: Migration = {
  version: 29,
  name: 'client-makers',
  statements: ({ text }) => [
    `ALTER TABLE api_clients ADD COLUMN created_by ${text}`,
    `UPDATE api_clients SET created_by = (
      SELECT MIN(actor) FROM audit_entries
      WHERE subject = api_clients.id AND action = 'api-client.created'
    )`,
  ],
};
