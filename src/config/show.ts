/** The settings for people: what they are, and what they came to. */

import { withoutPassword } from './setting-types.ts';
import {
  type Config,
  type Setting,
  type SettingKey,
  type SettingSource,
  type SettingSources,
  settingRows,
} from './settings.ts';

export interface ShownSetting {
  readonly key: SettingKey;
  /** The environment variable. */
  readonly variable: string;
  /** As text; `(set)` for a secret, empty for what is not set. */
  readonly value: string;
  readonly source: SettingSource;
}

/** Every setting with its value and where that came from, in the order of the table. */
export const showConfig = (config: Config, sources: SettingSources): readonly ShownSetting[] =>
  settingRows.map(([key, row]) => ({
    key,
    variable: row.env,
    value: shownValue(row, config[key]),
    source: sources[key],
  }));

function shownValue(row: Setting, value: string | number | undefined): string {
  if (value === undefined) return '';
  if (row.secret === 'whole') return '(set)';
  return row.secret === 'password' ? withoutPassword(String(value)) : String(value);
}

/** The settings as a table in Markdown, for the README. */
export function configTable(): string {
  const rows = settingRows.map(([key, row]) => {
    const also = row.secret === undefined ? '' : ` Also as \`${row.env}_FILE\`.`;
    const written = row.default?.replace('{dataDir}', '<data folder>');
    return [
      `\`${row.env}\``,
      row.notInFile ? '' : `\`${key}\``,
      written === undefined ? '' : `\`${written}\``,
      `${row.description}${also}`.replaceAll('|', '\\|'),
    ];
  });
  return [
    ['Variable', 'In the file', 'Default', 'What it is'],
    ['---', '---', '---', '---'],
    ...rows,
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
