/** The latest time at which something was signed. */

import type { Migration } from './migration.ts';

/** One row for all processes; none before anything has been signed. */
export const clockMark: Migration = {
  version: 10,
  name: 'clock-mark',
  statements: ({ text, integer, table }) => [
    `CREATE TABLE clock_mark (
      id ${integer} PRIMARY KEY CHECK (id = 1),
      latest ${text} NOT NULL
    ) ${table}`,
  ],
};
