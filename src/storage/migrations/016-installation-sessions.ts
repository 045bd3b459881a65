/** What cars with several contracts have got so far. */

import type { Migration } from './migration.ts';

/** Rows are forgotten after a day. */
export const installationSessions: Migration = {
  version: 16,
  name: 'installation-sessions',
  statements: ({ text, table }) => [
    `CREATE TABLE installation_sessions (
      key ${text} PRIMARY KEY,
      request_sha256 ${text} NOT NULL,
      delivered ${text} NOT NULL,
      updated_at ${text} NOT NULL
    ) ${table}`,
    `CREATE INDEX installation_sessions_age ON installation_sessions (updated_at)`,
  ],
};
