/** Roots of others that organizations trust; finding issuers of ours by name, as paths are built. */

import type { Migration } from './migration.ts';

export const trustAnchors: Migration = {
  version: 14,
  name: 'trust-anchors',
  statements: ({ text, bytes, table }) => [
    `CREATE TABLE trust_anchors (
      id ${text} PRIMARY KEY,
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      sha256 ${text} NOT NULL,
      certificate ${bytes} NOT NULL,
      subject ${text} NOT NULL,
      name_key ${text} NOT NULL,
      not_before ${text} NOT NULL,
      not_after ${text} NOT NULL,
      purposes ${text} NOT NULL,
      added_at ${text} NOT NULL,
      removed_at ${text}
    ) ${table}`,
    // One that was removed can be imported again, and starts anew.
    `CREATE UNIQUE INDEX trust_anchors_certificate ON trust_anchors (organization_id, sha256)
      WHERE removed_at IS NULL`,
    `CREATE INDEX trust_anchors_name ON trust_anchors (organization_id, name_key)
      WHERE removed_at IS NULL`,
    `CREATE INDEX trust_anchors_listing ON trust_anchors (added_at, id) WHERE removed_at IS NULL`,

    `CREATE INDEX issuers_subject ON issuers (subject)`,
  ],
};
