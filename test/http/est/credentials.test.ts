import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { namedCredential } from '../../../src/http/est/credentials.ts';
import { NotAuthenticated } from '../../../src/services/refusals.ts';

/** As node:http hands headers on: the first Authorization, others joined. */
function requestWith(...lines: readonly (readonly [name: string, value: string])[]) {
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    if (key === 'authorization') headers[key] ??= value;
    else headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { headers, rawHeaders: lines.flat() } as unknown as IncomingMessage;
}
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('a named credential', () => {
  test.each([
    ['Bearer abc', { kind: 'token', token: 'abc' }],
    ['bearer  abc', { kind: 'token', token: 'abc' }],
    [
      'Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln-_',
      { kind: 'token', token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln-_' },
    ],
    [basic('SN-1:secret'), { kind: 'basic', user: 'SN-1', password: 'secret' }],
    [basic('DE*ABC*E1:a:b'), { kind: 'basic', user: 'DE*ABC*E1', password: 'a:b' }],
    [basic(':secret'), { kind: 'basic', user: '', password: 'secret' }],
    [basic('Zoë:é'), { kind: 'basic', user: 'Zoë', password: 'é' }],
    [
      basic('SN-1:secret').replace('Basic', 'BASIC'),
      { kind: 'basic', user: 'SN-1', password: 'secret' },
    ],
  ])('%s', (authorization, credential) => {
    expect(namedCredential(requestWith(['Authorization', authorization]))).toEqual(credential);
  });

  test('X-API-Key is a token', () => {
    expect(namedCredential(requestWith(['X-API-Key', 'abc']))).toEqual({
      kind: 'token',
      token: 'abc',
    });
  });

  test('Authorization counts before X-API-Key, whichever comes first', () => {
    const lines = [
      ['X-API-Key', 'key'],
      ['Authorization', 'Bearer token'],
    ] as const;
    for (const order of [lines, [...lines].reverse()]) {
      expect(namedCredential(requestWith(...order))).toEqual({ kind: 'token', token: 'token' });
    }
  });

  test('none is none', () => {
    expect(namedCredential(requestWith(['Accept', '*/*']))).toBeUndefined();
  });
});

describe('what is named and can be nobody’s is never passed over', () => {
  test.each([
    ['another scheme', ['Authorization', 'Digest username="x"']],
    ['no scheme', ['Authorization', 'abc']],
    ['nothing', ['Authorization', '']],
    ['Bearer without a token', ['Authorization', 'Bearer ']],
    ['two tokens', ['Authorization', 'Bearer a b']],
    ['odd characters', ['Authorization', 'Bearer a"b']],
    ['a token without end', ['Authorization', `Bearer ${'a'.repeat(5_000)}`]],
    ['Basic without a colon', ['Authorization', basic('SN-1')]],
    ['Basic that is no base64', ['Authorization', 'Basic SN-1:secret']],
    ['Basic without padding', ['Authorization', basic('SN-1:secre').replace(/=+$/, '')]],
    ['Basic with a control character', ['Authorization', basic('SN-1:sec\nret')]],
    [
      'Basic that is not UTF-8',
      ['Authorization', `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}`],
    ],
    ['Basic without end', ['Authorization', basic(`SN-1:${'a'.repeat(5_000)}`)]],
    ['an empty X-API-Key', ['X-API-Key', '']],
  ] as const)('%s', (_what, line) => {
    expect(() => namedCredential(requestWith(line))).toThrow(NotAuthenticated);
    // Not even where something right stands beside it.
    const also = [line, ['X-API-Key', 'right']] as const;
    expect(() => namedCredential(requestWith(...also))).toThrow(NotAuthenticated);
  });

  test.each([
    ['Authorization', 'Bearer a', 'Bearer a'],
    ['authorization', 'Bearer a', basic('u:p')],
    ['X-API-Key', 'a', 'a'],
  ])('two of %s', (name, one, other) => {
    expect(() => namedCredential(requestWith([name, one], [name.toUpperCase(), other]))).toThrow(
      'more than one',
    );
  });

  test('a message never says the secret', () => {
    const secret = 'hunter2\u0007';
    try {
      namedCredential(requestWith(['Authorization', basic(`SN-1:${secret}`)]));
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain('hunter2');
    }
  });
});
