import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { type SettingKey, settingRows } from '../../src/config/settings.ts';

const load = (env: Record<string, string>) =>
  loadConfig({
    env,
    readFile: () => {
      throw new Error('no files here');
    },
  });

describe.each(settingRows)('the setting %s', (key, row) => {
  test('has a variable that is its name in capitals', () => {
    const expected =
      key === 'configFile' ? 'EVPKI_CONFIG' : `EVPKI_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
    expect(row.env).toBe(expected);
  });

  test('has a sentence of description', () => {
    expect(row.description).toMatch(/^[A-Z`].*\.$/s);
  });

  test('does not accept an empty value', () => {
    expect(load({ [row.env]: '' })).toMatchObject({ ok: false, errors: [{ path: row.env }] });
  });
});

const values: readonly [
  SettingKey,
  string,
  readonly (readonly [string, unknown])[],
  readonly string[],
][] = [
  [
    'publicPort',
    'EVPKI_PUBLIC_PORT',
    [
      ['0', 0],
      ['1', 1],
      ['8180', 8180],
      ['65535', 65_535],
    ],
    ['65536', '-1', '+1', '1.0', '1e3', '0x10', ' 80', '80 ', '99999', '123456', 'http', '١٢'],
  ],
  [
    'publicUrl',
    'EVPKI_PUBLIC_URL',
    [
      ['http://pki.example', 'http://pki.example'],
      ['https://pki.example:8443/base/', 'https://pki.example:8443/base'],
      ['HTTP://PKI.Example:80/', 'http://pki.example'],
      ['http://[::1]:8180', 'http://[::1]:8180'],
    ],
    [
      'pki.example',
      '/pki',
      '//pki.example',
      'ftp://pki.example',
      'http:pki.example',
      'http://',
      'http://pki.example/?a=b',
      'http://pki.example/?',
      'http://pki.example/#top',
      'http://pki.example/#',
      'http://user@pki.example',
      'http://user:password@pki.example',
      'http://pki.example/a b',
      'http://pki.example/\n',
      ' http://pki.example',
      'http://pki.example:99999',
    ],
  ],
  [
    'host',
    'EVPKI_HOST',
    [
      ['0.0.0.0', '0.0.0.0'],
      ['::', '::'],
      ['::1', '::1'],
      ['localhost', 'localhost'],
      ['a-b.example', 'a-b.example'],
    ],
    ['[::1]', 'localhost:80', 'http://localhost', 'a b', '-a', '*', 'a/b'],
  ],
  [
    'databaseUrl',
    'EVPKI_DATABASE_URL',
    [
      'sqlite:/var/lib/evpki/db.sqlite',
      'sqlite:relative.sqlite',
      'sqlite::memory:',
      'postgres://localhost/evpki',
      'postgresql://user:password@db.example:5432/evpki?sslmode=verify-full',
      'postgres:///evpki?host=/var/run/postgresql',
      'postgres://user@/evpki?host=/var/run/postgresql',
      'postgres://user:password@/evpki',
      'postgres://%2Fvar%2Frun%2Fpostgresql/evpki',
    ].map((url) => [url, url] as const),
    [
      'sqlite:',
      'sqlite://host/path',
      'sqlite',
      './db.sqlite',
      'mysql://h/d',
      'postgres:h/d',
      'postgres://h:port/d',
      'postgres://[::1/d',
    ],
  ],
  [
    'logLevel',
    'EVPKI_LOG_LEVEL',
    [
      ['debug', 'debug'],
      ['error', 'error'],
    ],
    ['DEBUG', 'trace', 'silent'],
  ],
  [
    'logFormat',
    'EVPKI_LOG_FORMAT',
    [
      ['json', 'json'],
      ['pretty', 'pretty'],
    ],
    ['text'],
  ],
];

describe.each(values)('%s', (key, variable, good, bad) => {
  test.each(good)('accepts %j', (written, value) => {
    const result = load({ [variable]: written });
    expect(result).toMatchObject({ ok: true, config: { [key]: value } });
  });

  test.each(bad)('refuses %j', (written) => {
    const result = load({ [variable]: written });
    expect(result).toMatchObject({
      ok: false,
      errors: [{ source: 'environment', path: variable }],
    });
  });
});

describe('in YAML', () => {
  const inFile = (yaml: string) => loadConfig({ env: { EVPKI_CONFIG: 'c' }, readFile: () => yaml });

  test.each([
    ['publicPort: 80', 80],
    ['publicPort: "80"', 80],
  ])('%s is a port', (yaml, value) => {
    expect(inFile(yaml)).toMatchObject({ ok: true, config: { publicPort: value } });
  });

  test.each([
    'publicPort: 80.5',
    'publicPort: -1',
    'publicPort: true',
    'publicPort: [80]',
    'publicPort: .inf',
  ])('%s is refused', (yaml) => {
    expect(inFile(yaml)).toMatchObject({ ok: false, errors: [{ path: 'publicPort' }] });
  });

  // YAML would make 10, 1000 or true of these, and the passphrase would be another one.
  test.each([
    'keyPassphrase: 0010',
    'keyPassphrase: 1e3',
    'keyPassphrase: true',
    'keyPassphrase: {a: b}',
  ])('%s is refused until it is quoted', (yaml) => {
    expect(inFile(yaml)).toMatchObject({ ok: false, errors: [{ path: 'keyPassphrase' }] });
  });
});
