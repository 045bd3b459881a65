/** All migrations in order. */

import { foundation } from './001-foundation.ts';
import { revocation } from './002-revocation.ts';
import { stations } from './003-stations.ts';
import { keyClaims } from './004-key-claims.ts';
import { clockMark } from './011-clock-mark.ts';
import type { Migration } from './migration.ts';

export const migrations: readonly Migration[] = [
  foundation,
  revocation,
  stations,
  keyClaims,
  clockMark,
];
