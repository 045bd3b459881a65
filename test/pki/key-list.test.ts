import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { emptyKeyList, readKeyList } from '../../src/pki/key-list.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const listOf = (text: string) => {
  const result = readKeyList(text);
  if (!result.ok) throw new Error(`lines ${result.lines.join(', ')}`);
  return result.list;
};

describe('C3 lists of known keys', () => {
  test('finds every key that is in it, and no other', () => {
    const hashes = Array.from({ length: 5_000 }, (_, index) => hashOf(`in ${index}`));
    const list = listOf(hashes.join('\n'));
    expect(list.size).toBe(5_000);
    expect(hashes.filter((hash) => !list.has(hash))).toEqual([]);
    const others = Array.from({ length: 5_000 }, (_, index) => hashOf(`out ${index}`));
    expect(others.filter((hash) => list.has(hash))).toEqual([]);
  });

  test('keys that begin alike do not hide each other', () => {
    const alike = Array.from(
      { length: 50 },
      (_, index) => `${'ab'.repeat(31)}${(index + 16).toString(16)}`,
    );
    const list = listOf(alike.slice(0, 49).join('\n'));
    expect(alike.filter((hash) => list.has(hash))).toEqual(alike.slice(0, 49));
  });

  test('comments, empty lines, case, CRLF and repeats do not matter', () => {
    const hash = hashOf('key');
    const list = listOf(`# weak keys\r\n\r\n  ${hash.toUpperCase()}\r\n${hash}\r\n`);
    expect([list.size, list.has(hash)]).toEqual([1, true]);
  });

  test.each([[''], ['# nothing\n']])('an empty list has nothing in it', (text) => {
    expect(listOf(text).has(hashOf('key'))).toBe(false);
    expect(emptyKeyList.has(hashOf('key'))).toBe(false);
  });

  test('names the lines that are none, the first ten of them', () => {
    const good = hashOf('key');
    expect(readKeyList(`${good}\nabc\n${good}0\n`)).toEqual({ ok: false, lines: [2, 3] });
    const wrong = readKeyList('x\n'.repeat(100));
    expect(wrong).toEqual({ ok: false, lines: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
  });

  test('what is no hash is not found', () => {
    expect(listOf(hashOf('key')).has('zz')).toBe(false);
  });
});
