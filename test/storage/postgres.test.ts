import { afterEach, describe, expect, test } from 'vitest';
import { verifyStream } from '../../src/pki/ledger.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { lockKey } from '../../src/storage/claims.ts';
import { crlStore } from '../../src/storage/crls.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { jobStore } from '../../src/storage/jobs.ts';
import { migrations } from '../../src/storage/migrations/migrations.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import {
  activeAuthority,
  audit,
  authorityRecords,
  changeStatus,
  good,
  issue,
  newId,
  pending,
  request,
  revoked,
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
      const failure = () =>
        write(async ({ knex }) => knex.raw('SELECT 1')).then(
          () => 'stored',
          (error: unknown) => error,
        );
      await expect.poll(failure).toMatchObject({ code: 'durability-too-weak' });
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
      const versions = await reader('schema_migrations').orderBy('version').pluck('version');
      expect(versions).toEqual(migrations.map(({ version }) => version));
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

    test.each(['read committed', 'repeatable read', 'serializable'])(
      'C3: of 30 concurrent certificates with one key one is recorded: %s',
      async (isolation) => {
        const database = await create();
        await database.query(
          `ALTER DATABASE ${database.name} SET default_transaction_isolation = '${isolation}'`,
        );
        const first = await open(database.url, 'process-1');
        const second = await open(database.url, 'process-2');
        const { organizationId, issuerId } = await activeAuthority(first);
        const spkiSha256 = newId('spki');
        const outcomes = await Promise.all(
          Array.from({ length: 30 }, (_, index) =>
            issuanceStore(index % 2 === 0 ? first : second).recordPending({
              certificate: pending(organizationId, issuerId, { spkiSha256 }),
            }),
          ),
        );
        expect(outcomes.filter(({ outcome }) => outcome === 'recorded')).toHaveLength(1);
        expect(outcomes.filter(({ outcome }) => outcome === 'key-in-use')).toHaveLength(29);
      },
    );

    test('C3: a key that is being blocked is waited for', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      const { spkiSha256, subject } = await issue(first, organizationId, issuerId);
      let recorded: Promise<unknown> = Promise.resolve();
      await first.write(async (tx) => {
        await lockKey(tx, spkiSha256);
        recorded = issuanceStore(second).recordPending({
          certificate: pending(organizationId, issuerId, { spkiSha256, subject }),
        });
        await new Promise((resolve) => setTimeout(resolve, 200));
        await tx.knex('blocked_keys').insert({
          spki_sha256: spkiSha256,
          reason: 'keyCompromise',
          created_at: testTime.toISOString(),
        });
      });
      expect(await recorded).toEqual({ outcome: 'key-blocked' });
    });

    test('A2: a root that is being revoked is waited for by those below it', async () => {
      const [first, second] = await openTwice();
      const root = await activeAuthority(first);
      const records = authorityRecords(root.organizationId);
      await authorityStore(first).createAuthority(records);
      const subjectIssuerId = records.issuer.id;
      await issue(first, root.organizationId, root.issuerId, { subjectIssuerId });
      let recorded: Promise<unknown> = Promise.resolve();
      await first.write(async ({ knex }) => {
        await knex('issuers').where({ id: root.issuerId }).update({ state: 'revoked' });
        recorded = issuanceStore(second).recordPending({
          certificate: pending(root.organizationId, subjectIssuerId),
        });
        await new Promise((resolve) => setTimeout(resolve, 200));
      });
      expect(await recorded).toEqual({ outcome: 'issuer-not-active' });
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

    test('O5: 20 concurrent status changes are numbered without gaps, in order of commit', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      const leaves = await Promise.all(
        Array.from({ length: 20 }, () => issue(first, organizationId, issuerId)),
      );
      // A reader must never see a number while a lower one is still to come.
      let done = false;
      const seen: string[] = [];
      const watching = (async () => {
        while (!done) {
          const changes = await statusStore(second).readChanges(issuerId, 0, 100);
          seen.push(changes.map(({ sequence }) => sequence).join());
        }
      })();
      const results = await Promise.all(
        leaves.map(({ id }, index) => changeStatus(index % 2 === 0 ? first : second, id, revoked)),
      );
      done = true;
      await watching;
      const numbers = results.map((result) =>
        result.outcome === 'changed' ? result.sequence : result.outcome,
      );
      const all = Array.from({ length: 20 }, (_, index) => index + 1);
      expect([...numbers].sort((a, b) => Number(a) - Number(b))).toEqual(all);
      const prefixes = new Set([...all.keys(), 20].map((count) => all.slice(0, count).join()));
      for (const list of seen) expect(prefixes).toContain(list);
    });

    test('O5: of two that change one certificate one is stale', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      for (let round = 0; round < 5; round += 1) {
        const { id } = await issue(first, organizationId, issuerId);
        const results = await Promise.all(
          [first, second].map((database) => changeStatus(database, id, revoked, { from: good })),
        );
        expect(results.map(({ outcome }) => outcome).sort()).toEqual(['changed', 'stale']);
      }
    });

    test('revoking and issuing at one issuer both come through', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      const leaves = await Promise.all(
        Array.from({ length: 20 }, () => issue(first, organizationId, issuerId)),
      );
      const outcomes = await Promise.all(
        leaves.flatMap(({ id }, index) => {
          const [one, other] = index % 2 === 0 ? [first, second] : [second, first];
          return [
            changeStatus(one, id, revoked).then(({ outcome }) => outcome),
            issue(other, organizationId, issuerId).then(() => 'issued'),
          ];
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(20);
      expect(outcomes.filter((outcome) => outcome === 'issued')).toHaveLength(20);
    });

    test('A2: nothing is issued after its issuer was revoked', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId, certificateId } = await activeAuthority(first);
      const issuing = Array.from({ length: 30 }, () =>
        issue(second, organizationId, issuerId).then(
          ({ id }) => id,
          () => undefined,
        ),
      );
      const revoking = changeStatus(first, certificateId, revoked, { revokesIssuerId: issuerId });
      const ids = await Promise.all(issuing);
      expect(await revoking).toMatchObject({ outcome: 'changed' });
      const issued: string[] = await first
        .reader('certificates')
        .where({ issuer_id: issuerId, state: 'issued' })
        .pluck('id');
      expect(issued.sort()).toEqual(ids.filter((id) => id !== undefined).sort());
      const pendingLeft = await first
        .reader('certificates')
        .where({ issuer_id: issuerId, state: 'pending' });
      expect(pendingLeft).toEqual([]);
    });

    test('R1: both reserve CRL numbers, none twice', async () => {
      const [first, second] = await openTwice();
      const { issuerId } = await activeAuthority(first);
      const numbers = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          crlStore(index % 2 === 0 ? first : second).reserveNumber(issuerId),
        ),
      );
      expect(new Set(numbers).size).toBe(30);
      expect(Math.max(...numbers)).toBe(30);
    });

    test('R1: both publish, the highest number stays and is whole', async () => {
      const [first, second] = await openTwice();
      const { organizationId, issuerId } = await activeAuthority(first);
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => {
          const number = index + 1;
          const crl = {
            issuerId,
            number,
            thisUpdate: testTime,
            nextUpdate: seconds(1),
            sequence: 0,
            length: 4,
          };
          const chunks = [number, number].map((octet) => Uint8Array.of(octet, octet));
          return crlStore(index % 2 === 0 ? first : second).publish(
            crl,
            chunks,
            audit(organizationId, 'crl.published', issuerId),
          );
        }),
      );
      expect(outcomes[7]).toBe('published');
      const store = crlStore(first);
      expect(await store.findCrl(issuerId)).toMatchObject({ number: 8, chunks: 2, length: 4 });
      for (const chunk of [0, 1]) {
        expect(await store.readChunk(issuerId, 8, chunk)).toEqual(Uint8Array.of(8, 8));
      }
      const published = outcomes.filter((outcome) => outcome === 'published').length;
      const entries = await first.reader('audit_entries').where({ action: 'crl.published' });
      expect(entries).toHaveLength(published);
    });

    test('both claim jobs, none twice', async () => {
      const [first, second] = await openTwice();
      const names = Array.from({ length: 60 }, (_, index) => `job-${index}`);
      await Promise.all(names.map((name) => jobStore(first).schedule(name, testTime)));
      const claims = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          jobStore(index % 2 === 0 ? first : second).claim(
            testTime,
            { owner: `process-${index % 2}`, until: seconds(60) },
            4,
          ),
        ),
      );
      for (const jobs of claims) expect(jobs.length).toBeLessThanOrEqual(4);
      expect(claims.flatMap((jobs) => jobs.map(({ name }) => name)).sort()).toEqual(names.sort());
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
