import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { withoutPassword } from '../../src/config/setting-types.ts';
import { settingRows } from '../../src/config/settings.ts';
import { configTable, showConfig } from '../../src/config/show.ts';

describe('showConfig', () => {
  const result = loadConfig({
    env: {
      EVPKI_KEY_PASSPHRASE: 'correct-horse-battery',
      EVPKI_DATABASE_URL: 'postgres://evpki:hunter2@db.example/evpki',
      EVPKI_API_PORT: '0',
    },
    readFile: () => '',
  });
  if (!result.ok) throw new Error('the configuration is refused');
  const shown = showConfig(result.config, result.sources);
  const byKey = new Map(shown.map((setting) => [setting.key, setting]));

  test('lists every setting in the order of the table', () => {
    expect(shown.map(({ key }) => key)).toEqual(settingRows.map(([key]) => key));
  });

  test('says what each is and where it came from', () => {
    expect(byKey.get('apiPort')).toEqual({
      key: 'apiPort',
      variable: 'EVPKI_API_PORT',
      value: '0',
      source: 'environment EVPKI_API_PORT',
    });
    expect(byKey.get('publicUrl')).toMatchObject({ value: '', source: 'not set' });
    expect(byKey.get('host')).toMatchObject({ value: '127.0.0.1', source: 'default' });
  });

  test('W9 shows no secret', () => {
    expect(byKey.get('keyPassphrase')?.value).toBe('(set)');
    expect(byKey.get('databaseUrl')?.value).toBe('postgres://evpki:(hidden)@db.example/evpki');
    expect(JSON.stringify(shown)).not.toMatch(/horse|hunter2/);
  });
});

describe('a database URL without its password', () => {
  test.each([
    ['sqlite:./data/evpki.sqlite', 'sqlite:./data/evpki.sqlite'],
    ['postgres://h/d', 'postgres://h/d'],
    ['postgres://u@h/d', 'postgres://u@h/d'],
    ['postgres://u@h:5432/d', 'postgres://u@h:5432/d'],
    ['postgres://[::1]:5432/d', 'postgres://[::1]:5432/d'],
    ['postgres://u:p@h/d', 'postgres://u:(hidden)@h/d'],
    ['postgresql://u:p@/d?host=/run', 'postgresql://u:(hidden)@/d?host=/run'],
    ['postgres://:p@h/d', 'postgres://:(hidden)@h/d'],
    [
      'postgres:///d?host=/run&password=p&sslmode=require',
      'postgres:///d?host=/run&password=(hidden)&sslmode=require',
    ],
  ])('%s', (url, expected) => {
    expect(withoutPassword(url)).toBe(expected);
  });

  // `pg` takes some of these literally, others not at all: shown they are in no case.
  test.each([
    'se@cret',
    'se:cret',
    'se/cret',
    'se?cret',
    'se#cret',
    'se@cr:et',
    'se\ncret',
    'a?b=se@cret',
  ])('W9 whatever characters it has: %j', (password) => {
    const shown = withoutPassword(`postgres://u:${password}@host/d`);
    expect(shown).not.toMatch(/se|cr|et/);
  });
});

describe('the table for the README', () => {
  const lines = configTable().split('\n');

  test('has a row for every setting', () => {
    expect(lines).toHaveLength(2 + settingRows.length);
    for (const [, row] of settingRows) {
      expect(lines.filter((line) => line.startsWith(`| \`${row.env}\` |`))).toHaveLength(1);
    }
  });

  test('has four cells in every row', () => {
    for (const line of lines) expect(line.match(/(?<!\\)\|/g), line).toHaveLength(5);
  });

  test('shows defaults, and that secrets may be in files', () => {
    const row = (variable: string) => lines.find((line) => line.includes(`\`${variable}\``));
    expect(row('EVPKI_PUBLIC_PORT')).toContain('| `publicPort` | `8180` |');
    expect(row('EVPKI_DATABASE_URL')).toContain('`sqlite:<data folder>/evpki.sqlite`');
    expect(row('EVPKI_KEY_PASSPHRASE')).toContain('Also as `EVPKI_KEY_PASSPHRASE_FILE`.');
  });
});
