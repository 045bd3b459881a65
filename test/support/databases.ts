/** Databases for tests: a fresh one of every kind that this machine has. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/services/clock.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { createPostgresDatabase, postgresIsAvailable } from './postgres.ts';

export interface TestDatabase {
  readonly url: string;
  /** Opened with process id `process-1`. */
  readonly database: Database;
  /** Opens the same database as another process would; only PostgreSQL allows it. */
  open(processId: string): Promise<Database>;
  /** Closes everything that was opened, and removes the database. */
  remove(): Promise<void>;
}

export type OpenTestDatabase = () => Promise<TestDatabase>;

export interface TestBackend {
  readonly name: 'SQLite' | 'PostgreSQL';
  readonly open: OpenTestDatabase;
}

export const testTime = new Date('2026-11-22T10:00:00.000Z');

/** What tests can run against here, SQLite always among it. */
export const testBackends: readonly TestBackend[] = [
  { name: 'SQLite', open: openSqliteDatabase },
  ...(postgresIsAvailable ? [{ name: 'PostgreSQL', open: openPostgresDatabase } as const] : []),
];

async function openSqliteDatabase(): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'evpki-test-'));
  return testDatabase(`sqlite:${join(directory, 'evpki.db')}`, () =>
    rm(directory, { recursive: true }),
  );
}

async function openPostgresDatabase(): Promise<TestDatabase> {
  const created = await createPostgresDatabase();
  return testDatabase(created.url, created.drop);
}

async function testDatabase(url: string, drop: () => Promise<void>): Promise<TestDatabase> {
  const clock: Clock = () => testTime;
  const opened: Database[] = [];
  const open = async (processId: string) => {
    const database = await openDatabase(url, { clock, processId });
    opened.push(database);
    return database;
  };
  return {
    url,
    database: await open('process-1'),
    open,
    remove: async () => {
      for (const database of opened) await database.close();
      await drop();
    },
  };
}
