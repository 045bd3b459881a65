import { describe, expect, test } from 'vitest';
import { requireStrictJson } from '../../../src/http/api/strict-json.ts';
import { ServiceError } from '../../../src/services/errors.ts';

const faultOf = (body: string | Uint8Array): string | undefined => {
  try {
    requireStrictJson(typeof body === 'string' ? Buffer.from(body) : body);
    return undefined;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return error.violations[0]?.code;
  }
};

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('W1 JSON bodies', () => {
  test.each([
    ['half a surrogate pair', '{"a":"x\\ud83d"}', 'json-half-character'],
    ['the other half, alone in a list', '{"a":["\\uDD0C\\ud83d"]}', 'json-half-character'],
    ['half a surrogate pair in a name', '{"\\ud83dx":1}', 'json-half-character'],
    ['a member twice', '{"a":1,"a":2}', 'json-name-twice'],
    ['a member twice, once escaped', '{"a":1,"\\u0061":2}', 'json-name-twice'],
    ['a member twice, spaced', '{"a" : 1, "b": 0, "a"\n:2}', 'json-name-twice'],
    ['a member twice, inside', '{"x":[{"a":{"b":1},"a":2}]}', 'json-name-twice'],
    ['__proto__', '{"__proto__":{"admin":true}}', 'json-name-forbidden'],
    ['__proto__ escaped', '{"\\u005f_proto__":1}', 'json-name-forbidden'],
    ['constructor', '{"a":{"constructor":{"prototype":1}}}', 'json-name-forbidden'],
    ['33 levels', nested(33), 'json-too-deep'],
    ['a million levels', '['.repeat(1_000_000), 'json-too-deep'],
    ['33 levels of objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`, 'json-too-deep'],
    ['no UTF-8', Uint8Array.of(0x22, 0xc3, 0x28, 0x22), 'json-not-utf-8'],
    ['an overlong slash', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), 'json-not-utf-8'],
  ])('%s is refused', (_, body, code) => {
    expect(faultOf(body)).toBe(code);
  });

  test.each([
    ['equal names in two objects', '[{"a":1},{"a":2}]'],
    ['equal names at two levels', '{"a":{"a":1},"b":{"a":1}}'],
    ['a value that looks like a name', '{"a":"\\"b\\":1,","b":"{[\\\\"}'],
    ['a value that is a forbidden name', '{"a":"__proto__"}'],
    ['brackets in strings', JSON.stringify({ a: '[{'.repeat(100) })],
    ['32 levels', nested(32)],
    ['PEM', JSON.stringify({ csr: '-----BEGIN X-----\nAA:==\n-----END X-----\n' })],
  ])('%s is taken', (_, body) => {
    expect(faultOf(body)).toBeUndefined();
  });

  test.each(['{"a":', '"', '{"\\x":1}', ']]]', '{"a":1,}', ''])(
    'what is no JSON is left to the parser: %s',
    (body) => {
      expect(faultOf(body)).toBeUndefined();
    },
  );

  test('the message never repeats what was sent', () => {
    try {
      requireStrictJson(Buffer.from('{"canary-7f3a":1,"canary-7f3a":2}'));
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('canary');
    }
    expect.assertions(1);
  });

  test.each([
    ['strings that do not end', `{"${'\\"'.repeat(15_000)}`],
    ['quotes', '"'.repeat(32_768)],
    ['space before a colon that does not come', `{${`"a"${' '.repeat(500)}`.repeat(60)}`],
    ['names', `{${Array.from({ length: 3_000 }, (_, n) => `"n${n}":0`).join(',')}}`],
  ])('a body of %s takes milliseconds', (_, body) => {
    const began = performance.now();
    for (let n = 0; n < 10; n++) faultOf(body);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
