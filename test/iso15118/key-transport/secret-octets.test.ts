import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { secretOctets } from '../../../src/iso15118/key-transport/secret-octets.ts';

/**
 * Octets outside of the heap when nothing is left to be freed there. One collection is not enough:
 * what other tests of this process left is freed behind it, in a thread of its own.
 */
async function outsideOfHeap(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let least = Number.POSITIVE_INFINITY;
  for (let unchanged = 0; unchanged < 3; ) {
    collect();
    await setTimeout(10);
    const { arrayBuffers } = process.memoryUsage();
    unchanged = arrayBuffers < least ? 0 : unchanged + 1;
    least = Math.min(least, arrayBuffers);
  }
  return least;
}

test('K2 secrets are in memory that the garbage collector does not move', async () => {
  const count = 100_000;
  const before = await outsideOfHeap();
  const kept = Array.from({ length: count }, () => secretOctets(32));
  // What is outside of the heap is counted here, and nothing else.
  const grown = (await outsideOfHeap()) - before;
  expect(grown).toBeGreaterThan(count * 32 * 0.5);
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBe(count);
});

test('they are zeros of the length that was asked for', () => {
  for (const length of [0, 1, 32, 57, 66, 4096]) {
    expect([...secretOctets(length)]).toEqual(new Array(length).fill(0));
  }
});
