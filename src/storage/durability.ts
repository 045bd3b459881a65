/**
 * What the database promises about committed rows. A certificate that was handed out must still be
 * on record after a power cut, so the settings that decide this are read back from the database
 * itself, and anything weaker is refused.
 */

import { StorageError } from './errors.ts';

/** Runs a query on one connection, before the pool hands it to anybody. */
export type ConnectionQuery = (sql: string) => Promise<Readonly<Record<string, unknown>>[]>;

export const BUSY_TIMEOUT_MS = 5000;

const sqlitePragmas = ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'] as const;
export type SqliteSettings = Readonly<Record<(typeof sqlitePragmas)[number], string>>;

/** Reads the settings of a SQLite connection back. */
export async function readSqliteSettings(query: ConnectionQuery): Promise<SqliteSettings> {
  const settings: Record<string, string> = {};
  for (const pragma of sqlitePragmas) {
    const [row] = await query(`PRAGMA ${pragma}`);
    settings[pragma] = String(Object.values(row ?? {})[0] ?? '');
  }
  return settings as SqliteSettings;
}

/** Every setting of a SQLite connection that is weaker than evpki needs, as a sentence. */
export function sqliteWeaknesses(settings: SqliteSettings): string[] {
  const reasons: string[] = [];
  if (settings.journal_mode !== 'wal') {
    reasons.push(`journal_mode is "${settings.journal_mode}", not "wal"`);
  }
  // 2 is FULL, 3 is EXTRA.
  if (settings.synchronous !== '2' && settings.synchronous !== '3') {
    reasons.push(`synchronous is ${settings.synchronous}, not 2 (FULL)`);
  }
  if (settings.foreign_keys !== '1') reasons.push('foreign_keys is off');
  if (!(Number(settings.busy_timeout) >= BUSY_TIMEOUT_MS)) {
    reasons.push(`busy_timeout is ${settings.busy_timeout} ms, less than ${BUSY_TIMEOUT_MS}`);
  }
  return reasons;
}

export interface PostgresSettings {
  readonly synchronous_commit: string;
  /** Null where a compatible database has no such switch, and so cannot have turned it off. */
  readonly fsync: string | null;
  readonly full_page_writes: string | null;
  readonly server_encoding: string;
  readonly server_version_num: string;
}

/** Reads the settings of a PostgreSQL session back. */
export async function readPostgresSettings(query: ConnectionQuery): Promise<PostgresSettings> {
  const [row] = await query(
    `SELECT current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('fsync', true) AS fsync,
      current_setting('full_page_writes', true) AS full_page_writes,
      current_setting('server_encoding') AS server_encoding,
      current_setting('server_version_num') AS server_version_num`,
  );
  return row as unknown as PostgresSettings;
}

/** Every setting of a PostgreSQL session that is weaker than evpki needs, as a sentence. */
export function postgresWeaknesses(settings: PostgresSettings): string[] {
  const reasons: string[] = [];
  // `local` waits for this server's own disk, which is what one machine can promise.
  if (!['on', 'local', 'remote_write', 'remote_apply'].includes(settings.synchronous_commit)) {
    reasons.push(`synchronous_commit is "${settings.synchronous_commit}"`);
  }
  if (settings.fsync !== null && settings.fsync !== 'on') {
    reasons.push(`fsync is "${settings.fsync}"`);
  }
  if (settings.full_page_writes !== null && settings.full_page_writes !== 'on') {
    reasons.push(`full_page_writes is "${settings.full_page_writes}"`);
  }
  if (settings.server_encoding !== 'UTF8') {
    reasons.push(`server_encoding is "${settings.server_encoding}", not "UTF8"`);
  }
  if (!(Number(settings.server_version_num) >= 130000)) {
    reasons.push(`server_version_num is ${settings.server_version_num}, older than 13`);
  }
  return reasons;
}

/** @throws StorageError `durability-too-weak` naming every reason */
export function refuseWeak(where: string, reasons: readonly string[]): void {
  if (reasons.length === 0) return;
  throw new StorageError(
    'durability-too-weak',
    `${where} does not keep what it commits: ${reasons.join('; ')}`,
    { reasons },
  );
}
