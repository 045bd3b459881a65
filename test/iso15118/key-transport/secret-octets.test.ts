import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { secretOctets } from '../../../src/iso15118/key-transport/secret-octets.ts';

test('K2 secrets are in memory that the garbage collector does not move', () => {
  const count = 20_000;
  // What others left is not taken away while these are made.
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const before = process.memoryUsage().arrayBuffers;
  const kept = Array.from({ length: count }, () => secretOctets(32));
  // What is outside of the heap is counted here, and nothing else.
  const grown = process.memoryUsage().arrayBuffers - before;
  expect(grown).toBeGreaterThan(count * 32 * 0.9);
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBe(count);
});

test('they are zeros of the length that was asked for', () => {
  for (const length of [0, 1, 32, 57, 66, 4096]) {
    expect([...secretOctets(length)]).toEqual(new Array(length).fill(0));
  }
});
