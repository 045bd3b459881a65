/** Enrolment requests that wait for a person, and renewals. */

import type { ColumnTypes, Migration } from './migration.ts';

/**
 * The table is made anew: neither database lets an existing column take more values, or be checked
 * with a new one. Nothing refers to it.
 */
export const approval: Migration = {
  version: 5,
  name: 'approval',
  statements: (types) => [
    requests(types),
    `INSERT INTO enrolment_requests_new (${oldColumns}) SELECT ${oldColumns} FROM enrolment_requests`,
    `DROP TABLE enrolment_requests`,
    `ALTER TABLE enrolment_requests_new RENAME TO enrolment_requests`,
    `CREATE INDEX enrolment_requests_listing ON enrolment_requests (organization_id, created_at, id)`,
    `CREATE INDEX enrolment_requests_newest ON enrolment_requests (created_at, id)`,
    // What approvers look for is little beside all that was ever asked.
    `CREATE INDEX enrolment_requests_waiting ON enrolment_requests (organization_id, created_at, id)
      WHERE state = 'waiting-for-approval'`,
    `CREATE INDEX enrolment_requests_renews ON enrolment_requests (renews)
      WHERE renews IS NOT NULL`,
  ],
};

const oldColumns = `id, organization_id, authority_id, profile, requester, channel, csr, state,
  created_at, repeat_key, repeat_until, certificate_id, violations, station_id`;

// The database holds to it that nobody approves a request of their own, that what was approved or
// rejected says by whom, and that what waits says until when.
const requests = ({ text, bytes, table }: ColumnTypes) => `CREATE TABLE enrolment_requests_new (
  id ${text} PRIMARY KEY,
  organization_id ${text} NOT NULL REFERENCES organizations (id),
  authority_id ${text} NOT NULL REFERENCES authorities (id),
  profile ${text} NOT NULL,
  requester ${text} NOT NULL,
  channel ${text} NOT NULL,
  csr ${bytes} NOT NULL,
  state ${text} NOT NULL CHECK (state IN
    ('issuing', 'waiting-for-approval', 'issued', 'refused', 'rejected', 'abandoned')),
  created_at ${text} NOT NULL,
  repeat_key ${text} UNIQUE,
  repeat_until ${text},
  certificate_id ${text} UNIQUE REFERENCES certificates (id),
  violations ${text},
  station_id ${text},
  subject ${text},
  not_after ${text},
  renews ${text} REFERENCES certificates (id),
  approve_until ${text},
  decided_by ${text},
  decided_at ${text},
  rejection_reason ${text},
  CHECK ((state IN ('issuing', 'issued')) = (certificate_id IS NOT NULL)
    OR state = 'abandoned'),
  CHECK (state NOT IN ('waiting-for-approval', 'rejected') OR approve_until IS NOT NULL),
  CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
  CHECK (approve_until IS NULL OR state NOT IN ('issuing', 'issued', 'rejected')
    OR decided_by IS NOT NULL),
  CHECK ((state = 'rejected') = (rejection_reason IS NOT NULL)),
  CHECK (decided_by IS NULL OR state = 'rejected' OR decided_by <> requester)
) ${table}`;
