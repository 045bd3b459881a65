/** The places that settings come from, as one kind of thing; earlier ones take precedence. */

import type { Setting, SettingKey, SettingSource } from './settings.ts';
import type { Environment } from './unknown-variables.ts';

export interface Layer {
  /** Its name in errors: the file, or `environment`. */
  readonly source: string;
  /** What it calls a setting. */
  nameOf(key: SettingKey, row: Setting): string;
  /** Makes the name of a secret into the name of its file. */
  readonly fileSuffix: string;
  /** What it says under a name; undefined for nothing. */
  get(name: string): unknown;
  origin(name: string): SettingSource;
}

export const commandLineLayer = (
  options: Readonly<Partial<Record<SettingKey, string | undefined>>>,
): Layer => ({
  source: 'command line',
  nameOf: (key) => key,
  fileSuffix: 'File',
  get: (name) => (Object.hasOwn(options, name) ? options[name as SettingKey] : undefined),
  origin: () => 'command line',
});

export const environmentLayer = (env: Environment): Layer => ({
  source: 'environment',
  nameOf: (_key, row) => row.env,
  fileSuffix: '_FILE',
  get: (name) => env[name],
  origin: (name) => `environment ${name}`,
});

/** The entries of a YAML file; settings that do not belong into it are not looked for. */
export const documentLayer = (file: string, entries: ReadonlyMap<string, unknown>): Layer => ({
  source: file,
  nameOf: (key) => key,
  fileSuffix: 'File',
  get: (name) => entries.get(name),
  origin: () => `file ${file}`,
});
