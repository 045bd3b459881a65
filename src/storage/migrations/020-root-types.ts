/** As what the pool of roots lists imported ones; whose EVSE and SECC ids organizations have. */

import type { Migration } from './migration.ts';

export const rootTypes: Migration = {
  version: 20,
  name: 'root-types',
  statements: ({ text }) => [
    // Nobody has said so of those that are there: they are in no pool until somebody does.
    `ALTER TABLE trust_anchors ADD COLUMN root_type ${text}
      CHECK (root_type IN ('V2G', 'MO', 'OEM', 'PE'))`,
    `ALTER TABLE organizations ADD COLUMN operators ${text} NOT NULL DEFAULT '[]'`,
  ],
};
