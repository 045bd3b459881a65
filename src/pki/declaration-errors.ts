/**
 * What is wrong with a declaration (a profile, a hierarchy): where, and what would be right.
 * A declaration is checked to its end, so that its author hears of every mistake at once.
 */

import { z } from 'zod';

export interface DeclarationError {
  /** The file, or whatever else the declaration came from. */
  readonly source: string;
  /** Such as `extensions.keyUsage.usages[1]`; empty when it is about the whole declaration. */
  readonly path: string;
  readonly message: string;
}

/** Writes a path the way people do: `subject[1].CN`. */
export function declarationPath(parts: readonly PropertyKey[]): string {
  let path = '';
  for (const part of parts) {
    if (typeof part === 'number') path += `[${part}]`;
    else path += path === '' ? String(part) : `.${String(part)}`;
  }
  return path;
}

/** How many single-character edits lie between two words, a swap of neighbours being one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous: number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (before[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** `; did you mean "x"?` when one of the candidates is close to the word, otherwise empty. */
export function suggestion(word: string, candidates: readonly string[]): string {
  // Long words are no typing mistakes, and the comparison is quadratic.
  if (word.length > 100) return '';
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      edits: distance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  const nearest = ranked[0];
  return nearest === undefined ? '' : `; did you mean "${nearest.candidate}"?`;
}

const quoted = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const kindNames: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  record: 'a mapping',
  string: 'a text',
};

const wholeMessage = 'must be a mapping of keys to values';

/** The value at a path, and whether the path exists. */
function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** The keys that the schema allows at a path: of objects, inside lists, records, optionals and
 * defaults. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault
  ) {
    return keysAt(schema.unwrap(), path);
  }
  const [part, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (part === undefined) return Object.keys(schema.shape);
    const member: unknown = schema.shape[String(part)];
    return member instanceof z.ZodType ? keysAt(member, rest) : [];
  }
  if (part === undefined) return [];
  if (schema instanceof z.ZodArray) return keysAt(schema.element, rest);
  if (schema instanceof z.ZodRecord) return keysAt(schema.valueType, rest);
  return [];
}

function message(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.path.length === 0) return wholeMessage;
      return value === undefined
        ? `is missing: expected ${kindNames[issue.expected] ?? issue.expected}`
        : `must be ${kindNames[issue.expected] ?? issue.expected}, found ${quoted(value)}`;
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      const list = allowed.length === 1 ? allowed.join() : `one of ${allowed.join(', ')}`;
      if (value === undefined) return `is missing: expected ${list}`;
      const hint = typeof value === 'string' ? suggestion(value, allowed) : '';
      return `must be ${list}; found ${quoted(value)}${hint}`;
    }
    case 'too_small':
      return issue.origin === 'array'
        ? 'must not be an empty list'
        : `${quoted(value)} is too small: ${issue.message}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

/**
 * Turns what zod found into declaration errors. `document` is what was checked and `schema` what
 * it was checked with: they supply the offending values, the allowed keys and the suggestions.
 * The order is zod's; every unknown key is an error of its own at its own path.
 */
export function declarationErrors(
  source: string,
  document: unknown,
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
): readonly DeclarationError[] {
  return issues.flatMap((issue): DeclarationError[] => {
    if (issue.code !== 'unrecognized_keys') {
      const value = valueAt(document, issue.path);
      return [{ source, path: declarationPath(issue.path), message: message(issue, value) }];
    }
    const allowed = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({
      source,
      path: declarationPath([...issue.path, key]),
      message: `is not a known key${suggestion(key, allowed) || '.'} Allowed: ${allowed.join(', ')}`,
    }));
  });
}
