/** How stations take the chains of their certificates. */

import type { Migration } from './migration.ts';

export const stationChains: Migration = {
  version: 22,
  name: 'station-chains',
  statements: ({ integer, boolean }) => [
    `ALTER TABLE stations ADD COLUMN chain_includes_root ${boolean}`,
    `ALTER TABLE stations ADD COLUMN chain_maximum_size ${integer}
      CHECK (chain_maximum_size BETWEEN 500 AND 10000)`,
  ],
};
