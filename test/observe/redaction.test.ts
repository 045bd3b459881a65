import { createSecretKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { capture, lineOf } from '../support/captured-log.ts';

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
    ['a private key in a path', encodeURIComponent(pemText), encodeURIComponent(pemBody)],
    ['a secret of evpki', '/v1/x/evpki_sec_canary-4f1d-01234567/y', canary],
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
