/** Webhook endpoints, what is to be delivered to them, and how far the audit log has been read. */

import type { Migration } from './migration.ts';

export const webhooks: Migration = {
  version: 21,
  name: 'webhooks',
  statements: ({ text, integer, table }) => [
    `CREATE TABLE webhook_endpoints (
      id ${text} PRIMARY KEY,
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      url ${text} NOT NULL,
      events ${text} NOT NULL,
      created_at ${text} NOT NULL,
      delivered_at ${text},
      failed_at ${text},
      failure ${text}
    ) ${table}`,
    `CREATE INDEX webhook_endpoints_organization ON webhook_endpoints (organization_id)`,

    `CREATE TABLE webhook_deliveries (
      endpoint_id ${text} NOT NULL REFERENCES webhook_endpoints (id),
      stream ${text} NOT NULL,
      sequence ${integer} NOT NULL,
      event ${text} NOT NULL,
      body ${text} NOT NULL,
      created_at ${text} NOT NULL,
      attempts ${integer} NOT NULL,
      due_at ${text} NOT NULL,
      PRIMARY KEY (endpoint_id, stream, sequence)
    ) ${table}`,
    `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at, stream, sequence)`,

    // Of streams that nobody has read from there is none: they are read from their beginning.
    `CREATE TABLE webhook_positions (
      stream ${text} PRIMARY KEY,
      sequence ${integer} NOT NULL
    ) ${table}`,
  ],
};
