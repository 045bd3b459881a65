import { beforeEach, describe, expect, test } from 'vitest';
import { StatusCache } from '../../src/services/status-cache.ts';
import { StatusConfirmation } from '../../src/services/status-confirmation.ts';
import { gate, MadeUpStatuses, revoked } from '../support/responder.ts';

const ready = {
  der: new Uint8Array(1),
  thisUpdate: new Date('2026-11-22T10:00:00Z'),
  nextUpdate: new Date('2026-11-23T10:00:00Z'),
  says: 'good' as const,
};

describe('hearing of what other processes change', () => {
  let store: MadeUpStatuses;
  let cache: StatusCache;
  let time: { now: number };
  let confirmation: StatusConfirmation;
  beforeEach(() => {
    store = new MadeUpStatuses();
    cache = new StatusCache();
    time = { now: 1_000 };
    confirmation = new StatusConfirmation(store, cache, () => time.now);
  });

  /** As the responder reads for the first time. */
  const observeFirst = (issuer = 'ca') => {
    confirmation.watch(issuer);
    return confirmation.observe(issuer, 0);
  };
  const remember = (serial: string, issuer = 'ca') =>
    cache.put(issuer, serial, 'id', ready, cache.version(issuer));
  const isRemembered = (serial: string, issuer = 'ca') =>
    cache.find(issuer, serial, 'id', ready.thisUpdate) !== undefined;
  const change = (serial: string, issuer = 'ca') => store.set(issuer, serial, revoked());

  test('O5 a poll forgets what has changed, and nothing else', async () => {
    await observeFirst();
    await observeFirst('other');
    for (const serial of ['1', '2']) remember(serial);
    remember('1', 'other');
    change('1');
    await confirmation.poll();
    expect([isRemembered('1'), isRemembered('2'), isRemembered('1', 'other')]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('nothing is read up on while nothing changes', async () => {
    await observeFirst();
    for (let count = 0; count < 3; count++) await confirmation.poll();
    expect(store.counts).toMatchObject({ polls: 3, changes: 0 });
    change('1');
    for (let count = 0; count < 3; count++) await confirmation.poll();
    expect(store.counts).toMatchObject({ polls: 6, changes: 1 });
  });

  test('O5 a first read that ends after a poll does not bring back what was before it', async () => {
    confirmation.watch('ca');
    change('1');
    await confirmation.poll();
    expect(await confirmation.observe('ca', 0)).toBe(false);
    expect(await confirmation.observe('ca', 1)).toBe(true);
  });

  test('O5 of two concurrent first reads the older one is told to read again', async () => {
    expect(await confirmation.observe('ca', 6)).toBe(true);
    expect(await confirmation.observe('ca', 5)).toBe(false);
    expect(await confirmation.observe('ca', 6)).toBe(true);
  });

  test('O5 of two concurrent first reads the newer one forgets what the older one left', async () => {
    expect(await confirmation.observe('ca', 0)).toBe(true);
    const version = cache.version('ca');
    change('1');
    remember('1');
    expect(await confirmation.observe('ca', 1)).toBe(true);
    expect(isRemembered('1')).toBe(false);
    expect(cache.put('ca', '1', 'id', ready, version)).toBe(false);
  });

  test('O5 two that read up at the same time leave nothing out', async () => {
    await observeFirst();
    for (const serial of ['1', '2', '3']) remember(serial);
    const slow = gate();
    const plain = store.readChanges.bind(store);
    store.readChanges = async (...args) => {
      const changes = await plain(...args);
      await slow.pass();
      return changes;
    };
    change('1');
    const first = slow.close();
    const older = confirmation.observe('ca', 1);
    await first.arrived;
    change('2');
    const second = slow.close();
    const newer = confirmation.observe('ca', 2);
    await second.arrived;
    // The newer one is done first: the older one must not take the known number back.
    second.open();
    expect(await newer).toBe(true);
    first.open();
    expect(await older).toBe(false);
    expect(['1', '2', '3'].map((serial) => isRemembered(serial))).toEqual([false, false, true]);
    change('3');
    await confirmation.poll();
    expect(isRemembered('3')).toBe(false);
  });

  test('each change counts once, whoever reads up on it and whoever made it', async () => {
    await observeFirst();
    change('1');
    change('2');
    await Promise.all([1, 2, 2].map((sequence) => confirmation.observe('ca', sequence)));
    expect(cache.version('ca')).toBe(2);
    change('3');
    cache.evict('ca', '3');
    confirmation.madeHere('ca', 3);
    await confirmation.poll();
    expect(cache.version('ca')).toBe(3);
  });

  test('O5 a change made here does not hide one made elsewhere before it', async () => {
    await observeFirst();
    remember('1');
    change('1');
    change('2');
    cache.evict('ca', '2');
    confirmation.madeHere('ca', 2);
    await confirmation.poll();
    expect(isRemembered('1')).toBe(false);
  });

  test('more changes than one read brings are read to the end', async () => {
    await observeFirst();
    const serials = Array.from({ length: 2_500 }, (_, index) => String(index));
    for (const serial of serials) remember(serial);
    remember('kept');
    for (const serial of serials) change(serial);
    await confirmation.poll();
    expect(serials.filter((serial) => isRemembered(serial))).toEqual([]);
    expect(isRemembered('kept')).toBe(true);
    expect(store.counts.changes).toBe(3);
  });

  test('what could not be read up on is read up on next time', async () => {
    await observeFirst();
    remember('1');
    change('1');
    const plain = store.readChanges.bind(store);
    store.readChanges = () => Promise.reject(new Error('gone in between'));
    await expect(confirmation.poll()).rejects.toThrow('gone in between');
    expect(isRemembered('1')).toBe(true);
    store.readChanges = plain;
    await confirmation.poll();
    expect(isRemembered('1')).toBe(false);
  });

  test.each([
    [0, true],
    [5_000, true],
    [5_001, false],
  ])('O5 %i ms after the last answer of the database memory is fresh: %s', async (age, fresh) => {
    time.now += 60_000;
    await confirmation.poll();
    time.now += age;
    expect(confirmation.isFresh).toBe(fresh);
  });

  test('a poll that fails confirms nothing; one that succeeds does again', async () => {
    await observeFirst();
    store.isGone = true;
    for (let second = 0; second < 6; second++) {
      time.now += 1_000;
      await expect(confirmation.poll()).rejects.toThrow('gone');
    }
    expect(confirmation.isFresh).toBe(false);
    store.isGone = false;
    await confirmation.poll();
    expect(confirmation.isFresh).toBe(true);
  });

  test('a poll that could not read up on changes confirms nothing', async () => {
    await observeFirst();
    change('1');
    time.now += 6_000;
    store.readChanges = () => Promise.reject(new Error('gone in between'));
    await expect(confirmation.poll()).rejects.toThrow();
    expect(confirmation.isFresh).toBe(false);
  });

  test('an answer of the database confirms the moment of the question, not its own', async () => {
    const slow = gate();
    store.delay = async (answer) => {
      await slow.pass();
      return answer;
    };
    await observeFirst();
    const asked = slow.close();
    const polling = confirmation.poll();
    await asked.arrived;
    time.now += 5_001;
    asked.open();
    await polling;
    expect(confirmation.isFresh).toBe(false);
  });
});
