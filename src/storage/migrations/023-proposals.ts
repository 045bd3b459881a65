/** What waits for a second person. */

import type { Migration } from './migration.ts';

// The database holds to it that nobody approves a proposal of their own, that only its proposer
// takes it back, and that what is decided says by whom.
export const proposals: Migration = {
  version: 23,
  name: 'proposals',
  statements: ({ text, table }) => [
    `CREATE TABLE proposals (
      id ${text} PRIMARY KEY,
      organization_id ${text} NOT NULL REFERENCES organizations (id),
      action ${text} NOT NULL,
      subject ${text} NOT NULL,
      command ${text} NOT NULL,
      sha256 ${text} NOT NULL,
      proposer ${text} NOT NULL,
      created_at ${text} NOT NULL,
      expires_at ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'withdrawn')),
      decided_by ${text},
      decided_at ${text},
      reason ${text},
      CHECK ((state = 'waiting') = (decided_by IS NULL)),
      CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
      CHECK (state <> 'approved' OR decided_by <> proposer),
      CHECK (state <> 'withdrawn' OR decided_by = proposer),
      CHECK ((state = 'rejected') = (reason IS NOT NULL))
    ) ${table}`,
    `CREATE INDEX proposals_listing ON proposals (organization_id, created_at, id)`,
    `CREATE INDEX proposals_newest ON proposals (created_at, id)`,
    `CREATE INDEX proposals_waiting ON proposals (subject) WHERE state = 'waiting'`,
  ],
};
