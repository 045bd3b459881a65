import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { demoPassphrase } from '../../src/keystore/passphrase.ts';

describe('the demo passphrase', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evpki-passphrase-'));
    file = join(folder, 'key-passphrase');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is 32 octets in base64url, in a file for the owner only', async () => {
    const passphrase = await demoPassphrase(file);
    expect(Buffer.from(passphrase, 'base64url')).toHaveLength(32);
    expect(await readFile(file, 'utf8')).toBe(`${passphrase}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('is the same at every start, and another one in another folder', async () => {
    const passphrase = await demoPassphrase(file);
    expect(await demoPassphrase(file)).toBe(passphrase);
    expect(await demoPassphrase(join(folder, 'other'))).not.toBe(passphrase);
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666])(
    'is refused from a file of mode %o',
    async (mode) => {
      await demoPassphrase(file);
      await chmod(file, mode);
      await expect(demoPassphrase(file)).rejects.toMatchObject({
        name: 'KeystoreError',
        code: 'passphrase-file-unsafe',
        message: expect.stringContaining(`0${mode.toString(8)}`),
      });
    },
  );

  test.each([
    ['empty, after a crash', ''],
    ['cut off', 'AAAAAAAAAAAA'],
    ['written by hand', 'swordfish\n'],
    ['followed by more', `${'A'.repeat(43)}\nB\n`],
  ])('is refused from a file that is %s, which stays as it is', async (_name, content) => {
    await writeFile(file, content, { mode: 0o600 });
    const error = await demoPassphrase(file).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'passphrase-file-unsafe' });
    expect(String(error)).not.toContain('swordfish');
    expect(await readFile(file, 'utf8')).toBe(content);
  });

  test('is not read through a link', async () => {
    const target = join(folder, 'target');
    await demoPassphrase(target);
    await symlink(target, file);
    await expect(demoPassphrase(file)).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('is not written into a folder that does not exist', async () => {
    await expect(demoPassphrase(join(folder, 'none', 'file'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
