/**
 * The lock that keeps a second process, offline CLI included, away from a SQLite database. It is
 * an exclusive transaction on a tiny SQLite file of its own, `<database>.lock`: SQLite takes an
 * operating system lock for it, which ends with the process, however the process ends. Nothing
 * else may open that file: closing any other handle in this process would drop the lock (POSIX).
 */

import { chmod, open } from 'node:fs/promises';
import sqlite3 from 'sqlite3';
import { StorageError, sqlState } from './errors.ts';

export interface DataLock {
  release(): Promise<void>;
}

/**
 * Creates the file for its owner only, where it is missing: whoever can open it can hold the lock,
 * and SQLite would let everybody read it. A file that is there is not opened: see above.
 */
async function createOwned(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (sqlState(error) !== 'EEXIST') throw error;
    await chmod(path, 0o600);
  }
}

/**
 * Takes the lock of a database file.
 * @param databasePath absolute and without symbolic links, so that one database has one lock
 * @throws StorageError `database-locked` when another process, or this one, holds it already
 */
export async function lockData(databasePath: string): Promise<DataLock> {
  const path = `${databasePath}.lock`;
  await createOwned(path);
  const connection = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(path, (error) => (error ? reject(error) : resolve(opened)));
  });
  const close = () =>
    new Promise<void>((resolve, reject) => {
      connection.close((error) => (error ? reject(error) : resolve()));
    });
  try {
    await new Promise<void>((resolve, reject) => {
      // In WAL mode "exclusive" would still be exclusive among writers, but the file is never
      // written: MEMORY leaves no journal behind either.
      connection.exec(
        'PRAGMA busy_timeout=0; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE',
        (error) => (error ? reject(error) : resolve()),
      );
    });
  } catch (error) {
    await close();
    if (!/^SQLITE_BUSY/.test(sqlState(error) ?? '')) throw error;
    throw new StorageError(
      'database-locked',
      `another evpki process is using the database ${databasePath} (it holds ${path}): ` +
        'stop it, or use PostgreSQL to run several',
      { cause: error },
    );
  }
  return { release: close };
}
