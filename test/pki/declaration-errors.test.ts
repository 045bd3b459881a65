import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { canonicalJson } from '../../src/pki/canonical-json.ts';
import {
  declarationErrors,
  declarationPath,
  suggestion,
} from '../../src/pki/declaration-errors.ts';

const schema = z.strictObject({
  name: z.string(),
  colour: z.enum(['red', 'green']),
  wheels: z.exactOptional(z.array(z.strictObject({ size: z.int().min(1) })).min(1)),
  doors: z.exactOptional(z.record(z.string(), z.strictObject({ open: z.boolean() }))),
});

function errorsOf(document: unknown): Record<string, string> {
  const result = schema.safeParse(document);
  const issues = result.success ? [] : result.error.issues;
  const errors = declarationErrors('car.yaml', document, schema, issues);
  expect(new Set(errors.map((error) => error.source))).toEqual(new Set(['car.yaml']));
  return Object.fromEntries(errors.map((error) => [error.path, error.message]));
}

describe('declaration errors', () => {
  test('every mistake is listed, each at its path', () => {
    const document = {
      nmae: 'x',
      colour: 'gren',
      wheels: [{ size: 0 }, { size: 1, sise: 2 }],
      doors: { left: { open: 'yes', opn: 1 } },
    };
    expect(errorsOf(document)).toEqual({
      name: 'is missing: expected a text',
      nmae: 'is not a known key; did you mean "name"? Allowed: name, colour, wheels, doors',
      colour: 'must be one of red, green; found "gren"; did you mean "green"?',
      'wheels[0].size': expect.stringContaining('0 is too small'),
      'wheels[1].sise': 'is not a known key; did you mean "size"? Allowed: size',
      'doors.left.open': 'must be true or false, found "yes"',
      'doors.left.opn': 'is not a known key; did you mean "open"? Allowed: open',
    });
  });

  test.each([
    ['null', null],
    ['a text', 'name: x'],
    ['a list', []],
    ['nothing', undefined],
  ])('a document that is %s', (_, document) => {
    expect(errorsOf(document)).toEqual({ '': 'must be a mapping of keys to values' });
  });

  test('null is not a missing value', () => {
    expect(errorsOf({ name: null, colour: 'red' })).toEqual({ name: 'must be a text, found null' });
  });

  test('an empty list, a missing choice', () => {
    expect(errorsOf({ name: 'x', wheels: [] })).toEqual({
      colour: 'is missing: expected one of red, green',
      wheels: 'must not be an empty list',
    });
  });

  test('__proto__ and constructor are unknown keys like others', () => {
    const document: unknown = JSON.parse(
      '{"name":"x","colour":"red","__proto__":{},"constructor":1}',
    );
    const errors = errorsOf(document);
    expect(Object.keys(errors)).toContain('constructor');
    expect(schema.safeParse(document).error?.issues[0]).toMatchObject({
      keys: ['__proto__', 'constructor'],
    });
  });

  test.each([
    ['keyusage', 'keyUsage'],
    ['keyUsgae', 'keyUsage'],
    ['extendedKeyUsages', 'extendedKeyUsage'],
  ])('%s suggests %s', (word, expected) => {
    const hint = suggestion(word, ['keyUsage', 'extendedKeyUsage', 'subject']);
    expect(hint).toBe(`; did you mean "${expected}"?`);
  });

  test('nothing close, nothing suggested', () => {
    expect(suggestion('banana', ['keyUsage', 'subject'])).toBe('');
    expect(suggestion('x'.repeat(100_000), ['keyUsage'])).toBe('');
  });

  test('paths', () => {
    expect(declarationPath(['subject', 1, 'CN'])).toBe('subject[1].CN');
    expect(declarationPath([0, 'a'])).toBe('[0].a');
    expect(declarationPath([])).toBe('');
  });
});

describe('canonical JSON', () => {
  test('sorts keys at every depth and keeps lists', () => {
    const value = { b: [2, 1, { d: null, c: true }], a: 'ä"', '10': 1, '9': 2 };
    expect(canonicalJson(value)).toBe('{"10":1,"9":2,"a":"ä\\"","b":[2,1,{"c":true,"d":null}]}');
  });
});
