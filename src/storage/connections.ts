/** What opening either database yields. */

import type { Knex } from 'knex';
import type { Logger } from '../services/logger.ts';
import type { Dialect } from './migrations/migration.ts';

export interface Connections {
  readonly dialect: Dialect;
  /** One connection; everything that changes rows goes through it. */
  readonly writer: Knex;
  /** Connections that the database itself keeps from writing. */
  readonly reader: Knex;
  close(): Promise<void>;
}

/** What knex has to say goes to our log, or nowhere: left alone it prints on the console. */
export const knexLog = (logger: Logger | undefined): Knex.Logger => {
  const warn = (message: unknown) =>
    logger?.warn('database-connection', { detail: String(message) });
  return { warn, error: warn, deprecate: warn, debug: () => undefined };
};
