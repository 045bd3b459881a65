import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBuckets } from '../../../src/http/api/token-buckets.ts';

const buckets = (change = {}) => new TokenBuckets({ burst: 3, perSecond: 2, keys: 100, ...change });

describe('W10 token buckets', () => {
  test('give the burst, then what has flowed in since', () => {
    const some = buckets();
    expect([1, 2, 3, 4].map(() => some.take('a', 1000))).toEqual([0, 0, 0, 500]);
    expect(some.take('a', 1250)).toBe(250);
    expect([some.take('a', 1500), some.take('a', 1500)]).toEqual([0, 500]);
  });

  test('a refusal costs nothing: whoever waits as long as told gets one', () => {
    const some = buckets({ perSecond: 0.5 });
    while (some.take('a', 0) === 0);
    const wait = some.take('a', 700);
    for (let now = 700; now < 700 + wait; now += 100) some.take('a', now);
    expect(some.take('a', 700 + wait)).toBe(0);
  });

  test('never hold more than the burst', () => {
    const some = buckets();
    some.take('a', 0);
    expect([1, 2, 3, 4].map(() => some.take('a', 1e9) === 0)).toEqual([true, true, true, false]);
  });

  test('of one key leave those of others alone', () => {
    const some = buckets();
    while (some.take('a', 0) === 0);
    expect(some.take('b', 0)).toBe(0);
  });

  test('are bounded in number; the one that took nothing for longest goes', () => {
    const some = buckets({ keys: 3 });
    for (let taken = 0; taken < 3; taken++) some.take('drained', 0);
    for (const key of ['b', 'c']) some.take(key, 0);
    some.take('b', 1);
    expect(some.take('drained', 1)).toBeGreaterThan(0);
    for (let key = 0; key < 1000; key++) some.take(`other ${key}`, 2);
    expect(some.size).toBe(3);
    expect(some.take('drained', 2)).toBe(0);
  });

  test('a clock that stands still or goes back gives nothing', () => {
    const some = buckets();
    while (some.take('a', 1000) === 0);
    expect(some.take('a', 0)).toBeGreaterThan(0);
    expect(some.take('a', 1000)).toBeGreaterThan(0);
  });

  test('over any time never give more than burst and rate together', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 200 }), (pauses) => {
        const some = buckets();
        let now = 0;
        let given = 0;
        for (const pause of pauses) {
          now += pause;
          if (some.take('a', now) === 0) given += 1;
        }
        return given <= 3 + (now / 1000) * 2 + 1e-6;
      }),
    );
  });
});
