import { describe, expect, test } from 'vitest';
import { postgresWeaknesses, refuseWeak, sqliteWeaknesses } from '../../src/storage/durability.ts';

const sqlite = { journal_mode: 'wal', synchronous: '2', foreign_keys: '1', busy_timeout: '5000' };
const postgres = {
  synchronous_commit: 'on',
  fsync: 'on',
  full_page_writes: 'on',
  server_encoding: 'UTF8',
  server_version_num: '130000',
};

describe('what SQLite promises', () => {
  test.each([sqlite, { ...sqlite, synchronous: '3' }])('%j is enough', (settings) => {
    expect(sqliteWeaknesses(settings)).toEqual([]);
  });

  test.each([
    [{ journal_mode: 'delete' }, 'journal_mode'],
    [{ journal_mode: 'memory' }, 'journal_mode'],
    [{ synchronous: '1' }, 'synchronous'],
    [{ synchronous: '0' }, 'synchronous'],
    [{ synchronous: '' }, 'synchronous'],
    [{ foreign_keys: '0' }, 'foreign_keys'],
    [{ busy_timeout: '0' }, 'busy_timeout'],
    [{ busy_timeout: '' }, 'busy_timeout'],
  ])('%j is too weak', (change, named) => {
    const reasons = sqliteWeaknesses({ ...sqlite, ...change });
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain(named);
  });
});

describe('what PostgreSQL promises', () => {
  test.each([
    postgres,
    { ...postgres, synchronous_commit: 'remote_apply' },
    { ...postgres, synchronous_commit: 'local' },
    { ...postgres, fsync: null, full_page_writes: null },
  ])('%j is enough', (settings) => {
    expect(postgresWeaknesses(settings)).toEqual([]);
  });

  test.each([
    [{ synchronous_commit: 'off' }, 'synchronous_commit'],
    [{ fsync: 'off' }, 'fsync'],
    [{ full_page_writes: 'off' }, 'full_page_writes'],
    [{ server_encoding: 'SQL_ASCII' }, 'server_encoding'],
    [{ server_version_num: '120022' }, 'server_version_num'],
  ])('%j is too weak', (change, named) => {
    const reasons = postgresWeaknesses({ ...postgres, ...change });
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain(named);
  });

  test('every reason is told at once', () => {
    const weak = postgresWeaknesses({ ...postgres, fsync: 'off', synchronous_commit: 'off' });
    expect(() => refuseWeak('the database', weak)).toThrow(
      expect.objectContaining({ code: 'durability-too-weak', reasons: weak }),
    );
    expect(weak).toHaveLength(2);
  });
});
