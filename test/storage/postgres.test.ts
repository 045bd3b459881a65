import { afterEach, describe, expect, test } from 'vitest';
import { verifyStream } from '../../src/pki/ledger.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import {
  activeAuthority,
  issue,
  newId,
  pending,
  request,
  seconds,
} from '../conformance/fixtures.ts';
import { startDatabaseProcess } from '../support/database-process.ts';
import { testTime } from '../support/databases.ts';
import {
  createPostgresDatabase,
  type PostgresDatabase,
  postgresIsAvailable,
  testPostgresRequirement,
} from '../support/postgres.ts';

let created: PostgresDatabase | undefined;
const opened: Database[] = [];
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  await created?.drop();
  created = undefined;
});

async function create(clauses = ''): Promise<PostgresDatabase> {
  created = await createPostgresDatabase(clauses);
  return created;
}

async function open(url: string, processId: string): Promise<Database> {
  const database = await openDatabase(url, { clock: () => testTime, processId });
  opened.push(database);
  return database;
}

/** The same database through two processes' eyes. */
async function openTwice(first = 'process-1', second = 'process-2') {
  const { url } = await create();
  return [await open(url, first), await open(url, second)] as const;
}

// Chosen when tests are collected; the last test of this file fails where it is required.
if (postgresIsAvailable) {
  describe('opening PostgreSQL', () => {
    test('weaker durability is refused with every reason', async () => {
      const database = await create(
        `ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
      );
      await database.query(`ALTER DATABASE ${database.name} SET synchronous_commit = off`);
      const { url } = database;
      await expect(open(url, 'process-1')).rejects.toMatchObject({
        code: 'durability-too-weak',
        reasons: ['synchronous_commit is "off"', 'server_encoding is "SQL_ASCII", not "UTF8"'],
      });
    });

    test('a session that is opened later is checked too', async () => {
      const database = await create();
      const { write } = await open(database.url, 'process-1');
      await database.query(`ALTER DATABASE ${database.name} SET synchronous_commit = off`);
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = '${database.name}' AND pid <> pg_backend_pid()`,
      );
      // Whether it is the old session that is found dead, or the new one that is refused.
      let failure: unknown;
      for (let attempt = 0; attempt < 5; attempt += 1) {
        failure = await write(async ({ knex }) => knex.raw('SELECT 1')).then(
          () => 'stored',
          (error: unknown) => error,
        );
        if (failure !== 'stored') await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(failure).toMatchObject({ code: 'durability-too-weak' });
    });

    test('a work whose session is ended before COMMIT runs again in a new one', async () => {
      const database = await create();
      const { write } = await open(database.url, 'process-1');
      let runs = 0;
      const work = write(async ({ knex }) => {
        runs += 1;
        if (runs === 1) {
          await database.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = '${database.name}' AND pid <> pg_backend_pid()`,
          );
        }
        await knex.raw('SELECT 1');
        return runs;
      });
      expect(await work).toBe(2);
    });

    test('passwords stay out of messages', async () => {
      const { url, name, query } = await create();
      await query(`ALTER DATABASE ${name} SET synchronous_commit = off`);
      const secret = new URL(url);
      secret.password = 'canary';
      const error: unknown = await open(secret.href, 'process-1').catch((thrown) => thrown);
      expect(String(error)).toContain(name);
      expect(String(error)).not.toContain('canary');
    });

    test('several processes that start at once migrate once', async () => {
      const { url } = await create();
      const children = await Promise.all(
        ['a', 'b', 'c'].map((processId) => startDatabaseProcess(url, processId)),
      );
      expect(children.map(({ answer }) => answer)).toEqual(['open', 'open', 'open']);
      await Promise.all(children.map((child) => child.kill()));
      const { reader } = await open(url, 'process-1');
      expect(await reader('schema_migrations').pluck('version')).toEqual([1]);
    });

    test('many starts at once in one process migrate once', async () => {
      const { url } = await create();
      await Promise.all(Array.from({ length: 6 }, (_, index) => open(url, `process-${index}`)));
      expect(await auditStore(opened[0] as Database).listStreams()).toHaveLength(6);
    });
  });

  describe('two processes on one PostgreSQL', () => {
    test('S2: they issue concurrently without giving a serial number away twice', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      // Both draw the same 40 numbers.
      const attempts = [first, second].flatMap((database, index) =>
        Array.from({ length: 40 }, (_, number) =>
          issue(database, organizationId, issuerId, {
            certificate: {
              serial: `s${number}`,
              lease: { owner: `process-${index}`, until: seconds(60) },
            },
          }).then(
            () => 'issued',
            (error: Error) => error.message,
          ),
        ),
      );
      const outcomes = await Promise.all(attempts);
      expect(outcomes.filter((outcome) => outcome === 'issued')).toHaveLength(40);
      expect(outcomes.filter((outcome) => outcome === 'serial-taken')).toHaveLength(40);
      const page = await certificateStore(second).listCertificates(
        { issuerIds: [issuerId], profile: 'leaf', state: 'issued' },
        { limit: 100 },
      );
      expect(new Set(page.items.map(({ serial }) => serial)).size).toBe(41);
    });

    test('K5: of 50 concurrent requests with one repeat key one is recorded', async () => {
      const [first, second] = await openTwice();
      const { organizationId, authorityId, issuerId } = await activeAuthority(first);
      const keys = [newId('key'), newId('key')];
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          issuanceStore(index % 2 === 0 ? first : second).recordPending({
            certificate: pending(organizationId, issuerId),
            // Two keys in both orders, so that the processes can block each other.
            request: request(organizationId, authorityId, {
              repeatKey: keys[(index + (index % 4 < 2 ? 0 : 1)) % 2] ?? '',
            }),
          }),
        ),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'recorded')).toHaveLength(2);
      expect(outcomes.filter(({ outcome }) => outcome === 'repeat')).toHaveLength(48);
    });

    test('A2: an issuer that is being retired is waited for', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      const order: string[] = [];
      let recorded: Promise<unknown> = Promise.resolve();
      await first.write(async ({ knex }) => {
        await knex('issuers').where({ id: issuerId }).update({ state: 'retired' });
        recorded = issuanceStore(second)
          .recordPending({ certificate: pending(organizationId, issuerId) })
          .finally(() => order.push('recorded'));
        await new Promise((resolve) => setTimeout(resolve, 200));
        order.push('retired');
      });
      expect(await recorded).toEqual({ outcome: 'issuer-not-active' });
      expect(order).toEqual(['retired', 'recorded']);
    });

    test('S3: both recover at once, each row is abandoned once', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      const lease = { owner: 'dead', until: seconds(-1) };
      await Promise.all(
        Array.from({ length: 30 }, () =>
          issuanceStore(first).recordPending({
            certificate: pending(organizationId, issuerId, { lease }),
          }),
        ),
      );
      const counts = await Promise.all(
        [first, second].map((database) => issuanceStore(database).abandonExpired(testTime)),
      );
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30);
      const entries: string[] = await first
        .reader('audit_entries')
        .where({ action: 'certificate.abandoned' })
        .pluck('subject');
      expect(new Set(entries).size).toBe(30);
      expect(entries).toHaveLength(30);
    });

    test('K6: even under one process id their audit stream does not fork', async () => {
      const [first, second] = await openTwice('same', 'same');
      const { organizationId, issuerId } = await activeAuthority(first);
      await Promise.all(
        [first, second, first, second].map((database) => issue(database, organizationId, issuerId)),
      );
      const store = auditStore(first);
      const [head] = await store.listStreams();
      const verdict = verifyStream(await store.readStream('same', 0, 100));
      expect(verdict).toEqual({
        ok: true,
        head: { sequence: head?.sequence, hash: head?.hash },
      });
    });
  });
}

testPostgresRequirement();
