import { afterEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import { migrate } from '../../src/storage/migrate.ts';
import type { Migration } from '../../src/storage/migrations/migration.ts';
import { migrations } from '../../src/storage/migrations/migrations.ts';
import { openPostgres } from '../../src/storage/postgres.ts';
import { openSqlite } from '../../src/storage/sqlite.ts';
import { type TestDatabase, testBackends, testTime } from '../support/databases.ts';

const clock = () => testTime;

const second: Migration = {
  version: 2,
  name: 'second',
  statements: ({ text, table }) => [`CREATE TABLE second_things (id ${text} PRIMARY KEY) ${table}`],
};
const broken: Migration = {
  version: 2,
  name: 'broken',
  statements: ({ text, table }) => [
    `CREATE TABLE half_done (id ${text} PRIMARY KEY) ${table}`,
    'CREATE TABLE organizations (id TEXT)',
  ],
};

describe.each(testBackends)('migrations on $name', ({ open }) => {
  let opened: TestDatabase | undefined;
  afterEach(async () => {
    await opened?.remove();
    opened = undefined;
  });

  /** An opened database is closed again, so that the test has it to itself. */
  async function connect() {
    opened = await open();
    await opened.database.close();
    const { url } = opened;
    return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url);
  }

  test('run once, are recorded, and go on from where they were', async () => {
    const { writer, dialect, close } = await connect();
    expect(await writer('schema_migrations').select('version', 'name', 'applied_at')).toEqual([
      { version: 1, name: 'foundation', applied_at: '2026-11-22T10:00:00.000Z' },
    ]);
    expect(await migrate(writer, dialect, clock, migrations)).toEqual([]);
    expect(await migrate(writer, dialect, clock, [...migrations, second])).toEqual([2]);
    expect(await writer('second_things')).toEqual([]);
    await close();
  });

  test('one that fails leaves nothing behind', async () => {
    const { writer, dialect, close } = await connect();
    await expect(migrate(writer, dialect, clock, [...migrations, broken])).rejects.toThrow();
    expect(await writer.schema.hasTable('half_done')).toBe(false);
    expect(await writer('schema_migrations').pluck('version')).toEqual([1]);
    await close();
  });

  test('a newer schema is refused, and so is one of other people', async () => {
    const { writer, dialect, close } = await connect();
    await migrate(writer, dialect, clock, [...migrations, second]);
    await close();
    const url = opened?.url ?? '';
    const options = { clock, processId: 'process-2' };
    await expect(openDatabase(url, options)).rejects.toMatchObject({
      code: 'schema-newer',
      message: expect.stringContaining('version 2'),
    });
    const connections = url.startsWith('sqlite:')
      ? await openSqlite(url.slice('sqlite:'.length))
      : await openPostgres(url);
    await connections.writer('schema_migrations').where({ version: 2 }).delete();
    await connections.writer('schema_migrations').update({ name: 'something else' });
    await connections.close();
    await expect(openDatabase(url, options)).rejects.toMatchObject({ code: 'schema-unknown' });
  });
});
