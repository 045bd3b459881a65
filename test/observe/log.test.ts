import { createSecretKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogger, type LogFormat, type LogLevel } from '../../src/observe/log.ts';
import type { Logger } from '../../src/services/logger.ts';

function capture(level: LogLevel = 'info', format: LogFormat = 'json', isTTY = false) {
  const lines: string[] = [];
  const stream = { isTTY, write: (line: string) => lines.push(line) };
  return { lines, logger: createLogger({ level, format, stream }) };
}

/** The one line that the calls wrote, as it reads back. */
function lineOf(use: (logger: Logger) => void, level: LogLevel = 'info'): Record<string, unknown> {
  const { lines, logger } = capture(level);
  use(logger);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('a line', () => {
  test('is one JSON object with time, level, event and fields', () => {
    const { lines, logger } = capture();
    logger.info('listening', { door: 'public', port: 8180 });
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    const { time, ...rest } = JSON.parse(lines[0] ?? '');
    expect(rest).toEqual({ level: 'info', event: 'listening', door: 'public', port: 8180 });
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test.each(['debug', 'info', 'warn', 'error'] as const)('has the level %s', (level) => {
    expect(lineOf((logger) => logger[level]('x'), 'debug').level).toBe(level);
  });

  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('at level %s is written for %j', (level, written) => {
    const { lines, logger } = capture(level);
    for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each]('x');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(written);
  });

  test('carries the fields of its children, where the call wins', () => {
    const { lines, logger } = capture();
    logger
      .child({ requestId: 'a', door: 'api' })
      .child({ door: 'est' })
      .info('x', { requestId: 'b' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ requestId: 'b', door: 'est' });
    expect(lines[0]?.match(/requestId/g)).toHaveLength(1);
  });

  test('keeps its own names when fields have them too', () => {
    expect(lineOf((l) => l.info('x', { event: 'y', level: 'error', time: 1 }))).toMatchObject({
      event: 'x',
      level: 'info',
      event_: 'y',
      level_: 'error',
      time_: 1,
    });
  });

  test('stays one line, whatever text it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const { lines, logger } = capture();
        logger.info('x', { [name]: value });
        expect(lines).toHaveLength(1);
        expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
        expect(JSON.parse(lines[0] ?? '').event).toBe('x');
      }),
      { numRuns: 100 },
    );
  });
});

describe('values', () => {
  const circular: Record<string, unknown> = { name: 'a' };
  circular.self = circular;
  const shared = { a: 1 };
  const { privateKey } = generateKeyPairSync('ed25519');

  test.each<[string, unknown, unknown]>([
    ['octets', new Uint8Array(5), '<5 bytes>'],
    ['a Buffer', Buffer.from('hello'), '<5 bytes>'],
    ['an ArrayBuffer', new ArrayBuffer(3), '<3 bytes>'],
    [
      'a Buffer that went through JSON',
      JSON.parse(JSON.stringify(Buffer.from('hello'))),
      '<5 bytes>',
    ],
    ['a private key', privateKey, '<key>'],
    ['a secret key', createSecretKey(randomBytes(32)), '<key>'],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['no date', new Date(Number.NaN), '<no date>'],
    ['a URL', new URL('http://a/b'), 'http://a/b'],
    ['a big number', 2n ** 70n, '1180591620717411303424'],
    ['a map', new Map([['a', 1]]), { a: 1 }],
    ['a set', new Set(['a']), ['a']],
    ['a function', () => 1, '<function>'],
    ['null', null, null],
    ['a circle', circular, { name: 'a', self: '<circular>' }],
    ['the same twice', [shared, shared], [{ a: 1 }, { a: 1 }]],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [
      'an object that writes itself',
      { a: 1, toJSON: () => 'forged' },
      { a: 1, toJSON: '<function>' },
    ],
    ['a long list', Array(150).fill(0), [...Array(100).fill(0), '<50 more>']],
    ['a long text', 'x'.repeat(10_000), `${'x'.repeat(8192)}…`],
  ])('%s', (_name, value, shown) => {
    expect(lineOf((logger) => logger.info('x', { value })).value).toEqual(shown);
  });

  test('a WebCrypto key', async () => {
    const key = await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, [
      'sign',
    ]);
    expect(lineOf((logger) => logger.info('x', { value: key })).value).toBe('<key>');
  });

  test('undefined fields are left out', () => {
    expect(lineOf((logger) => logger.info('x', { a: undefined }))).not.toHaveProperty('a');
  });

  test('a getter that throws does not cost the event', () => {
    const fields = {
      get broken(): string {
        throw new TypeError('no');
      },
    };
    const { lines, logger } = capture();
    expect(() => logger.info('x', { nested: fields })).not.toThrow();
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'x', unloggable: 'TypeError' });
  });

  test('__proto__ is a field like any other', () => {
    const fields = JSON.parse('{"__proto__": {"level": "error"}, "a": 1}');
    expect(lineOf((logger) => logger.info('x', fields))).toMatchObject({ level: 'info', a: 1 });
  });
});

describe('errors', () => {
  const coded = Object.assign(new Error('taken'), { code: 'EADDRINUSE', detail: 'not shown' });

  test('are name, code and message', () => {
    expect(lineOf((logger) => logger.warn('x', { error: coded })).error).toEqual({
      name: 'Error',
      code: 'EADDRINUSE',
      message: 'taken',
    });
  });

  test.each<[LogLevel, LogLevel, string, Error, boolean]>([
    ['info', 'error', 'without a code', new TypeError('x is not a function'), true],
    [
      'info',
      'error',
      'with a code of Node for wrong calls',
      Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
      true,
    ],
    ['info', 'error', 'with a code', coded, false],
    ['info', 'warn', 'without a code', new TypeError('x'), false],
    ['debug', 'warn', 'without a code', new TypeError('x'), true],
    ['debug', 'error', 'with a code', coded, true],
  ])('logging %s, on the level %s, %s', (level, on, _name, error, stack) => {
    const line = lineOf((logger) => logger[on]('x', { error }), level);
    expect(Object.hasOwn(line.error as object, 'stack')).toBe(stack);
  });

  test('show their causes and parts', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const error = new AggregateError([cause], 'all failed', { cause });
    const part = { name: 'Error', code: 'ECONNREFUSED', message: 'refused' };
    expect(lineOf((logger) => logger.warn('x', { error })).error).toEqual({
      name: 'AggregateError',
      message: 'all failed',
      cause: part,
      errors: [part],
    });
  });
});

describe('W9 secrets', () => {
  const canary = 'canary-4f1d';
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  const pemText = String(pem);
  const pemBody = pemText.split('\n')[1] ?? '';

  test.each([
    'passphrase',
    'keyPassphrase',
    'KEY_PASSPHRASE',
    'password',
    'passwd',
    'secret',
    'clientSecret',
    'client_secret',
    'token',
    'accessToken',
    'authorization',
    'Authorization',
    'proxy-authorization',
    'privateKey',
    'private_key',
    'PrivateKeyPem',
    'pkcs8',
    'PKCS8',
    'pkcs8Der',
    'credentials',
    'credential',
    'cookie',
    'set-cookie',
    'apiKey',
    'api_key',
    'x-api-key',
    'pin',
    'userPin',
    'so_pin',
    'PIN',
  ])('a field named %s loses its value at every depth', (name) => {
    const values = [canary, { a: canary }, [canary], 7, new Map([['a', canary]])];
    for (const value of values) {
      const nest = { [name]: value };
      const fields = {
        ...nest,
        a: { b: [{ c: nest }] },
        map: new Map([[name, value]]),
        set: new Set([nest]),
      };
      const { lines, logger } = capture('debug');
      logger.info('x', fields);
      logger.child(fields).info('x');
      logger.child({ child: fields }).error('x', { cause: new Error('y', { cause: fields }) });
      expect(lines).toHaveLength(3);
      expect(lines.join('')).not.toContain(canary);
      expect(lines[0]).toContain('<redacted>');
    }
  });

  test.each(['pinnedKey', 'mapping', 'spinning', 'keyId', 'publicKey', 'serial', 'passed', 'path'])(
    'a field named %s keeps its value',
    (name) => {
      expect(lineOf((logger) => logger.info('x', { [name]: 'kept' }))[name]).toBe('kept');
    },
  );

  test.each<[string, string, string]>([
    ['a private key in PEM', `before ${pemText} after`, pemBody],
    ['a private key of OpenSSL', pemText.replaceAll('PRIVATE', 'EC PRIVATE'), pemBody],
    ['an encrypted private key', pemText.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'), pemBody],
    ['a private key that is cut off', pemText.slice(0, 60), pemBody.slice(0, 20)],
    ['a private key on one line', pemText.replaceAll('\n', '\\n'), pemBody],
    ['a bearer token', 'Authorization: Bearer canary-4f1d-0123456789', canary],
    ['basic credentials', 'authorization: basic Y2FuYXJ5LTRmMWQ6eHg=', 'Y2FuYXJ5'],
    ['a JWT', 'got eyJhbGciOiJFUzI1NiJ9.canary-4f1d.c2ln', canary],
    ['a password in a URL', 'connect postgres://u:canary-4f1d@h/d failed', canary],
  ])('%s is taken out of text wherever it stands', (_name, text, hidden) => {
    expect(text).toContain(hidden);
    const { lines, logger } = capture('debug');
    logger.info('x', { text });
    logger.info('x', { deep: [{ list: [text] }], map: new Map([[text, text]]), [text]: 1 });
    logger.error('x', { error: new Error(text, { cause: new Error(text) }) });
    logger.info(text);
    logger.child({ text }).info('x');
    expect(lines).toHaveLength(5);
    expect(lines.join('')).not.toContain(hidden);
  });

  test('key objects, octets and circles at any depth leave no trace', () => {
    const octets = Buffer.from(canary);
    const key = createSecretKey(octets);
    let deep: Record<string, unknown> = { octets, key, text: canary, toString: () => canary };
    for (let depth = 0; depth < 12; depth++) deep = { deep };
    const { lines, logger } = capture('debug');
    logger.info('x', { deep, key, octets, views: [new DataView(octets.buffer)] });
    expect(lines.join('')).not.toMatch(new RegExp(`${canary}|${octets.toString('base64')}|99,97`));
    expect(lines[0]).toContain('<too deep>');
  });

  test('W9 the readable form shows no more than JSON', () => {
    const { lines, logger } = capture('debug', 'pretty');
    logger.error('x', { password: canary, error: new Error(pemText), octets: Buffer.from(canary) });
    expect(lines.join('')).not.toContain(canary);
    expect(lines.join('')).not.toContain(pemBody);
  });
});

describe('the readable form', () => {
  const shown = (use: (logger: Logger) => void, level: LogLevel = 'info') => {
    const { lines, logger } = capture(level, 'pretty');
    use(logger);
    return lines.join('').replace(/^\d\d:\d\d:\d\d\.\d{3}/, 'TIME');
  };

  test('is one line of event and fields', () => {
    const text = shown((l) =>
      l.info('listening', { door: 'public', port: 80, note: 'two words', list: ['a'] }),
    );
    expect(text).toBe('TIME info   listening  door=public port=80 note="two words" list=["a"]\n');
  });

  test('needs no fields', () => {
    expect(shown((logger) => logger.warn('stopping'))).toBe('TIME warn   stopping\n');
  });

  test('puts a stack on lines of its own', () => {
    const [first, second] = shown((l) => l.error('failed', { error: new TypeError('no') })).split(
      '\n',
    );
    expect(first).toBe('TIME error  failed  error={"name":"TypeError","message":"no"}');
    expect(second).toMatch(/^ {4}at /);
  });

  test.each([
    ['a forged line', 'a\n10:00:00.000 info   forged'],
    ['a carriage return', 'a\rb'],
    ['a terminal sequence', '\u001b[2J'],
    ['a C1 sequence', '\u009b2J'],
    ['a change of direction', 'a\u202eb'],
  ])('writes out %s', (_name, value) => {
    const text = shown((l) => l.info('x', { value, [value]: 1, nested: { value } }));
    expect(text.split('\n')).toHaveLength(2);
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each<[LogFormat, boolean, boolean]>([
    ['auto', true, true],
    ['auto', false, false],
    ['json', true, false],
    ['pretty', false, true],
  ])('format %s, terminal %s: readable %s', (format, isTTY, readable) => {
    const { lines, logger } = capture('info', format, isTTY);
    logger.info('x');
    expect(lines[0]?.startsWith('{')).toBe(!readable);
  });
});
