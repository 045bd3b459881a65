/** The characters of XML and of names in it, at both ends of every range. */

import { describe, expect, test } from 'vitest';
import { isNcName, isPrintable, isXmlCharacter } from '../../../src/iso15118/exi/characters.ts';

type Range = readonly [first: number, last: number];

/** XML 1.0 (fifth edition), productions 4 and 4a, without the colon (Namespaces in XML 1.0). */
const nameStart: readonly Range[] = [
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
  [0xc0, 0xd6],
  [0xd8, 0xf6],
  [0xf8, 0x2ff],
  [0x370, 0x37d],
  [0x37f, 0x1fff],
  [0x200c, 0x200d],
  [0x2070, 0x218f],
  [0x2c00, 0x2fef],
  [0x3001, 0xd7ff],
  [0xf900, 0xfdcf],
  [0xfdf0, 0xfffd],
  [0x1_0000, 0xe_ffff],
];
const name: readonly Range[] = [
  ...nameStart,
  [0x2d, 0x2e],
  [0x30, 0x39],
  [0xb7, 0xb7],
  [0x300, 0x36f],
  [0x203f, 0x2040],
];
/** Production 2. */
const character: readonly Range[] = [
  [0x09, 0x0a],
  [0x0d, 0x0d],
  [0x20, 0xd7ff],
  [0xe000, 0xfffd],
  [0x1_0000, 0x10_ffff],
];

const within = (ranges: readonly Range[], code: number): boolean =>
  ranges.some(([first, last]) => first <= code && code <= last);

/** The ends of all ranges and what lies next to them; halves of characters are none. */
const ends = [...name, ...character]
  .flatMap(([first, last]) => [first - 1, first, last, last + 1])
  .filter((code) => code >= 0 && code <= 0x10_ffff && (code < 0xd800 || code > 0xdfff));

const hex = (codes: readonly number[]): string[] => codes.map((code) => code.toString(16));
const taken = (accepts: (code: number) => boolean): string[] => hex(ends.filter(accepts));

describe('names without colon', () => {
  test('begin with what a name begins with', () => {
    const accepted = taken((code) => isNcName(String.fromCodePoint(code)));
    expect(accepted).toEqual(taken((code) => within(nameStart, code)));
  });

  test('go on with what is in a name', () => {
    for (const before of ['a', 'Ü']) {
      const accepted = taken((code) => isNcName(`${before}${String.fromCodePoint(code)}`));
      expect(accepted).toEqual(taken((code) => within(name, code)));
    }
  });

  test('are not empty, and have no colon', () => {
    expect(['', ':', 'a:b', 'a\n'].filter(isNcName)).toEqual([]);
  });
});

test('characters of XML', () => {
  expect(taken(isXmlCharacter)).toEqual(taken((code) => within(character, code)));
  expect([-1, 0xd800, 0xdfff, 0x11_0000, Number.NaN].filter(isXmlCharacter)).toEqual([]);
});

test('characters of ASCII that print', () => {
  expect(isPrintable('')).toBe(true);
  expect(isPrintable(' ~')).toBe(true);
  expect(['\u001f', '\u007f', 'ü', 'a\n'].filter(isPrintable)).toEqual([]);
});
