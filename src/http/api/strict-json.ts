/**
 * What JSON leaves open and a body may not make use of: octets that are no UTF-8, members that are
 * there twice (readers differ on which counts), names that reach into prototypes, halves of
 * surrogate pairs (which no UTF-8 can hold, RFC 8259 8.2), and nesting.
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
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (open.length === MAX_DEPTH) {
        return { code: 'json-too-deep', message: `is nested deeper than ${MAX_DEPTH} levels` };
      }
      open.push(character === '{' ? new Set() : undefined);
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      const next = afterSpace(text, end);
      const token = text.slice(at, end);
      if (hasHalfPair(token)) {
        return { code: 'json-half-character', message: 'has half a surrogate pair in a text' };
      }
      if (text[next] === ':') {
        const fault = faultInName(token, open.at(-1));
        if (fault) return fault;
      }
      at = next - 1;
    }
  }
  return undefined;
}

/** Where the string that begins at `start` has ended; the end of the text if it never does. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \t\n\r'.includes(text[at] as string)) at++;
  return at;
}

function faultInName(
  token: string,
  names: Set<string> | undefined,
): { code: string; message: string } | undefined {
  const name = unescaped(token);
  if (name === undefined) return undefined;
  if (dangerousNames.includes(name)) {
    return { code: 'json-name-forbidden', message: 'has a member with a name of prototypes' };
  }
  if (names?.has(name)) return { code: 'json-name-twice', message: 'has a member twice' };
  names?.add(name);
  return undefined;
}

/** An escape of a surrogate, which needs the other half beside it. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** What the octets hold is whole, since they are UTF-8: halves come as escapes only. */
const hasHalfPair = (token: string): boolean =>
  SURROGATE_ESCAPE.test(token) && /\p{Cs}/u.test(unescaped(token) ?? '');

/** The text without its escapes; undefined for one that no parser will take. */
function unescaped(token: string): string | undefined {
  try {
    return JSON.parse(token) as string;
  } catch {
    return undefined;
  }
}
