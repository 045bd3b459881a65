/** Databases with a data directory beside them, which can be copied once they are prepared. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPostgresDatabase, postgresIsAvailable } from './postgres.ts';

export interface PreparedDatabase {
  readonly url: string;
  readonly dataDir: string;
  /** Everything in it, in a database of its own; nobody may be using this one meanwhile. */
  copy(): Promise<PreparedDatabase>;
  remove(): Promise<void>;
}

export interface PreparedBackend {
  readonly name: 'SQLite' | 'PostgreSQL';
  empty(): Promise<PreparedDatabase>;
}

export const preparedBackends: readonly PreparedBackend[] = [
  { name: 'SQLite', empty: () => onSqlite() },
  ...(postgresIsAvailable ? [{ name: 'PostgreSQL', empty: () => onPostgres() } as const] : []),
];

async function dataDirectory(copied?: string): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'evpki-kill-'));
  if (copied !== undefined) await cp(copied, dataDir, { recursive: true });
  return dataDir;
}

async function onSqlite(copied?: string): Promise<PreparedDatabase> {
  const dataDir = await dataDirectory(copied);
  return {
    url: `sqlite:${join(dataDir, 'evpki.db')}`,
    dataDir,
    copy: () => onSqlite(dataDir),
    remove: () => rm(dataDir, { recursive: true }),
  };
}

async function onPostgres(copied?: { name: string; dataDir: string }): Promise<PreparedDatabase> {
  const { name, url, drop } = await createPostgresDatabase(copied && `TEMPLATE ${copied.name}`);
  const dataDir = await dataDirectory(copied?.dataDir);
  return {
    url,
    dataDir,
    copy: () => onPostgres({ name, dataDir }),
    remove: async () => {
      await drop();
      await rm(dataDir, { recursive: true });
    },
  };
}
