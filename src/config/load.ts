/**
 * Reading the configuration: the command line over the environment over a YAML file over the
 * defaults. Everything that is wrong is found at once; what evpki does not know is wrong, because
 * a mistyped setting is otherwise one that silently does not hold.
 */

import { type DeclarationError, suggestion } from '../pki/declaration-errors.ts';
import { commandLineLayer, documentLayer, environmentLayer, type Layer } from './layers.ts';
import {
  type Config,
  type Setting,
  type SettingKey,
  type SettingSource,
  type SettingSources,
  settingRows,
  settings,
} from './settings.ts';
import { type Environment, unknownVariables } from './unknown-variables.ts';
import { readYaml } from './yaml-file.ts';

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly sources: SettingSources }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

type ReadFile = (path: string) => string;

/**
 * Reads and checks all settings.
 * @param input.env the environment, such as process.env
 * @param input.readFile the text of a file; throws when it cannot be read
 * @param input.file a YAML file named on the command line, instead of the one of EVPKI_CONFIG
 * @returns the configuration and where each value came from, or every error; no error repeats
 *   the value of a secret
 */
export function loadConfig(input: {
  readonly env: Environment;
  readonly readFile: ReadFile;
  readonly file?: string;
}): ConfigResult {
  const { env, readFile, file } = input;
  const errors: DeclarationError[] = [...unknownVariables(env)];
  const layers = [commandLineLayer({ configFile: file }), environmentLayer(env)];
  const configFile = findGiven('configFile', settings.configFile, layers, readFile);
  if (configFile?.ok && typeof configFile.value === 'string' && configFile.value !== '') {
    const document = readYaml(configFile.value, readFile);
    errors.push(...document.errors, ...unknownKeys(configFile.value, document.entries));
    layers.push(documentLayer(configFile.value, document.entries));
  }

  const values = new Map<SettingKey, unknown>();
  const sources = new Map<SettingKey, SettingSource>();
  for (const [key, row] of settingRows) {
    const given = findGiven(key, row, layers, readFile);
    const checked = given?.ok ? check(row, given) : (given ?? byDefault(row, values));
    if (checked.ok) {
      values.set(key, checked.value);
      sources.set(key, checked.origin);
    } else {
      errors.push(...checked.errors);
    }
  }
  if (errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    // Every row has put its value there, of its own type.
    config: Object.freeze(Object.fromEntries(values)) as Config,
    sources: Object.freeze(Object.fromEntries(sources)) as SettingSources,
  };
}

type Given =
  | {
      readonly ok: true;
      readonly value: unknown;
      readonly origin: SettingSource;
      /** What to call the place in an error. */
      readonly source: string;
      readonly path: string;
    }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

/** What the first layer that knows the setting says of it; undefined if none does. */
function findGiven(
  key: SettingKey,
  row: Setting,
  layers: readonly Layer[],
  readFile: ReadFile,
): Given | undefined {
  for (const layer of layers) {
    const { source } = layer;
    const path = layer.nameOf(key, row);
    const value = layer.get(path);
    const filePath = `${path}${layer.fileSuffix}`;
    const file = row.secret === undefined ? undefined : layer.get(filePath);
    if (value !== undefined && file !== undefined) {
      return faulty(source, path, `is given twice, also as ${filePath}; leave out one of them`);
    }
    if (value !== undefined) return { ok: true, value, origin: layer.origin(path), source, path };
    if (file !== undefined) {
      const origin = layer.origin(filePath);
      const content = secretFrom(file, readFile);
      return content.ok
        ? { ok: true, value: content.value, origin, source, path: filePath }
        : faulty(source, filePath, content.message);
    }
  }
  return undefined;
}

const faulty = (source: string, path: string, message: string) =>
  ({ ok: false, errors: [{ source, path, message }] }) as const;

function secretFrom(
  file: unknown,
  readFile: ReadFile,
):
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly message: string } {
  if (typeof file !== 'string' || file === '') return { ok: false, message: 'must name a file' };
  try {
    // Editors and `echo` end a file with a newline that is no part of the secret.
    return { ok: true, value: readFile(file).replace(/\r?\n$/, '') };
  } catch (error) {
    return { ok: false, message: `names a file that cannot be read: ${reason(error)}` };
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Checked =
  | { readonly ok: true; readonly value: unknown; readonly origin: SettingSource }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

function check(row: Setting, given: Given & { readonly ok: true }): Checked {
  const { value, origin, source, path } = given;
  if (value === null || value === '') {
    return faulty(source, path, 'is empty; give it a value or leave it out');
  }
  const result = row.type.safeParse(value);
  if (result.success) return { ok: true, value: result.data, origin };
  const found = row.secret === undefined ? `; found ${shown(value)}` : '';
  return faulty(source, path, `${result.error.issues[0]?.message}${found}${hint(value)}`);
}

const shown = (value: unknown): string =>
  typeof value === 'object' ? 'a list or mapping' : JSON.stringify(value).slice(0, 80);

// A service called `evpki-api` makes Kubernetes set EVPKI_API_PORT=tcp://10.0.0.7:8543.
const hint = (value: unknown): string =>
  typeof value === 'string' && /^(tcp|udp|sctp):\/\//.test(value)
    ? ' (set by Kubernetes for a service of that name? `enableServiceLinks: false` stops it)'
    : '';

function byDefault(row: Setting, values: ReadonlyMap<SettingKey, unknown>): Checked {
  if (row.default === undefined) return { ok: true, value: undefined, origin: 'not set' };
  const { dataDir } = settings;
  const written = row.default.replace('{dataDir}', () =>
    String(values.get('dataDir') ?? dataDir.default),
  );
  return { ok: true, value: row.type.parse(written), origin: 'default' };
}

const fileKeys = settingRows.flatMap(([key, row]) => {
  if (row.notInFile) return [];
  return row.secret === undefined ? [key] : [key, `${key}File`];
});

const unknownKeys = (
  source: string,
  entries: ReadonlyMap<string, unknown>,
): readonly DeclarationError[] =>
  [...entries.keys()]
    .filter((key) => !fileKeys.includes(key))
    .map((key) => ({
      source,
      path: key,
      message: `is not a setting${suggestion(key, fileKeys)}`,
    }));
