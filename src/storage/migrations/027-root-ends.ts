/** Roots whose end has been told. */

import type { Migration } from './migration.ts';

export const rootEnds: Migration = {
  version: 27,
  name: 'root-ends',
  statements: ({ text, table }) => [
    // Of an issuer or of a trust anchor: their ids differ. The key lets each end be told once.
    `CREATE TABLE noted_root_ends (
      root_id ${text} PRIMARY KEY,
      noted_at ${text} NOT NULL
    ) ${table}`,
    `CREATE INDEX trust_anchors_ends ON trust_anchors (not_after, id) WHERE removed_at IS NULL`,
  ],
};
