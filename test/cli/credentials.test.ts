import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Credentials,
  credentialsFile,
  draftCredentials,
  readCredentials,
  requireCredentials,
} from '../../src/cli/credentials.ts';
import { captureIo } from '../support/cli.ts';

const credentials: Credentials = {
  url: 'https://localhost:8543',
  ca: '-----BEGIN CERTIFICATE-----',
  clientId: 'cli_1',
  clientSecret: 'evpki_sec_1',
};

let folder: string;
let file: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evpki-credentials-'));
  env = { XDG_CONFIG_HOME: join(folder, 'config') };
  file = join(folder, 'config', 'evpki', 'credentials.json');
});
afterEach(() => rm(folder, { recursive: true }));

async function keep(kept: Credentials): Promise<string | undefined> {
  const draft = await draftCredentials(captureIo({ env }).io);
  try {
    return await draft.keep(kept);
  } finally {
    await draft.end();
  }
}

const permissions = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('the file', () => {
  test.each([
    ['EVPKI_CLIENT_CONFIG', { EVPKI_CLIENT_CONFIG: '/a/b', XDG_CONFIG_HOME: '/x' }, '/a/b'],
    ['XDG_CONFIG_HOME', { XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/x/evpki/credentials.json'],
    ['HOME', { HOME: '/h' }, '/h/.config/evpki/credentials.json'],
    // The XDG base directory specification has relative paths ignored.
    ['no relative path', { XDG_CONFIG_HOME: 'x', HOME: '/h' }, '/h/.config/evpki/credentials.json'],
  ])('is where %s says', (_name, given, path) => {
    expect(credentialsFile({ env: given })).toBe(path);
  });

  test('is readable by its owner only, and so is its folder', async () => {
    await keep(credentials);
    expect(await permissions(file)).toBe(0o600);
    expect(await permissions(join(folder, 'config', 'evpki'))).toBe(0o700);
  });

  test('is readable by its owner only when it was not before', async () => {
    await mkdir(join(folder, 'config', 'evpki'), { recursive: true });
    await writeFile(file, '{}', { mode: 0o644 });
    await writeFile(`${file}.new`, '', { mode: 0o644 });
    await keep(credentials);
    expect(await permissions(file)).toBe(0o600);
    expect(await readCredentials(captureIo({ env }).io)).toEqual(credentials);
  });

  test('is what was kept, and nothing is left beside it', async () => {
    await keep(credentials);
    const captured = captureIo({ env });
    expect(await readCredentials(captured.io)).toEqual(credentials);
    expect(captured.stderr()).toBe('');
    expect(await readdir(join(folder, 'config', 'evpki'))).toEqual(['credentials.json']);
  });

  test('stays as it was when a draft is not kept', async () => {
    await keep(credentials);
    await (await draftCredentials(captureIo({ env }).io)).end();
    expect(await readCredentials(captureIo({ env }).io)).toEqual(credentials);
    expect(await readdir(join(folder, 'config', 'evpki'))).toEqual(['credentials.json']);
  });

  test("keeps another client's secret beside it", async () => {
    await keep(credentials);
    expect(await keep({ ...credentials, clientId: 'cli_2' })).toBe(`${file}.old`);
    expect(JSON.parse(await readFile(`${file}.old`, 'utf8'))).toEqual(credentials);
    expect(await permissions(`${file}.old`)).toBe(0o600);
  });

  test('of the same client is replaced', async () => {
    await keep(credentials);
    expect(await keep({ ...credentials, url: 'https://other:1' })).toBeUndefined();
    expect((await readCredentials(captureIo({ env }).io))?.url).toBe('https://other:1');
  });

  test('that cannot be written is told of', async () => {
    await writeFile(join(folder, 'config'), '');
    await expect(draftCredentials(captureIo({ env }).io)).rejects.toThrow(/cannot be written \(E/);
  });
});

describe('reading', () => {
  test.each([0o640, 0o604, 0o620, 0o602])('warns of permissions %o', async (mode) => {
    await keep(credentials);
    await chmod(file, mode);
    const captured = captureIo({ env });
    expect(await readCredentials(captured.io)).toEqual(credentials);
    expect(captured.stderr()).toContain(`chmod 600 ${file}`);
    expect(captured.stderr()).not.toContain(credentials.clientSecret);
  });

  test('finds nothing without a file', async () => {
    expect(await readCredentials(captureIo({ env }).io)).toBeUndefined();
  });

  test('without a file, a command that needs one says how to log in', async () => {
    await expect(requireCredentials(captureIo({ env }).io)).rejects.toMatchObject({
      exit: 3,
      message: 'you are not logged in',
    });
  });

  test.each([
    ['no JSON', 'x'],
    ['null', 'null'],
    ['a list', '[]'],
    ['without a secret', JSON.stringify({ ...credentials, clientSecret: undefined })],
    ['with an empty secret', JSON.stringify({ ...credentials, clientSecret: '' })],
    ['with a URL without TLS', JSON.stringify({ ...credentials, url: 'http://localhost' })],
  ])('%s is damaged', async (_name, content) => {
    await mkdir(join(folder, 'config', 'evpki'), { recursive: true });
    await writeFile(file, content, { mode: 0o600 });
    await expect(readCredentials(captureIo({ env }).io)).rejects.toMatchObject({
      exit: 2,
      message: `${file} is damaged`,
    });
  });
});
