/** What opening either database yields. */

import type { Knex } from 'knex';
import type { Dialect } from './migrations/migration.ts';

export interface Connections {
  readonly dialect: Dialect;
  /** One connection; everything that changes rows goes through it. */
  readonly writer: Knex;
  /** Connections that the database itself keeps from writing. */
  readonly reader: Knex;
  close(): Promise<void>;
}
