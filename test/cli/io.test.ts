import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { colorsFor, printable, printableJson } from '../../src/cli/io.ts';
import { captureIo } from '../support/cli.ts';

describe('text from elsewhere', () => {
  test.each([
    ['a color', 'CN=\u001b[31mred', 'CN=\\u001b[31mred'],
    ['a new line', 'CN=a\nevpki: issued', 'CN=a\\u000aevpki: issued'],
    ['a C1 control', '\u009b2J', '\\u009b2J'],
    ['text turned around', 'a\u202eb', 'a\\u202eb'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
    ['an invisible tag beyond the first plane', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['half a character', 'a\ud800b', 'a\\ud800b'],
  ])('%s is written out', (_name, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('what people write stays as it is', () => {
    expect(printable('CN=Ladesäule 1,O=Über & Söhne, 日本')).toBe(
      'CN=Ladesäule 1,O=Über & Söhne, 日本',
    );
  });

  test('JSON stays equal to its value and has nothing that moves the cursor', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const json = printableJson(value);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(json).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
    expect(printableJson({ a: '\u009b\u{e0041}' })).toContain('"\\u009b\\udb40\\udc41"');
  });
});

describe('colors', () => {
  const red = (env: Record<string, string>, columns?: number): string => {
    const { io } = captureIo({ env, ...(columns === undefined ? {} : { columns }) });
    return colorsFor(io, io.stdout).red('x');
  };

  test('are for terminals', () => expect(red({}, 80)).toBe('\u001b[31mx\u001b[39m'));
  test('are not for files', () => expect(red({})).toBe('x'));
  test('NO_COLOR turns them off', () => expect(red({ NO_COLOR: '1' }, 80)).toBe('x'));
  test('dumb terminals get none', () => expect(red({ TERM: 'dumb' }, 80)).toBe('x'));
});
