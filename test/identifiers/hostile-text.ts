import { expect } from 'vitest';
import type { Parsed } from '../../src/identifiers/parsed.ts';

/** Characters that no identifier may contain, as `[name, character]`; made from code points so that none is hidden here. */
export const hostileCharacters: readonly (readonly [string, string])[] = (
  [
    ['NUL', 0x00],
    ['tab', 0x09],
    ['line feed', 0x0a],
    ['escape', 0x1b],
    ['delete', 0x7f],
    ['C1 control', 0x85],
    ['no-break space', 0xa0],
    ['soft hyphen', 0xad],
    ['dotless i (upper-cases to I)', 0x131],
    ['long s (upper-cases to S)', 0x17f],
    ['Kelvin sign (lower-cases to k)', 0x212a],
    ['Cyrillic A', 0x410],
    ['Greek Omicron', 0x39f],
    ['Arabic-Indic digit 1', 0x661],
    ['fullwidth A', 0xff21],
    ['non-breaking hyphen', 0x2011],
    ['ideographic full stop', 0x3002],
    ['combining acute', 0x301],
    ['zero-width space', 0x200b],
    ['zero-width joiner', 0x200d],
    ['right-to-left override', 0x202e],
    ['left-to-right isolate', 0x2066],
    ['byte order mark', 0xfeff],
    ['unpaired surrogate', 0xd800],
    ['mathematical bold A', 0x1d400],
  ] as const
).map(([name, codePoint]) => [name, String.fromCodePoint(codePoint)] as const);

/** The value, or a failed test that says why there is none. */
export const accepted = <T>(result: Parsed<T>): T => {
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result.value;
};

/** The reason of a refusal; fails if there is none, or if it would garble a terminal. */
export const refusal = (result: Parsed<unknown>): string => {
  expect(result.ok).toBe(false);
  const reason = result.ok ? '' : result.reason;
  expect(reason).toMatch(/^[\x20-\x7e]{8,300}$/);
  return reason;
};

/**
 * Puts every hostile character at the start, in the middle, at the end and in the place of one
 * character of a good text, and expects that all of them are refused and named.
 */
export const expectHostileTextRefused = (
  parse: (text: string) => Parsed<unknown>,
  good: string,
): void => {
  accepted(parse(good));
  const middle = Math.floor(good.length / 2);
  for (const [name, character] of hostileCharacters) {
    const codePoint = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const places = [
      character + good.slice(character.length),
      good.slice(0, middle) + character + good.slice(middle + character.length),
      good.slice(0, -character.length) + character,
    ];
    for (const text of places) expect(refusal(parse(text)), name).toContain(`U+${codePoint}`);
    for (const text of [character + good, good + character]) refusal(parse(text));
  }
};
