/** Opening PostgreSQL: one session that writes, a few that read. */

import createKnex, { type Knex } from 'knex';
import type { Client } from 'pg';
import type { Logger } from '../services/logger.ts';
import { type Connections, knexLog } from './connections.ts';
import {
  type ConnectionQuery,
  postgresWeaknesses,
  readPostgresSettings,
  refuseWeak,
} from './durability.ts';

const READERS = 8;
const ACQUIRE_TIMEOUT_MS = 10_000;

/**
 * Connects to a PostgreSQL database. One session writes, because the transactions of a process
 * are joined anyway; further processes bring their own.
 * @param url as node-postgres takes it; for a unix socket `postgres://user@localhost/db?host=/dir`
 * @throws StorageError `durability-too-weak`; every new session is checked, not only the first
 */
export async function openPostgres(url: string, logger?: Logger): Promise<Connections> {
  const where = describe(url);
  const writer = pool(url, 1, logger, async (query) => {
    refuseWeak(where, postgresWeaknesses(await readPostgresSettings(query)));
    // A process that stops in the middle of a transaction must not keep its row locks for good.
    await query(`SET idle_in_transaction_session_timeout = '60s'`);
  });
  const reader = pool(url, READERS, logger, async (query) => {
    await query('SET default_transaction_read_only = on');
  });
  const close = async () => {
    await reader.destroy();
    await writer.destroy();
  };
  try {
    await writer.raw('SELECT 1');
  } catch (error) {
    await close();
    throw error;
  }
  return { dialect: 'postgres', writer, reader, close };
}

/** The URL without user and password, for messages. */
function describe(url: string): string {
  const { hostname, pathname, searchParams } = new URL(url);
  return `PostgreSQL database ${pathname.slice(1)} at ${searchParams.get('host') ?? hostname}`;
}

function pool(
  connectionString: string,
  size: number,
  logger: Logger | undefined,
  prepare: (query: ConnectionQuery) => Promise<void>,
): Knex {
  return createKnex({
    client: 'pg',
    // Errors name the statement, not the values that were bound to it.
    compileSqlOnError: false,
    log: knexLog(logger),
    connection: { connectionString, application_name: 'evpki', keepAlive: true },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    pool: {
      min: 0,
      max: size,
      afterCreate: (connection: Client, done: (error: unknown, connection: Client) => void) => {
        const query: ConnectionQuery = async (sql) => (await connection.query(sql)).rows;
        prepare(query).then(
          () => done(null, connection),
          (error: unknown) => done(error, connection),
        );
      },
    },
  });
}
