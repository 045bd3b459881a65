import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** SQL given as text; whatever is put into it must be a binding. */
const unbound = /\b\w*[rR]aw\(\s*(?:`[^`]*\$\{|'[^']*'\s*\+|"[^"]*"\s*\+|\w+\s*\+)/;

test('W2: no SQL text of the stores is put together from values', async () => {
  const folder = new URL('../../src/storage/', import.meta.url).pathname;
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
  expect(names).toContain('certificates.ts');
  for (const name of names) {
    expect(unbound.test(await readFile(join(folder, name), 'utf8')), name).toBe(false);
  }
});

test.each(['knex.raw(`SELECT $'.concat('{x}`)'), "q.whereRaw('a = ' + b)", 'raw(sql + x)'])(
  'W2: %s would be found',
  (planted) => {
    expect(unbound.test(planted)).toBe(true);
  },
);
