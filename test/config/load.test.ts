import { describe, expect, expectTypeOf, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/settings.ts';
import type { DeclarationError } from '../../src/pki/declaration-errors.ts';

const secret = 'correct-horse-battery';

function load(
  env: Record<string, string | undefined>,
  files: Record<string, string> = {},
  file?: string,
) {
  const readFile = (path: string): string => {
    const content = files[path];
    if (content === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
    return content;
  };
  return loadConfig({ env, readFile, ...(file !== undefined && { file }) });
}

function accepted(...input: Parameters<typeof load>) {
  const result = load(...input);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result;
}

function errorsOf(...input: Parameters<typeof load>): readonly DeclarationError[] {
  const result = load(...input);
  return result.ok ? [] : result.errors;
}

describe('with nothing given', () => {
  const { config, sources } = accepted({ PATH: '/bin', HOME: '/root' });

  test('the defaults hold', () => {
    expect(config).toEqual({
      blockedKeys: undefined,
      configFile: undefined,
      dataDir: './data',
      databaseUrl: 'sqlite:./data/evpki.sqlite',
      hierarchy: 'ca/demo.yaml',
      host: '127.0.0.1',
      publicUrl: undefined,
      apiUrl: undefined,
      proxyHeader: 'Client-Cert',
      publicPort: 8180,
      apiTlsAuthority: 'instance-ca',
      apiTlsCertificate: undefined,
      apiTlsKey: undefined,
      apiPort: 8543,
      metricsPort: 9464,
      keyPassphrase: undefined,
      clientRate: 500,
      addressRate: 20,
      addressConnections: 200,
      clientKeys: 100_000,
      ocspHex: 'on',
      outboundHosts: '',
      outboundInternalHosts: '',
      logLevel: 'info',
      logFormat: 'auto',
    });
    expect(sources).toMatchObject({ dataDir: 'default', publicUrl: 'not set' });
  });

  test('the configuration is typed by the table and cannot be changed', () => {
    expectTypeOf<Config['publicPort']>().toEqualTypeOf<number>();
    expectTypeOf<Config['publicUrl']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Config['logLevel']>().toEqualTypeOf<'debug' | 'info' | 'warn' | 'error'>();
    expect(Object.isFrozen(config)).toBe(true);
  });
});

describe('precedence', () => {
  const yaml = 'host: 10.0.0.1\npublicPort: 1\nlogLevel: warn\n';

  test('environment over file over default', () => {
    const env = { EVPKI_CONFIG: 'evpki.yaml', EVPKI_HOST: '::' };
    const { config, sources } = accepted(env, { 'evpki.yaml': yaml });
    expect(config).toMatchObject({ host: '::', publicPort: 1, apiPort: 8543, logLevel: 'warn' });
    expect(sources).toMatchObject({
      configFile: 'environment EVPKI_CONFIG',
      host: 'environment EVPKI_HOST',
      publicPort: 'file evpki.yaml',
      apiPort: 'default',
    });
  });

  test('a file named on the command line replaces the one of EVPKI_CONFIG', () => {
    const { config, sources } = accepted(
      { EVPKI_CONFIG: 'gone.yaml' },
      { 'b.yaml': yaml },
      'b.yaml',
    );
    expect(config).toMatchObject({ configFile: 'b.yaml', host: '10.0.0.1' });
    expect(sources.configFile).toBe('command line');
  });

  test('the default database follows the data folder, whatever characters it has', () => {
    const { config } = accepted({ EVPKI_DATA_DIR: '/srv/$&{dataDir}' });
    expect(config.databaseUrl).toBe('sqlite:/srv/$&{dataDir}/evpki.sqlite');
  });

  test('a secret in the environment wins over one in the file, whichever form they have', () => {
    const env = { EVPKI_CONFIG: 'c', EVPKI_KEY_PASSPHRASE_FILE: '/run/secret' };
    const files = { c: 'keyPassphrase: other-passphrase', '/run/secret': secret };
    expect(accepted(env, files).config.keyPassphrase).toBe(secret);
  });
});

describe('secrets in files', () => {
  test.each([
    ['no newline', secret, secret],
    ['one newline', `${secret}\n`, secret],
    ['a DOS newline', `${secret}\r\n`, secret],
    ['two newlines, of which one belongs to it', `${secret}\n\n`, `${secret}\n`],
    ['spaces, which belong to it', ` ${secret} \n`, ` ${secret} `],
  ])('with %s at the end', (_name, content, expected) => {
    const { config, sources } = accepted({ EVPKI_KEY_PASSPHRASE_FILE: '/s' }, { '/s': content });
    expect(config.keyPassphrase).toBe(expected);
    expect(sources.keyPassphrase).toBe('environment EVPKI_KEY_PASSPHRASE_FILE');
  });

  test('are named in the YAML file too', () => {
    const files = {
      c: 'keyPassphraseFile: /s\ndatabaseUrlFile: /d',
      '/s': secret,
      '/d': 'postgres://u:p@h/d\n',
    };
    const { config } = accepted({ EVPKI_CONFIG: 'c' }, files);
    expect(config).toMatchObject({ keyPassphrase: secret, databaseUrl: 'postgres://u:p@h/d' });
  });

  test.each<[string, Record<string, string>, Record<string, string>, DeclarationError]>([
    [
      'given twice in the environment',
      { EVPKI_KEY_PASSPHRASE: secret, EVPKI_KEY_PASSPHRASE_FILE: '/s' },
      { '/s': secret },
      {
        source: 'environment',
        path: 'EVPKI_KEY_PASSPHRASE',
        message: 'is given twice, also as EVPKI_KEY_PASSPHRASE_FILE; leave out one of them',
      },
    ],
    [
      'given twice in the file',
      { EVPKI_CONFIG: 'c' },
      { c: `keyPassphrase: ${secret}\nkeyPassphraseFile: /s`, '/s': secret },
      {
        source: 'c',
        path: 'keyPassphrase',
        message: 'is given twice, also as keyPassphraseFile; leave out one of them',
      },
    ],
    [
      'in a file that is not there',
      { EVPKI_KEY_PASSPHRASE_FILE: '/none' },
      {},
      {
        source: 'environment',
        path: 'EVPKI_KEY_PASSPHRASE_FILE',
        message: "names a file that cannot be read: ENOENT: no such file, open '/none'",
      },
    ],
    [
      'in an empty file',
      { EVPKI_KEY_PASSPHRASE_FILE: '/s' },
      { '/s': '\n' },
      {
        source: 'environment',
        path: 'EVPKI_KEY_PASSPHRASE_FILE',
        message: 'is empty; give it a value or leave it out',
      },
    ],
    [
      'in a file without a name',
      { EVPKI_KEY_PASSPHRASE_FILE: '' },
      {},
      { source: 'environment', path: 'EVPKI_KEY_PASSPHRASE_FILE', message: 'must name a file' },
    ],
  ])('are refused when %s', (_name, env, files, error) => {
    expect(errorsOf(env, files)).toEqual([error]);
  });

  test('only secrets have a _FILE form', () => {
    expect(errorsOf({ EVPKI_HOST_FILE: '/s' }, { '/s': '::' })).toMatchObject([
      { path: 'EVPKI_HOST_FILE', message: 'is not a setting' },
    ]);
  });
});

describe('unknown names', () => {
  test.each([
    ['EVPKI_PUBLIC_ULR', '; did you mean "EVPKI_PUBLIC_URL"?'],
    ['EVPKI_KEY_PASPHRASE_FILE', '; did you mean "EVPKI_KEY_PASSPHRASE_FILE"?'],
    ['EVPKI_Host', '; did you mean "EVPKI_HOST"?'],
    ['EVPKI_SOMETHING_ELSE_ENTIRELY', ''],
  ])('the variable %s is an error', (name, hint) => {
    expect(errorsOf({ [name]: 'x' })).toEqual([
      { source: 'environment', path: name, message: `is not a setting${hint}` },
    ]);
  });

  test.each([
    ['publicUlr: http://pki.example', 'publicUlr', '; did you mean "publicUrl"?'],
    ['keyPassphraseFil: /s', 'keyPassphraseFil', '; did you mean "keyPassphraseFile"?'],
    ['configFile: other.yaml', 'configFile', ''],
    ['__proto__: 1', '__proto__', ''],
    ['constructor: 1', 'constructor', ''],
    ['1: 2', '1', ''],
  ])('the key of %j is an error', (yaml, path, hint) => {
    const [error, ...more] = errorsOf({ EVPKI_CONFIG: 'c' }, { c: yaml });
    expect(more).toEqual([]);
    expect(error).toMatchObject({ source: 'c', path });
    expect(error?.message).toMatch(/^is not a setting/);
    if (hint !== '') expect(error?.message).toContain(hint);
  });

  test.each([
    'EVPKI_CLIENT_URL',
    'EVPKI_REQUIRE',
    'EVPKI_SERVICE_HOST',
    'EVPKI_SERVICE_PORT_HTTPS',
    'EVPKI_API_SERVICE_PORT',
    'EVPKI_PORT_8180_TCP',
    'EVPKI_PORT_8180_TCP_ADDR',
  ])('%s belongs to somebody else', (name) => {
    expect(errorsOf({ [name]: 'x' })).toEqual([]);
  });

  test('EVPKI_PORT is tolerated only with the value that Kubernetes gives it', () => {
    expect(errorsOf({ EVPKI_PORT: 'tcp://10.0.0.7:8180' })).toEqual([]);
    expect(errorsOf({ EVPKI_PORT: '8180' })).toHaveLength(1);
  });

  test('a port that Kubernetes has overwritten is explained', () => {
    const [error] = errorsOf({ EVPKI_API_PORT: 'tcp://10.0.0.7:8543' });
    expect(error?.message).toContain('enableServiceLinks');
  });
});

test('every error is reported at once, with its source and path', () => {
  const env = {
    EVPKI_CONFIG: 'c.yaml',
    EVPKI_PUBLIC_PORT: '65536',
    EVPKI_HOST: '',
    EVPKI_HOTS: 'x',
    EVPKI_LOG_LEVEL: 'trace',
  };
  const files = { 'c.yaml': 'apiPort: 8543.5\nlogFromat: json\npublicUrl: pki.example\napiUrl:\n' };
  const found = errorsOf(env, files).map(({ source, path }) => `${source} ${path}`);
  expect(found.sort()).toEqual([
    'c.yaml apiPort',
    'c.yaml apiUrl',
    'c.yaml logFromat',
    'c.yaml publicUrl',
    'environment EVPKI_HOST',
    'environment EVPKI_HOTS',
    'environment EVPKI_LOG_LEVEL',
    'environment EVPKI_PUBLIC_PORT',
  ]);
});

test('an error shows the value that was found, but never a secret', () => {
  expect(errorsOf({ EVPKI_LOG_LEVEL: 'trace' })[0]?.message).toBe(
    'must be one of debug, info, warn, error; found "trace"',
  );
  const errors = [
    ...errorsOf({ EVPKI_DATABASE_URL: 'mysql://u:hunter2@h/d' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'keyPassphrase: 40411' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'keyPassphrase: [hunter2]' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'keyPassphrase: *hunter2' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'keyPassphrase: !hunter2 x' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'keyPassphrase: @hunter2' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'keyPassphrase: "a" hunter2' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: '- hunter2' }),
    ...errorsOf({ EVPKI_CONFIG: 'c' }, { c: 'hunter2' }),
  ];
  expect(errors).toHaveLength(9);
  expect(JSON.stringify(errors)).not.toMatch(/hunter2|40411/);
});
