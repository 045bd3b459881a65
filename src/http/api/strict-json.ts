/**
 * What JSON leaves open and a body may not make use of: octets that are no UTF-8, members that are
 * there twice (readers differ on which counts), names that reach into prototypes, and nesting.
 */

import { ServiceError } from '../../services/errors.ts';

/** No body of openapi.yaml comes near it. */
const MAX_DEPTH = 32;

const dangerousNames: readonly string[] = ['__proto__', 'constructor', 'prototype'];

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Looks through the octets of a JSON body. Whether it is JSON at all, its parser says.
 * @throws ServiceError `request-malformed` naming the first thing that is wrong, never its value
 */
export function requireStrictJson(octets: Uint8Array): void {
  const fault = faultIn(octets);
  if (fault === undefined) return;
  throw new ServiceError('request-malformed', 'the body cannot be parsed', [
    { field: 'body', ...fault },
  ]);
}

function faultIn(octets: Uint8Array): { code: string; message: string } | undefined {
  let text: string;
  try {
    text = utf8.decode(octets);
  } catch {
    return { code: 'json-not-utf-8', message: 'is not UTF-8' };
  }
  /** The names of each object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  // Strings, and the marks that give structure; a string before a colon is a name.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      if (open.length === MAX_DEPTH) {
        return { code: 'json-too-deep', message: `is nested deeper than ${MAX_DEPTH} levels` };
      }
      open.push(token === '{' ? new Set() : undefined);
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token.endsWith(':')) {
      const name = nameOf(token);
      if (name === undefined) return undefined;
      if (dangerousNames.includes(name)) {
        return { code: 'json-name-forbidden', message: 'has a member with a name of prototypes' };
      }
      const names = open.at(-1);
      if (names?.has(name)) return { code: 'json-name-twice', message: 'has a member twice' };
      names?.add(name);
    }
  }
  return undefined;
}

/** The name without its escapes; undefined for one that no parser will take. */
function nameOf(token: string): string | undefined {
  try {
    return JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
  } catch {
    return undefined;
  }
}
