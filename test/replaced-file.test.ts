import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from '../src/replaced-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evpki-replaced-'));
  file = join(folder, 'root.pem');
});
afterEach(() => rm(folder, { recursive: true }));

test('a file is written with its mode, and nothing is left beside it', async () => {
  await replaceFile(file, 'one\n', 0o600);
  expect(await readFile(file, 'utf8')).toBe('one\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['root.pem']);
});

test('whoever has opened the file before keeps reading what was in it', async () => {
  await writeFile(file, 'a longer text than the next one\n');
  const reader = await open(file, 'r');
  try {
    await replaceFile(file, 'two\n', 0o644);
    expect(await reader.readFile('utf8')).toBe('a longer text than the next one\n');
    expect(await readFile(file, 'utf8')).toBe('two\n');
  } finally {
    await reader.close();
  }
});

test('what a killed process has left half-written is in nobody’s way', async () => {
  await writeFile(`${file}.new`, 'ha', { mode: 0o444 });
  await replaceFile(file, 'three\n', 0o644);
  expect(await readFile(file, 'utf8')).toBe('three\n');
  expect((await stat(file)).mode & 0o777).toBe(0o644);
  expect(await readdir(folder)).toEqual(['root.pem']);
});
