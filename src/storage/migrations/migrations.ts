/** All migrations in order. */

import { foundation } from './001-foundation.ts';
import { revocation } from './002-revocation.ts';
import { stations } from './003-stations.ts';
import { keyClaims } from './004-key-claims.ts';
import { approval } from './005-approval.ts';
import { apiClientLife } from './008-api-client-life.ts';
import type { Migration } from './migration.ts';

/** Versions are counted without gaps: these are given to others that are being written. */
const reserved = [6, 7].map(
  (version): Migration => ({ version, name: 'reserved', statements: () => [] }),
);

export const migrations: readonly Migration[] = [
  foundation,
  revocation,
  stations,
  keyClaims,
  approval,
  ...reserved,
  apiClientLife,
];
