import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { evpki } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const write = (name: string, content: string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const csr = write('request.csr', '-----BEGIN CERTIFICATE REQUEST-----\n');
const key = write('charger.key', '-----BEGIN EC PRIVATE KEY-----\n');
const secret = write('secret', 'evpki_sec_x\n');
write('empty', '');
/** Nobody is logged in here, and no service has its data here. */
const env = { XDG_CONFIG_HOME: at('config'), EVPKI_DATA_DIR: at('data') };

const issue = ['cert', 'issue', '--profile', 'p', '--csr'];

describe('help', () => {
  test.each([
    [
      ['--help'],
      /Usage: evpki .*\n[\s\S]*login[\s\S]*cert[\s\S]*authority[\s\S]*profile[\s\S]*config/,
    ],
    [['cert', '--help'], /Usage: evpki cert/],
    [['cert', 'issue', '-h'], /--not-after <time>/],
  ])('%j', async (argv, text) => {
    const { status, stdout, stderr } = await evpki(argv);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(text);
  });

  test('the version is that of the package', async () => {
    const file = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(file, 'utf8'));
    expect(await evpki(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });
});

describe('a command line that makes no sense has status 2 and touches nothing', () => {
  test.each<[string, string[], RegExp]>([
    ['no command', [], /Usage: evpki/],
    ['a group alone', ['cert'], /Usage: evpki cert/],
    ['an unknown command', ['frobnicate'], /^evpki: unknown command 'frobnicate'/],
    ['an unknown command of a group', ['cert', 'frob'], /^evpki: unknown command 'frob'/],
    ['an unknown option', ['cert', 'list', '--frob'], /^evpki: unknown option '--frob'/],
    ['an escape sequence', ['\u001b[2J'], /^evpki: unknown command '\\u001b\[2J'/],
    ['a missing option', ['cert', 'issue', '--csr', csr], /--profile <name>' not specified/],
    ['a missing argument', ['cert', 'show'], /missing required argument 'id'/],
    ['an argument too many', ['cert', 'list', 'x'], /too many arguments/],
    ['a missing file', [...issue, at('nowhere')], /there is no file \S*nowhere\n/],
    ['a folder for a file', [...issue, folder], /cannot be read \(it is a folder\)/],
    ['an empty request', [...issue, at('empty')], /is empty/],
    ['a private key for a request', [...issue, key], /holds a private key.*nothing was sent/],
    ['no time', [...issue, csr, '--not-after', 'soon'], /--not-after is a day/],
    ['a key to overwrite', [...issue, csr, '--out', key], /holds a private key and is left alone/],
    ['a folder to write', [...issue, csr, '--out', folder], /is a folder/],
    [
      'a missing folder',
      [...issue, csr, '--out', at('a/b')],
      /cannot be written \(there is no such folder\)/,
    ],
    ['limit 0', ['cert', 'list', '--limit', '0'], /--limit is a number from 1/],
    ['no number', ['cert', 'list', '--limit', '1e3'], /--limit is a number from 1/],
    ['--all and --limit', ['cert', 'list', '--all', '--limit', '1'], /exclude each other/],
    [
      'no time to expire',
      ['cert', 'list', '--expires-before', '2027-02-30'],
      /--expires-before is/,
    ],
    ['a name without bootstrap', ['login', '--name', 'x'], /--name goes with --bootstrap/],
    ['a secret of nobody', ['login', '--client-secret-file', secret], /needs --client-id/],
    ['two ways in', ['login', '--bootstrap', '--client-id', 'x'], /leave out --client-id/],
    ['no TLS', ['login', '--bootstrap', '--url', 'http://localhost'], /is not an https:\/\/ URL/],
    [
      'a URL with a password',
      ['login', '--bootstrap', '--url', 'https://a:b@c'],
      /is not an https/,
    ],
    ['an unknown CA', ['login', '--client-id', 'x'], /the CA of the service is not known/],
    [
      'no CA',
      ['login', '--client-id', 'x', '--ca', csr],
      /request.csr is not a certificate in PEM/,
    ],
  ])('%s', async (_name, argv, message) => {
    const { status, stdout, stderr } = await evpki(argv, { env });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

test.each([
  [['cert', 'list']],
  [['cert', 'show', 'x']],
  [['authority', 'list']],
  [['profile', 'list']],
  [['login']],
  [[...issue, csr]],
])('%j without being logged in says how to', async (argv) => {
  const { status, stderr } = await evpki(argv, { env });
  expect(status).toBe(3);
  expect(stderr).toMatch(/^evpki: you are not logged in\n.*evpki login --bootstrap/);
});

describe('config', () => {
  test('check finds everything that is wrong', async () => {
    const { status, stdout, stderr } = await evpki(['config', 'check'], {
      env: { EVPKI_API_PORT: 'many', EVPKI_DATA_DIRR: 'x' },
    });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('environment: EVPKI_API_PORT must be a port');
    expect(stderr).toContain('EVPKI_DATA_DIRR is not a setting; did you mean "EVPKI_DATA_DIR"?');
  });

  test('check finds what the hierarchy lacks, and a hierarchy or policies that are not there', async () => {
    const demo = readFileSync(new URL('../../ca/demo.yaml', import.meta.url), 'utf8');
    const real = write('real.yaml', demo.replace('demo: true', 'demo: false'));
    for (const [env, message] of [
      [{ EVPKI_HIERARCHY: real }, 'set EVPKI_KEY_PASSPHRASE (or _FILE) and EVPKI_PUBLIC_URL'],
      [{ EVPKI_HIERARCHY: '/nowhere/ca.yaml' }, '/nowhere/ca.yaml: '],
      [{ EVPKI_POLICIES: '/nowhere/policies' }, '/nowhere/policies: cannot be read (ENOENT)'],
      [{ EVPKI_HOST: '0.0.0.0' }, "a demo's keys lie beside their passphrase"],
      [{ EVPKI_KEY_PASSPHRASE: 'eleven char' }, 'must have at least 12 characters'],
    ] as const) {
      const { status, stdout, stderr } = await evpki(['config', 'check'], { env });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain(message);
      expect(stderr).not.toContain('eleven char');
    }
  });

  test('check is content with a sound configuration', async () => {
    const file = write('evpki.yaml', 'apiPort: 1234\n');
    expect(await evpki(['config', 'check', '--file', file], { env: {} })).toEqual({
      status: 0,
      stdout: 'The configuration has no errors.\n',
      stderr: '',
    });
  });

  test('where the credentials are is no setting of the service, and no error', async () => {
    const result = await evpki(['config', 'check'], { env: { EVPKI_CLIENT_CONFIG: '/x' } });
    expect(result.status).toBe(0);
  });

  test('show says what holds and why, and no secret', async () => {
    const file = write('evpki.yaml', 'apiPort: 1234\n');
    const given = { EVPKI_KEY_PASSPHRASE: 'correct horse battery', EVPKI_HOST: '::1' };
    for (const more of [[], ['--json']]) {
      const argv = ['config', 'show', '--file', file, ...more];
      const { status, stdout } = await evpki(argv, { env: given });
      expect(status).toBe(0);
      expect(stdout).toContain('1234');
      expect(stdout).toContain(`file ${file}`);
      expect(stdout).toContain('environment EVPKI_HOST');
      expect(stdout).toContain('(set)');
      expect(stdout).not.toContain('correct horse');
    }
  });
});
