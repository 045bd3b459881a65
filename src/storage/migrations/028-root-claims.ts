/** Which certificate is meant by the name and serial number of a root that is not ours. */

import type { Migration } from './migration.ts';

export const rootClaims: Migration = {
  version: 28,
  name: 'root-claims',
  statements: ({ text, table }) => [
    // The key decides between two activations at once; roots from before are found in the chains.
    `CREATE TABLE root_claims (
      identity ${text} PRIMARY KEY,
      sha256 ${text} NOT NULL
    ) ${table}`,
  ],
};
