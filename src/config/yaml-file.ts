/** The YAML file of the configuration, as far as it is only YAML: a mapping of names to values. */

import { LineCounter, parseDocument } from 'yaml';
import type { DeclarationError } from '../pki/declaration-errors.ts';

export interface YamlFile {
  /** What could be read; empty if there are errors. */
  readonly entries: ReadonlyMap<string, unknown>;
  readonly errors: readonly DeclarationError[];
}

/** Reads a YAML file of one mapping; an empty file is an empty mapping. */
export function readYaml(file: string, readFile: (path: string) => string): YamlFile {
  const failed = (path: string, message: string): YamlFile => ({
    entries: new Map(),
    errors: [{ source: file, path, message }],
  });
  let content: string;
  try {
    content = readFile(file);
  } catch (error) {
    return failed('', `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }

  const lines = new LineCounter();
  const document = parseDocument(content, { prettyErrors: false, lineCounter: lines });
  // Warnings count: an unknown tag is one, and `keyPassphrase: !x y` would quietly become `y`.
  const [first] = [...document.errors, ...document.warnings];
  if (first !== undefined) {
    const { line, col } = lines.linePos(first.pos[0]);
    // The parser's own message may quote the line, and the line may hold a secret.
    return failed(
      `line ${line}, column ${col}`,
      `is not correct YAML (${first.code}); put text with special characters in quotes`,
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    return failed('', 'must not use aliases; put text that starts with * in quotes');
  }
  if (value === null) return { entries: new Map(), errors: [] };
  if (typeof value !== 'object' || Array.isArray(value)) {
    return failed('', 'must be a mapping of settings to values');
  }
  return { entries: new Map(Object.entries(value)), errors: [] };
}
