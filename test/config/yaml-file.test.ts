import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../src/config/yaml-file.ts';

describe('the YAML file', () => {
  test.each<[string, string, string]>([
    ['twice the same key', 'host: a\nhost: b\n', 'DUPLICATE_KEY'],
    ['two documents', 'host: a\n---\nhost: b\n', 'MULTIPLE_DOCS'],
    ['a list', '- host\n', 'must be a mapping'],
    ['a text', 'host', 'must be a mapping'],
    ['an alias', 'host: &a b\npublicUrl: *a\n', 'must not use aliases'],
  ])('with %s is refused', (_name, yaml, message) => {
    const errors = readYaml('c', () => yaml).errors;
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ source: 'c', message: expect.stringContaining(message) });
  });

  test.each(['', '# nothing yet\n', '{}'])('may be empty: %j', (yaml) => {
    expect(readYaml('c', () => yaml).errors).toEqual([]);
  });

  test('that cannot be read is one error', () => {
    expect(readYaml('none.yaml', (path) => readFileSync(path, 'utf8')).errors).toEqual([
      {
        source: 'none.yaml',
        path: '',
        message: "cannot be read: ENOENT: no such file or directory, open 'none.yaml'",
      },
    ]);
  });

  test('a mistake names its line', () => {
    expect(readYaml('c', () => 'host: a\nhost: b\n').errors[0]?.path).toBe('line 2, column 1');
  });
});
