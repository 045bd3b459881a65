import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sqlite3 from 'sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepPrepared } from '../../src/storage/prepared-statements.ts';

let directory: string;
let connection: sqlite3.Database;
/** Another connection to the same file. */
let other: sqlite3.Database;
let prepared: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evpki-prepared-'));
  const file = join(directory, 'evpki.db');
  connection = await open(file);
  await exec(connection, 'PRAGMA journal_mode=WAL; CREATE TABLE t (a, b)');
  other = await open(file);
  const prepare = vi.spyOn(connection, 'prepare');
  keepPrepared(connection, 2);
  prepared = [];
  prepare.mockImplementation((sql: string) => {
    prepared.push(sql);
    return sqlite3.Database.prototype.prepare.call(connection, sql);
  });
});
afterEach(async () => {
  await close(connection);
  await close(other);
  await rm(directory, { recursive: true });
});

const open = (file: string): Promise<sqlite3.Database> =>
  new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file, (error) =>
      error ? reject(error) : resolve(database),
    );
  });
const exec = (database: sqlite3.Database, sql: string) =>
  promisify(database.exec.bind(database) as (sql: string, done: () => void) => void)(sql);
const close = (database: sqlite3.Database) => promisify(database.close.bind(database))();
const all = (sql: string, bindings: unknown[] = []): Promise<unknown[]> =>
  new Promise((resolve, reject) =>
    connection.all(sql, bindings, (error, rows) => (error ? reject(error) : resolve(rows))),
  );
const run = (sql: string, bindings: unknown[] = []): Promise<number> =>
  new Promise((resolve, reject) =>
    connection.run(sql, bindings, function (error) {
      if (error) reject(error);
      else resolve(this.changes);
    }),
  );

const INSERT = 'INSERT INTO t VALUES (?, ?)';
const READ = 'SELECT b FROM t WHERE a = ?';

describe('a statement that is kept', () => {
  test('is prepared once, and answers for what is bound to it each time', async () => {
    expect(await run(INSERT, [1, 'one'])).toBe(1);
    expect(await run(INSERT, [2, 'two'])).toBe(1);
    expect(await all(READ, [1])).toEqual([{ b: 'one' }]);
    expect(await all(READ, [2])).toEqual([{ b: 'two' }]);
    expect(prepared).toEqual([INSERT, READ]);
  });

  test('answers for nothing that was bound before, where nothing is bound', async () => {
    await run(INSERT, [1, 'one']);
    expect(await all(READ, [1])).toEqual([{ b: 'one' }]);
    expect(await all(READ)).toEqual([]);
    expect(await all('SELECT ? AS b, ? AS c', ['x', 'y'])).toEqual([{ b: 'x', c: 'y' }]);
    expect(await all('SELECT ? AS b, ? AS c', ['x'])).toEqual([{ b: 'x', c: null }]);
  });

  test('answers each of several who ask at once', async () => {
    await run(INSERT, [1, 'one']);
    await run(INSERT, [2, 'two']);
    const answers = () => Promise.all([all(READ, [1]), all(READ, [2]), all(READ, [3])]);
    expect(await answers()).toEqual([[{ b: 'one' }], [{ b: 'two' }], []]);
    expect(await answers()).toEqual([[{ b: 'one' }], [{ b: 'two' }], []]);
  });

  test('sees what others have committed since', async () => {
    await exec(other, "INSERT INTO t VALUES (1, 'issued')");
    expect(await all(READ, [1])).toEqual([{ b: 'issued' }]);
    await exec(other, "UPDATE t SET b = 'revoked'");
    expect(await all(READ, [1])).toEqual([{ b: 'revoked' }]);
    await exec(other, 'ALTER TABLE t RENAME TO u; CREATE TABLE t (a, b)');
    expect(await all(READ, [1])).toEqual([]);
    expect(prepared).toEqual([READ]);
  });

  test('does not hold a transaction open', async () => {
    await all('SELECT * FROM t');
    await run('BEGIN');
    await run(INSERT, [1, 'one']);
    await run('COMMIT');
    await exec(other, 'DROP TABLE t');
  });
});

describe('a statement that fails', () => {
  test('is told to each who asked, and the next one is answered', async () => {
    const asked = [all('SELECT missing FROM t'), all('SELECT missing FROM t')];
    for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected');
    await expect(all('SELECT missing FROM t')).rejects.toMatchObject({ code: 'SQLITE_ERROR' });
    await exec(other, 'ALTER TABLE t ADD COLUMN missing');
    expect(await all('SELECT missing FROM t')).toEqual([]);
  });

  test('is not kept, though it was before', async () => {
    await exec(other, 'CREATE UNIQUE INDEX t_a ON t (a)');
    await run(INSERT, [1, 'one']);
    const again = [run(INSERT, [1, 'one']), run(INSERT, [1, 'one'])];
    for (const { status } of await Promise.allSettled(again)) expect(status).toBe('rejected');
    expect(await run(INSERT, [2, 'two'])).toBe(1);
    expect(prepared).toEqual([INSERT, INSERT]);
  });

  test('a COMMIT that had to wait too long can be rolled back', async () => {
    await exec(connection, 'PRAGMA journal_mode=DELETE; PRAGMA busy_timeout=1');
    await run('BEGIN');
    await run('COMMIT');
    await exec(other, 'BEGIN; SELECT * FROM t');
    await run('BEGIN');
    await run(INSERT, [1, 'one']);
    await expect(run('COMMIT')).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    await run('ROLLBACK');
    await exec(other, 'COMMIT');
    expect(await all(READ, [1])).toEqual([]);
  });
});

describe('what is kept', () => {
  test('is bounded: what was used longest ago goes', async () => {
    await all('SELECT 1');
    await all('SELECT 2');
    await all('SELECT 1');
    await all('SELECT 3');
    await all('SELECT 1');
    await all('SELECT 2');
    expect(prepared).toEqual(['SELECT 1', 'SELECT 2', 'SELECT 3', 'SELECT 2']);
  });

  test.each([
    ['octets', Buffer.alloc(65_537)],
    ['characters', 'x'.repeat(65_537)],
  ])('has no statements with many %s bound to them', async (_, value) => {
    await run(INSERT, [1, value]);
    await run(INSERT, [1, 'short']);
    await run(INSERT, [1, value]);
    await run(INSERT, [1, 'short']);
    expect(prepared).toEqual([INSERT, INSERT, INSERT]);
    expect(await all('SELECT count(*) AS n FROM t')).toEqual([{ n: 4 }]);
  });
});
