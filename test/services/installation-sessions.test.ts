import { describe, expect, test } from 'vitest';
import {
  afterDelivery,
  deliveryOrder,
  type InstallationSession,
  sessionKey,
} from '../../src/services/installation-sessions.ts';

/** A car that asks again and again, of whose contracts some cannot be had. */
function asking(offered: readonly string[], without: readonly string[] = [], most = 9) {
  let session: InstallationSession | undefined;
  let requests = 0;
  return (offeredNow = offered, repeats = false): [string | undefined, number] => {
    if (!repeats) requests += 1;
    const requestSha256 = String(requests);
    const car = { contracts: offeredNow, most, session, requestSha256 };
    const order = deliveryOrder(car);
    expect([...order].sort()).toEqual([...offeredNow].sort());
    const id = order.find((one) => !without.includes(one));
    if (id === undefined) return [undefined, 0];
    const { delivered, remaining } = afterDelivery(car, order, id);
    expect(new Set(delivered).size).toBe(delivered.length);
    session = { key: 'key', requestSha256, delivered, updatedAt: new Date(0) };
    return [id, remaining];
  };
}

describe('the contracts of a car in one session', () => {
  test('come one after the other, and from the beginning when it has all of them', () => {
    const next = asking(['a', 'b', 'c']);
    const got = [1, 2, 3, 4, 5].map(() => next());
    expect(got).toEqual([
      ['a', 2],
      ['b', 1],
      ['c', 0],
      ['a', 2],
      ['b', 1],
    ]);
  });

  test('come again to a car that repeats its request', () => {
    const next = asking(['a', 'b']);
    expect([next(), next(undefined, true), next(undefined, true)]).toEqual(Array(3).fill(['a', 1]));
    expect([next(), next(undefined, true)]).toEqual([
      ['b', 0],
      ['b', 0],
    ]);
    expect(next()).toEqual(['a', 1]);
  });

  test('are counted without those that cannot be had, and end', () => {
    const next = asking(['a', 'b', 'c'], ['a', 'c']);
    expect(next()).toEqual(['b', 1]);
    expect(next()).toEqual(['b', 0]);
    const first = asking(['a', 'b'], ['a']);
    expect(first()).toEqual(['b', 0]);
  });

  test('are as many as the car takes, whether those before them can be had or not', () => {
    const two = asking(['a', 'b', 'c', 'd'], [], 2);
    expect([two(), two(undefined, true), two(), two(undefined, true), two()]).toEqual([
      ['a', 1],
      ['a', 1],
      ['b', 0],
      ['b', 0],
      ['a', 1],
    ]);
    const second = asking(['a', 'b', 'c', 'd'], ['a'], 2);
    expect([second(), second(), second()]).toEqual([
      ['b', 1],
      ['c', 0],
      ['b', 1],
    ]);
    const last = asking(['a', 'b', 'c'], ['a', 'b'], 2);
    expect([last(), last()]).toEqual([
      ['c', 0],
      ['c', 0],
    ]);
  });

  test('may become more or fewer in between', () => {
    const next = asking(['a', 'b']);
    expect(next()).toEqual(['a', 1]);
    expect(next(['b', 'c', 'a'])).toEqual(['b', 1]);
    expect(next(['c', 'a'])).toEqual(['c', 0]);
    expect(next(['b', 'c'], true)).toEqual(['c', 0]);
    expect(next(['b'], true)).toEqual(['b', 0]);
  });

  test('are never fewer than none when the same request comes with a lower limit', () => {
    // The limit of the charger is beside the request, not in it.
    const contracts = ['a', 'b', 'c', 'd'];
    for (let got = 1; got <= contracts.length; got += 1) {
      const delivered = contracts.slice(0, got);
      const session = { key: 'key', requestSha256: 'same', delivered, updatedAt: new Date(0) };
      for (let most = 1; most <= contracts.length; most += 1) {
        for (const requestSha256 of ['same', 'another']) {
          const car = { contracts, most, session, requestSha256 };
          const order = deliveryOrder(car);
          for (const id of order) {
            const { remaining } = afterDelivery(car, order, id);
            expect(remaining).toBeGreaterThanOrEqual(0);
            expect(remaining).toBeLessThan(most);
          }
        }
      }
      const lower = { contracts, most: 1, session, requestSha256: 'same' };
      const again = delivered.at(-1) ?? '';
      expect(deliveryOrder(lower)[0]).toBe(again);
      expect(afterDelivery(lower, deliveryOrder(lower), again).remaining).toBe(0);
    }
  });

  test('are remembered for this car and this session alone', () => {
    const [one, two] = [Buffer.alloc(8, 1), Buffer.alloc(8, 2)];
    const keys = [sessionKey('A', one), sessionKey('A', two), sessionKey('B', one)];
    expect(new Set(keys).size).toBe(3);
    expect(sessionKey('A', one)).toBe(keys[0]);
  });
});
