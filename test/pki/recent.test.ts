import { expect, test } from 'vitest';
import { recent } from '../../src/pki/recent.ts';

/** What was made, in the order in which it was. */
function counting(limit: number) {
  const made: string[] = [];
  const of = recent<{ readonly key: string }>(limit);
  const ask = (key: string) =>
    of(key, () => {
      made.push(key);
      return { key };
    });
  return { made, ask };
}

test('is made once while it is asked for', () => {
  const { made, ask } = counting(4);
  const first = ask('a');
  for (let round = 0; round < 100; round++) {
    expect(ask('a')).toBe(first);
    ask(`other ${round}`);
  }
  expect(made.filter((key) => key === 'a')).toEqual(['a']);
});

test('W1 as many are kept as the limit says, half of them at least', () => {
  for (const limit of [2, 3, 8, 1_000]) {
    const { made, ask } = counting(limit);
    const keys = Array.from({ length: 5 * limit }, (_, index) => String(index));
    for (const key of keys) ask(key);
    const before = made.length;
    // Those that came last are there; of all there are no more than the limit.
    for (const key of keys.slice(-Math.floor(limit / 2))) ask(key);
    expect(made.length).toBe(before);
    for (const key of [...keys].reverse()) ask(key);
    expect(before + keys.length - made.length).toBeLessThanOrEqual(limit);
  }
});

test('what throws is not kept', () => {
  const of = recent<object>(2);
  expect(() =>
    of('a', () => {
      throw new Error('not now');
    }),
  ).toThrow('not now');
  const value = {};
  expect(of('a', () => value)).toBe(value);
});

test('of values of one text that are not the one that is meant none is given', () => {
  const of = recent<{ readonly value: number }>(4);
  const made: number[] = [];
  const ask = (key: string, value: number) =>
    of(
      key,
      () => {
        made.push(value);
        return { value };
      },
      (one) => one.value === value,
    ).value;
  const asked = [1, 1, 2, 2, 1, 1];
  expect(asked.map((value) => ask('a', value))).toEqual(asked);
  expect(made).toEqual([1, 2, 1]);
  // In whichever of the two maps it is.
  for (const key of ['b', 'c']) ask(key, 0);
  expect([ask('a', 1), ask('a', 2), ask('a', 2)]).toEqual([1, 2, 2]);
  expect(made).toEqual([1, 2, 1, 0, 0, 2]);
  for (const key of ['d', 'e']) ask(key, 0);
  expect([ask('a', 3), ask('a', 3)]).toEqual([3, 3]);
  expect(made).toEqual([1, 2, 1, 0, 0, 2, 0, 0, 3]);
});
