import { describe, expect, test } from 'vitest';
import { createKeyLimit } from '../../src/services/idempotency-limit.ts';

const LIMIT = 5;

/** A table with so many keys of each principal, and how often it was counted. */
function tableOf(keys: Record<string, number>) {
  const table = { keys, counts: 0, fails: false };
  const store = {
    async countKeys(principal: string, upTo: number) {
      table.counts += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (table.fails) throw new Error('the database does not answer');
      return Math.min(table.keys[principal] ?? 0, upTo);
    },
  };
  return { table, store };
}

const outcomes = async (takes: readonly Promise<void>[]) =>
  (await Promise.allSettled(takes)).map((one) =>
    one.status === 'fulfilled' ? 'taken' : (one.reason as { code?: string }).code,
  );

describe('K5 the keys that a principal may have on record', () => {
  test('are as many as are allowed, also of those who come at once', async () => {
    const { store, table } = tableOf({ a: 2 });
    const limit = createKeyLimit(store, LIMIT, () => 0);
    const some = Array.from({ length: 10 }, () => limit.take('a'));
    expect(await outcomes(some)).toEqual([
      ...Array(3).fill('taken'),
      ...Array(7).fill('idempotency-keys-used-up'),
    ]);
    await limit.take('b');
    expect(table.counts).toBe(2);
  });

  test('do not have the table counted again and again, even at the limit', async () => {
    let now = 0;
    const { store, table } = tableOf({ a: LIMIT });
    const limit = createKeyLimit(store, LIMIT, () => now);
    for (let call = 0; call < 100; call++) {
      await expect(limit.take('a')).rejects.toMatchObject({ code: 'idempotency-keys-used-up' });
    }
    expect(table.counts).toBe(1);
    now = 9_999;
    await expect(limit.take('a')).rejects.toThrow();
    // Some are over; and what others have taken is seen as well.
    table.keys.a = LIMIT - 1;
    now = 10_000;
    await limit.take('a');
    await expect(limit.take('a')).rejects.toThrow();
    expect(table.counts).toBe(2);
  });

  test('become free as soon as they are given back', async () => {
    const { store, table } = tableOf({ a: LIMIT - 1 });
    const limit = createKeyLimit(store, LIMIT, () => 0);
    for (let call = 0; call < 100; call++) {
      await limit.take('a');
      limit.giveBack('a');
    }
    await limit.take('a');
    await expect(limit.take('a')).rejects.toThrow();
    expect(table.counts).toBe(1);
    limit.giveBack('never-seen');
  });

  test('are counted again at once when that has failed', async () => {
    const { store, table } = tableOf({});
    const limit = createKeyLimit(store, LIMIT, () => 0);
    table.fails = true;
    await expect(limit.take('a')).rejects.toThrow('the database does not answer');
    table.fails = false;
    await limit.take('a');
  });

  test('are any number at 0', async () => {
    const { store, table } = tableOf({ a: 1_000_000 });
    const limit = createKeyLimit(store, 0, () => 0);
    await limit.take('a');
    limit.giveBack('a');
    expect(table.counts).toBe(0);
  });
});
