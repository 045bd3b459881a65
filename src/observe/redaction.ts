/**
 * What a log line may contain: plain values of bounded size, without secrets. Fields are rebuilt
 * value by value, so that nothing reaches the line by a way that was not thought of.
 */

import { KeyObject } from 'node:crypto';

const REDACTED = '<redacted>';
const MOST_DEPTH = 8;
const MOST_MEMBERS = 100;
const MOST_CHARACTERS = 8192;

const secretName =
  /pass(phrase|word|wd)|secret|token|authorization|private_?-?key|pkcs-?_?8|credential|cookie|api_?-?key/i;
// A PIN is a word of its own: `userPin` and `so_pin`, but not `mapping` or `pinnedKey`.
const pinName = /(^|_)pin$|[a-z]Pin$|^PIN$/;

/**
 * Fields as they may be logged. Members with the name of a secret lose their value, octets become
 * their number, errors their name, code and message; text is searched for secrets too.
 * @param withStack whether the stack of this error belongs on the line
 */
export function presentable(
  fields: Readonly<Record<string, unknown>>,
  withStack: (error: Error) => boolean,
): Record<string, unknown> {
  const path: object[] = [];

  function show(value: unknown): unknown {
    if (typeof value === 'string') return presentableText(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'symbol') return presentableText(String(value));
    if (typeof value === 'function') return '<function>';
    if (typeof value !== 'object' || value === null) return value;
    if (path.includes(value)) return '<circular>';
    if (path.length >= MOST_DEPTH) return '<too deep>';
    path.push(value);
    try {
      return showObject(value);
    } finally {
      path.pop();
    }
  }

  function showObject(value: object): unknown {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return octets(value.byteLength);
    if (value instanceof Date) return Number.isNaN(+value) ? '<no date>' : value.toISOString();
    if (value instanceof URL) return presentableText(value.href);
    if (value instanceof Error) return showError(value);
    if (value instanceof Map) return showMembers([...value].map(([k, item]) => [String(k), item]));
    if (value instanceof Set) return showList([...value]);
    if (Array.isArray(value)) return showList(value);
    // Their members are none, and `{}` would tell nothing.
    if (value instanceof KeyObject || isCryptoKey(value)) return '<key>';
    // What JSON makes of a Buffer is the octets again.
    const { type, data } = value as { type?: unknown; data?: unknown };
    if (type === 'Buffer' && Array.isArray(data)) return octets(data.length);
    return showMembers(Object.entries(value));
  }

  function showList(items: readonly unknown[]): unknown[] {
    const shown = items.slice(0, MOST_MEMBERS).map(show);
    return items.length > MOST_MEMBERS
      ? [...shown, `<${items.length - MOST_MEMBERS} more>`]
      : shown;
  }

  function showMembers(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
    const shown = entries
      .filter(([, value]) => value !== undefined)
      .slice(0, MOST_MEMBERS)
      .map(([name, value]) => [
        presentableText(name),
        secretName.test(name) || pinName.test(name) ? REDACTED : show(value),
      ]);
    return Object.fromEntries(shown);
  }

  function showError(error: Error): Record<string, unknown> {
    const { code, cause, errors } = error as Error & { code?: unknown; errors?: unknown };
    return showMembers([
      ['name', error.name],
      ['code', code],
      ['message', error.message],
      ['cause', cause],
      ['errors', errors],
      ['stack', withStack(error) ? error.stack : undefined],
    ]);
  }

  return showMembers(Object.entries(fields));
}

const octets = (count: number): string => `<${count} bytes>`;

const isCryptoKey = (value: object): boolean =>
  Object.prototype.toString.call(value) === '[object CryptoKey]';

/** Text without what is secret by its form: private keys in PEM, what evpki gave, tokens, passwords. */
export function presentableText(text: string): string {
  const safe = text
    .replace(
      /-----BEGIN(?: |%20|\+)(?:[A-Z0-9 +]|%20)*PRIVATE(?: |%20|\+)KEY[\s\S]*/g,
      `${REDACTED} private key`,
    )
    .replace(/evpki_(sec|tok|boot)_[\w-]{8,}/g, `evpki_$1_${REDACTED}`)
    .replace(/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{16,}/gi, `$1 ${REDACTED}`)
    .replace(/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, REDACTED)
    .replace(/(:\/\/[^\s:@/?#]*):[^\s@/]+@/g, `$1:${REDACTED}@`);
  return safe.length > MOST_CHARACTERS ? `${safe.slice(0, MOST_CHARACTERS)}…` : safe;
}
