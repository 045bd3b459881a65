/** What is generated from openapi.yaml and the code is what a new run would write. */

import { describe, expect, test } from 'vitest';
import { apiTypes, targets } from '../scripts/generate-api-types.ts';
import { withConfigTable } from '../scripts/generate-docs.ts';
import { errorTables } from '../src/services/error-tables.ts';
import { readRepositoryFile } from './support/repository.ts';

describe('npm run generate has been run since the last change', () => {
  test.each(['api', 'opcp', 'opnc'] as const)(
    'types.ts of src/http/%s, from openapi.yaml',
    async (door) => {
      expect(readRepositoryFile(targets[door])).toBe(await apiTypes(door));
    },
  );

  test('docs/errors.md, from the error codes', () => {
    expect(readRepositoryFile('docs/errors.md')).toBe(errorTables());
  });

  test('the settings in README.md, from the schema', () => {
    const readme = readRepositoryFile('README.md');
    expect(readme).toBe(withConfigTable(readme));
  });
});

describe('the table of settings', () => {
  const begin = '<!-- configuration -->';
  const end = '<!-- /configuration -->';

  test('replaces what stands between the markers, and nothing else', () => {
    const text = withConfigTable(`above\n\n${begin}\nSTALE\n${end}\n\nbelow\n`);
    expect(text).toMatch(/^above\n\n<!-- configuration -->\n\n\| Variable /);
    expect(text).toMatch(/ \|\n\n<!-- \/configuration -->\n\nbelow\n$/);
    expect(text).not.toContain('STALE');
    expect(withConfigTable(text)).toBe(text);
  });

  test.each([
    ['none', 'text'],
    ['no end', `${begin} text`],
    ['no begin', `text ${end}`],
    ['the wrong way round', `${end} text ${begin}`],
    ['two of one kind', `${begin} text ${begin}`],
    ['twice', `${begin}${end}${begin}${end}`],
  ])('refuses markers: %s', (_name, text) => {
    expect(() => withConfigTable(text)).toThrow('once each');
  });
});
