/** Opening SQLite: one connection that writes, two that read, one lock. */

import { mkdir, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import createKnex, { type Knex } from 'knex';
import type sqlite3 from 'sqlite3';
import type { Logger } from '../services/logger.ts';
import { type Connections, knexLog } from './connections.ts';
import { lockData } from './data-lock.ts';
import {
  BUSY_TIMEOUT_MS,
  type ConnectionQuery,
  readSqliteSettings,
  refuseWeak,
  sqliteWeaknesses,
} from './durability.ts';
import { keepPrepared } from './prepared-statements.ts';

/**
 * Opens, or creates, a SQLite database file. The file is readable by its owner only; its
 * directory is created where it is missing.
 * @throws StorageError `database-locked`, `durability-too-weak`
 */
export async function openSqlite(file: string, logger?: Logger): Promise<Connections> {
  const path = await createFile(resolve(file));
  const lock = await lockData(path);
  const writer = pool(path, 1, logger, async (query) => {
    await query('PRAGMA journal_mode=WAL');
    await query('PRAGMA synchronous=FULL');
    // Where a plain fsync does not reach the platter (macOS), this one does.
    await query('PRAGMA fullfsync=ON');
    await query('PRAGMA foreign_keys=ON');
    refuseWeak(path, sqliteWeaknesses(await readSqliteSettings(query)));
  });
  const reader = pool(path, 2, logger, async (query) => {
    await query('PRAGMA query_only=ON');
  });
  const close = async () => {
    await reader.destroy();
    await writer.destroy();
    await lock.release();
  };
  try {
    await writer.raw('SELECT 1');
  } catch (error) {
    await close();
    throw error;
  }
  return { dialect: 'sqlite', writer, reader, close };
}

/** @returns the path without symbolic links */
async function createFile(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = join(await realpath(dirname(path)), basename(path));
  // SQLite gives its journals the permissions of the database file.
  await (await open(target, 'a', 0o600)).close();
  return realpath(target);
}

function pool(
  filename: string,
  size: number,
  logger: Logger | undefined,
  prepare: (query: ConnectionQuery) => Promise<void>,
): Knex {
  return createKnex({
    client: 'sqlite3',
    // Errors name the statement, not the values that were bound to it.
    compileSqlOnError: false,
    log: knexLog(logger),
    connection: { filename },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: size,
      afterCreate: (
        connection: sqlite3.Database,
        done: (error: unknown, connection: sqlite3.Database) => void,
      ) => {
        const query: ConnectionQuery = (sql) =>
          new Promise((resolve, reject) => {
            connection.all<Record<string, unknown>>(sql, (error, rows) =>
              error ? reject(error) : resolve(rows),
            );
          });
        query(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`)
          .then(() => prepare(query))
          .then(
            () => {
              keepPrepared(connection);
              done(null, connection);
            },
            (error: unknown) => done(error, connection),
          );
      },
    },
  });
}
