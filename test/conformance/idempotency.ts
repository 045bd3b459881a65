import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeptAnswer, KeyScope } from '../../src/services/idempotency-records.ts';
import type { Database } from '../../src/storage/database.ts';
import { idempotencyStore } from '../../src/storage/idempotency.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { newId, seconds } from './fixtures.ts';

const answer: KeptAnswer = {
  status: 201,
  location: '/v1/certificates/crt_1',
  contentType: 'application/json; charset=utf-8',
  body: '{"name":"ä \\u0000 \\"quoted\\""}',
};

export const idempotencyConforms = (name: string, open: OpenTestDatabase) =>
  describe(`idempotency keys on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = (database: Database = opened.database) => idempotencyStore(database);
    const newScope = (): KeyScope => ({
      principal: 'client:a',
      operation: 'issueCertificate',
      keySha256: newId('key'),
    });
    const take = (
      scope: KeyScope,
      { now = 0, owner = 'a', request = 'asked', database = opened.database } = {},
    ) =>
      store(database).takeKey({
        scope,
        requestSha256: request,
        lease: { owner, until: seconds(now + 100) },
        now: seconds(now),
        expiresAt: seconds(now + 1000),
      });

    test('K5 a key is taken once, and its answer kept as it was', async () => {
      const scope = newScope();
      expect(await store().findKey(scope, seconds(0))).toBeUndefined();
      expect(await take(scope)).toBe('taken');
      expect(await take(scope, { owner: 'b' })).toBe('not-free');
      expect(await store().findKey(scope, seconds(0))).toEqual({
        requestSha256: 'asked',
        leaseUntil: seconds(100),
      });
      expect(await store().keepAnswer(scope, 'a', answer)).toBe('kept');
      expect(await store().findKey(scope, seconds(1))).toEqual({ requestSha256: 'asked', answer });
      expect(await take(scope, { now: 500, owner: 'b' })).toBe('not-free');
    });

    test.each<[string, KeptAnswer]>([
      ['without a body', { status: 204 }],
      ['too large', { status: 201, location: '/x', withoutBody: true }],
    ])('an answer %s', async (_, kept) => {
      const scope = newScope();
      await take(scope);
      await store().keepAnswer(scope, 'a', kept);
      expect((await store().findKey(scope, seconds(1)))?.answer).toEqual(kept);
    });

    test.each<[string, Partial<KeyScope>]>([
      ['principal', { principal: 'client:b' }],
      ['operation', { operation: 'revokeCertificate' }],
    ])('K5 the same key of another %s is another key', async (_, other) => {
      const scope = newScope();
      await take(scope);
      await store().keepAnswer(scope, 'a', answer);
      expect(await store().findKey({ ...scope, ...other }, seconds(0))).toBeUndefined();
      expect(await take({ ...scope, ...other })).toBe('taken');
    });

    test('a dead owner loses the key when its lease ends, to the same request only', async () => {
      const scope = newScope();
      await take(scope, { owner: 'dead' });
      expect(await take(scope, { now: 99, owner: 'b' })).toBe('not-free');
      expect(await take(scope, { now: 100, owner: 'b', request: 'other' })).toBe('not-free');
      expect(await take(scope, { now: 100, owner: 'b' })).toBe('taken');
      expect(await store().keepAnswer(scope, 'dead', answer)).toBe('lease-lost');
      await store().releaseKey(scope, 'dead');
      expect(await store().keepAnswer(scope, 'b', answer)).toBe('kept');
      expect(await store().keepAnswer(scope, 'b', { status: 500 })).toBe('lease-lost');
    });

    test('a key that was given back was never there', async () => {
      const scope = newScope();
      await take(scope);
      await store().releaseKey(scope, 'a');
      expect(await store().findKey(scope, seconds(0))).toBeUndefined();
      expect(await take(scope, { request: 'other' })).toBe('taken');
    });

    test('what is over is free for anything, and deleted', async () => {
      const [over, alive] = [newScope(), newScope()];
      await take(over);
      await store().keepAnswer(over, 'a', answer);
      await take(alive, { now: 1 });
      expect(await store().findKey(over, seconds(1000))).toBeUndefined();
      expect(await take(over, { now: 1000, owner: 'b', request: 'other' })).toBe('taken');
      expect((await store().findKey(over, seconds(1000)))?.answer).toBeUndefined();
      expect(await store().deleteExpiredKeys(seconds(1001))).toBeGreaterThan(0);
      expect(await store().findKey(alive, seconds(1000))).toBeUndefined();
      expect(await store().findKey(over, seconds(1001))).toBeDefined();
    });

    test('the keys of a principal are counted, whatever they are for, and no further than asked', async () => {
      const mine = { ...newScope(), principal: `client:${newId('cli')}` };
      expect(await store().countKeys(mine.principal, 10)).toBe(0);
      for (const operation of ['issueCertificate', 'revokeCertificate', 'createApiClient']) {
        await take({ ...newScope(), operation, principal: mine.principal });
      }
      await take(mine);
      await store().keepAnswer(mine, 'a', answer);
      await take({ ...newScope(), principal: `${mine.principal}x` });
      expect(await store().countKeys(mine.principal, 10)).toBe(4);
      expect(await store().countKeys(mine.principal, 3)).toBe(3);
      await store().deleteExpiredKeys(seconds(1000));
      expect(await store().countKeys(mine.principal, 10)).toBe(0);
    });

    test('counting the keys of one reads an index only, and nobody else is in the way', async () => {
      const { reader, dialect } = opened.database;
      const question = `SELECT principal FROM idempotency_keys WHERE principal = 'client:a' LIMIT 9`;
      if (dialect === 'sqlite') {
        const [{ detail }] = await reader.raw(`EXPLAIN QUERY PLAN ${question}`);
        expect(detail).toMatch(/USING COVERING INDEX .* \(principal=\?\)/);
        return;
      }
      let plan = '';
      await reader.transaction(async (tx) => {
        // Whatever it would do for the few rows that are there now.
        await tx.raw('SET LOCAL enable_seqscan = off');
        await tx.raw('SET LOCAL enable_bitmapscan = off');
        plan = JSON.stringify((await tx.raw(`EXPLAIN ${question}`)).rows);
      });
      expect(plan).toMatch(/Index Only Scan using idempotency_keys_pkey/);
      expect(plan).toMatch(/Index Cond: \(principal = /);
    });

    test('K5 of many at once one takes it, in whatever process', async () => {
      const databases = [opened.database];
      if (opened.database.dialect === 'postgres') databases.push(await opened.open('process-2'));
      for (let round = 0; round < 5; round++) {
        const scope = newScope();
        const outcomes = await Promise.all(
          Array.from({ length: 30 }, (_, index) =>
            take(scope, {
              owner: `owner-${index}`,
              database: databases[index % databases.length] ?? opened.database,
            }),
          ),
        );
        expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(1);
        const winner = `owner-${outcomes.indexOf('taken')}`;
        expect(await store().keepAnswer(scope, winner, answer)).toBe('kept');
      }
    });
  });
