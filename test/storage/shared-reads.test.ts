import { expect, test } from 'vitest';
import { sharedRead } from '../../src/storage/shared-reads.ts';

/** A read that notes what it was asked for. */
function noted() {
  const asked: (readonly string[])[] = [];
  const read = sharedRead(async (keys) => {
    asked.push(keys);
    return (key) => `answer to ${key}`;
  });
  return { asked, read };
}

test('what is asked in one turn of the event loop is one query, each key once', async () => {
  const { asked, read } = noted();
  const answers = await Promise.all(['a', 'b', 'a'].map(read));
  expect(answers).toEqual(['answer to a', 'answer to b', 'answer to a']);
  expect(asked).toEqual([['a', 'b']]);
});

test('a read starts after it was asked for, never before', async () => {
  let state = 'old';
  const read = sharedRead(async () => {
    const seen = state;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return () => seen;
  });
  const early = read('key');
  // The query of the first caller is under way.
  await new Promise((resolve) => setTimeout(resolve, 2));
  state = 'new';
  expect(await Promise.all([early, read('key')])).toEqual(['old', 'new']);
});

test('no query has more keys than the databases take', async () => {
  const { asked, read } = noted();
  const keys = Array.from({ length: 450 }, (_, index) => `key ${index}`);
  expect(await Promise.all(keys.map(read))).toEqual(keys.map((key) => `answer to ${key}`));
  expect(asked.map(({ length }) => length)).toEqual([200, 200, 50]);
});

test('a failure is everybody’s who asked, and nobody else’s', async () => {
  let isGone = true;
  const read = sharedRead(async () => {
    if (isGone) throw new Error('the database is gone');
    return (key) => key;
  });
  const outcomes = await Promise.allSettled([read('a'), read('b')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isGone = false;
  expect(await read('a')).toBe('a');
});
