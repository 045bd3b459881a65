import { chmod, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import createKnex from 'knex';
import sqlite3 from 'sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { crlSegmentStore } from '../../src/storage/crl-segments.ts';
import { openDatabase } from '../../src/storage/database.ts';
import {
  type ConnectionQuery,
  readSqliteSettings,
  sqliteWeaknesses,
} from '../../src/storage/durability.ts';
import { pathFactStore } from '../../src/storage/path-facts.ts';
import { openSqlite } from '../../src/storage/sqlite.ts';
import { stationStore } from '../../src/storage/stations.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import { trustAnchorStore } from '../../src/storage/trust-anchors.ts';
import { startDatabaseProcess } from '../support/database-process.ts';
import { testTime } from '../support/databases.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evpki-sqlite-'));
  path = join(directory, 'evpki.db');
});
afterEach(() => rm(directory, { recursive: true }));

const options = { clock: () => testTime, processId: 'process-1' };

describe('the connection that writes', () => {
  test('S3: has the settings that its promises need, read back', async () => {
    const { writer, reader, close } = await openSqlite(path);
    const query: ConnectionQuery = async (sql) => await writer.raw(sql);
    const settings = await readSqliteSettings(query);
    expect(settings).toEqual({
      journal_mode: 'wal',
      synchronous: '2',
      foreign_keys: '1',
      busy_timeout: '5000',
    });
    await expect(reader.raw('CREATE TABLE t (a)')).rejects.toMatchObject({
      code: 'SQLITE_READONLY',
    });
    await close();
  });

  test('reading back sees a setting that was weakened', async () => {
    const knex = createKnex({
      client: 'sqlite3',
      connection: { filename: path },
      useNullAsDefault: true,
    });
    await knex.raw('PRAGMA synchronous=NORMAL');
    const settings = await readSqliteSettings(async (sql) => await knex.raw(sql));
    expect(sqliteWeaknesses(settings).map((reason) => reason.split(' ')[0])).toEqual([
      'journal_mode',
      'synchronous',
      'foreign_keys',
      'busy_timeout',
    ]);
    await knex.destroy();
  });

  test.each([
    ['journal_mode', 'PRAGMA journal_mode=WAL', 'PRAGMA journal_mode=DELETE'],
    ['synchronous', 'PRAGMA synchronous=FULL', 'PRAGMA synchronous=NORMAL'],
    ['foreign_keys', 'PRAGMA foreign_keys=ON', 'PRAGMA foreign_keys=OFF'],
    ['busy_timeout', 'PRAGMA busy_timeout=5000', 'PRAGMA busy_timeout=0'],
  ])('S3: where the driver leaves %s weak nothing is opened', async (setting, asked, done) => {
    const { all } = sqlite3.Database.prototype;
    let altered = 0;
    const driver = vi.spyOn(sqlite3.Database.prototype, 'all').mockImplementation(function (
      this: sqlite3.Database,
      ...[sql, ...rest]: Parameters<typeof all>
    ) {
      if (sql === asked) altered += 1;
      return all.call(this, sql === asked ? done : sql, ...rest);
    } as typeof all);
    try {
      await expect(openDatabase(`sqlite:${path}`, options)).rejects.toMatchObject({
        code: 'durability-too-weak',
        reasons: [expect.stringMatching(`^${setting} `)],
      });
      expect(altered).toBeGreaterThan(0);
    } finally {
      driver.mockRestore();
    }
    // The lock is let go of, and the file is as good as any.
    await (await openDatabase(`sqlite:${path}`, options)).close();
  });

  test('the file and its journals are for their owner only', async () => {
    const database = await openDatabase(`sqlite:${path}`, options);
    for (const name of ['evpki.db', 'evpki.db-wal', 'evpki.db-shm']) {
      expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600);
    }
    await database.close();
  });
});

describe('the lock on the data', () => {
  test('another process is refused, kill -9 frees it', async () => {
    const url = `sqlite:${path}`;
    const holder = await startDatabaseProcess(url, 'holder');
    expect(holder.answer).toBe('open');
    await expect(openDatabase(url, options)).rejects.toMatchObject({
      code: 'database-locked',
      message: expect.stringContaining(path),
    });
    const second = await startDatabaseProcess(url, 'second');
    expect(second.answer).toBe('database-locked');
    await holder.kill();
    const database = await openDatabase(url, options);
    const streams: string[] = await database
      .reader('audit_streams')
      .orderBy('stream')
      .pluck('stream');
    expect(streams).toEqual(['holder', 'process-1']);
    await database.close();
  });

  test('the same process is refused as well, by any name of the file', async () => {
    const database = await openDatabase(`sqlite:${path}`, options);
    const alias = join(directory, 'alias.db');
    await symlink(path, alias);
    await symlink(directory, `${directory}-link`);
    for (const name of [path, alias, join(`${directory}-link`, 'evpki.db')]) {
      await expect(openDatabase(`sqlite:${name}`, options), name).rejects.toMatchObject({
        code: 'database-locked',
      });
    }
    await rm(`${directory}-link`);
    await database.close();
    await (await openDatabase(`sqlite:${path}`, options)).close();
  });

  test.each(['new', 'left by an older evpki'])('its file is its owner’s only: %s', async (file) => {
    if (file !== 'new') {
      await writeFile(`${path}.lock`, '');
      await chmod(`${path}.lock`, 0o644);
    }
    const database = await openDatabase(`sqlite:${path}`, options);
    expect((await stat(`${path}.lock`)).mode & 0o777).toBe(0o600);
    await database.close();
  });

  test('a failed start lets go of the lock', async () => {
    await writeFile(path, 'this is not a database, whatever its name says');
    await chmod(path, 0o600);
    await expect(openDatabase(`sqlite:${path}`, options)).rejects.toThrow();
    await rm(path);
    await (await openDatabase(`sqlite:${path}`, options)).close();
  });
});

describe('the plans of queries that must not slow down with the table', () => {
  const covered = (index: string) => [
    expect.stringMatching(`^SEARCH certificates USING COVERING INDEX ${index} \\(`),
  ];
  test.each([
    ['revokedIn', covered('certificates_revoked')],
    ['changedSegments', expect.arrayContaining(covered('certificates_status_sequence'))],
    ['readChanges', covered('certificates_status_sequence')],
    ['listedSegments', covered('certificates_revoked')],
  ])('%s reads one index, in its order', async (query, plan) => {
    const database = await openDatabase(`sqlite:${path}`, options);
    const segments = crlSegmentStore(database);
    const asked: { sql: string; bindings: (string | number)[] }[] = [];
    database.reader.on('query', ({ sql, bindings }) => asked.push({ sql, bindings }));
    const queries: Record<string, () => Promise<unknown>> = {
      revokedIn: () => segments.revokedIn('issuer', '7f', testTime),
      changedSegments: () => segments.changedSegments('issuer', 0),
      listedSegments: () => segments.filledSegments('issuer'),
      readChanges: () => statusStore(database).readChanges('issuer', 0, 10),
    };
    await queries[query]?.();
    const { sql, bindings } = asked[0] ?? { sql: '', bindings: [] };
    expect(sql).toContain('certificates');
    const steps: { detail: string }[] = await database.reader.raw(
      `EXPLAIN QUERY PLAN ${sql}`,
      bindings,
    );
    expect(steps.map(({ detail }) => detail)).toEqual(plan);
    await database.close();
  });
});

describe('the plans of the search for a path', () => {
  test('issuers are found by their names, statuses by serial number, anchors by theirs', async () => {
    const database = await openDatabase(`sqlite:${path}`, options);
    const asked: { sql: string; bindings: string[] }[] = [];
    database.reader.on('query', ({ sql, bindings }) => asked.push({ sql, bindings }));
    await pathFactStore(database).issuersNamed([Buffer.from('a'), Buffer.from('b')], ['1', '2']);
    await trustAnchorStore(database).anchorsNamed('org', 'v2g', ['a', 'b']);
    const plans: string[][] = [];
    for (const { sql, bindings } of [...asked]) {
      const plan = `EXPLAIN QUERY PLAN ${sql}`;
      const steps: { detail: string }[] = await database.reader.raw(plan, bindings);
      plans.push(steps.map(({ detail }) => detail));
    }
    const [issuers = [], anchors = []] = plans;
    expect(issuers).toContain('SEARCH issuers USING INDEX issuers_subject (subject=?)');
    expect(
      issuers.filter((step) => /^SCAN/.test(step) && !/^SCAN (above|found)$/.test(step)),
    ).toEqual([]);
    expect(issuers.some((step) => /asked USING INDEX .*serial=\?/.test(step))).toBe(true);
    expect(anchors[0]).toBe(
      'SEARCH trust_anchors USING INDEX trust_anchors_name (organization_id=? AND name_key=?)',
    );
    await database.close();
  });
});

describe('the plans of the search for a name', () => {
  test('C7: certificates are found by their common name, stations by each of theirs', async () => {
    const database = await openDatabase(`sqlite:${path}`, options);
    const asked: { sql: string; bindings: string[] }[] = [];
    database.reader.on('query', ({ sql, bindings }) => asked.push({ sql, bindings }));
    await stationStore(database).isNameOfOther({
      ...{ organizationId: 'org', stationId: 'CS-1', names: ['A', 'B'], now: testTime },
    });
    const plans: string[][] = [];
    for (const { sql, bindings } of [...asked]) {
      const steps: { detail: string }[] = await database.reader.raw(
        `EXPLAIN QUERY PLAN ${sql}`,
        bindings,
      );
      plans.push(
        steps.map(({ detail }) => detail).filter((detail) => / (USING|SCAN) /.test(` ${detail} `)),
      );
    }
    expect(plans).toEqual([
      ['stations_identity', 'stations_serial_number', 'stations_secc_id'].map((index) =>
        expect.stringMatching(
          `^SEARCH stations USING INDEX ${index} \\(organization_id=\\? AND <expr>=`,
        ),
      ),
      [
        'SEARCH certificates USING INDEX certificates_common_name ' +
          '(organization_id=? AND common_name=?)',
      ],
    ]);
    await database.close();
  });
});

describe('database URLs', () => {
  test.each([
    '',
    'sqlite:',
    'sqlite::memory:',
    'sqlite:file:x?mode=memory',
    'mysql://x/y',
    'evpki.db',
  ])('%j is refused', async (url) => {
    await expect(openDatabase(url, options)).rejects.toMatchObject({ code: 'database-url' });
  });
});
