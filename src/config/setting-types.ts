/** The kinds of values that settings have. Messages never repeat the value: it may be a secret. */

import { isIPv6 } from 'node:net';
import { z } from 'zod';

/** Text as it is. YAML makes numbers and dates of some texts, which then must be quoted. */
export const text = z.string('must be text; in YAML, put it in quotes');

/** One of a few words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

const LEAST_PASSPHRASE_CHARACTERS = 12;

/** A passphrase: what the keystore would refuse is refused before there is a database. */
export const passphrase = text.refine(
  (value) => [...value].length >= LEAST_PASSPHRASE_CHARACTERS,
  `must have at least ${LEAST_PASSPHRASE_CHARACTERS} characters`,
);

const portMessage = 'must be a port from 0 to 65535; 0 picks a free one';

/** A TCP port: a number in YAML, digits in the environment. */
export const port = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value),
  z.int(portMessage).min(0, portMessage).max(65_535, portMessage),
);

const limitMessage = (most: number) => `must be a whole number from 0 to ${most}; 0 for no limit`;

/** A whole number that limits something, or 0. */
const limit = (most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    z.int(limitMessage(most)).min(0, limitMessage(most)).max(most, limitMessage(most)),
  );

/** So many a second. */
export const rate = limit(1_000_000);

/** So many at a time. */
export const count = limit(100_000_000);

/** A port, or no listener at all. YAML 1.2 has `off` as text. */
export const portOrOff = z.union([z.literal('off'), port], `${portMessage}, or off`);

const instantMessage = 'must be a time such as 2026-11-22T10:00:00.000Z';

/** A moment in UTC, to the millisecond or to the second, as text. */
export const instant = text
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/, instantMessage)
  .refine((value) => !Number.isNaN(Date.parse(value)), instantMessage);

/** An address or a name to listen on. */
export const listenHost = text.refine(
  (value) => isIPv6(value) || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value),
  'must be an IP address or a host name, without port or brackets',
);

/** Headers that mean something already, to us or to HTTP. */
const TAKEN_HEADERS: readonly string[] = [
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'idempotency-key',
  'transfer-encoding',
  'x-api-key',
];

/** The name of a header of our own choice (RFC 9110 5.1). */
export const headerName = text.refine(
  (value) =>
    /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(value) && !TAKEN_HEADERS.includes(value.toLowerCase()),
  'must be the name of a header of its own: letters, digits and hyphens, at most 64',
);

/**
 * An absolute http or https URL that paths are appended to; given back without a slash at its
 * end. Query and fragment would end up in the middle, a password in certificates.
 */
export const baseUrl = text.transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const plain = url !== undefined && /^https?:$/.test(url.protocol) && /^https?:\/\//i.test(value);
  // A bare `?` or `#` leaves no trace in the parsed URL; so look at what was written.
  if (plain && !/[?#\s]/.test(value) && url.username === '' && url.password === '') {
    return url.href.replace(/\/+$/, '');
  }
  context.addIssue('must be an absolute http:// or https:// URL without query, fragment and user');
  return z.NEVER;
});

const hostRule = /^(?:(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Hosts, `*.` for all below one, a port behind a colon; several with commas. */
export const hostRules = text.refine(
  (value) => value === '' || value.split(',').every((rule) => hostRule.test(rule.trim())),
  'must be hosts such as hooks.example.org, *.example.org or 192.0.2.7:8080, with commas between',
);

/** Where the database is: `sqlite:<path>`, or a postgres:// URL in any form that `pg` reads. */
export const databaseUrl = text.refine(
  (value) => isSqlite(value) || isPostgres(value),
  'must be sqlite:<path> or postgres://[user[:password]@][host][:port]/database[?host=<socket folder>]',
);

// `sqlite://` is refused because of two readings: some tools take what follows for a host.
const isSqlite = (value: string): boolean => /^sqlite:(?!\/\/)./.test(value);

// Credentials before an empty host, as for a socket, are no URL by the WHATWG rules; `pg` puts a
// host there before it parses, and so do we.
const isPostgres = (value: string): boolean =>
  /^postgres(ql)?:\/\//.test(value) && URL.canParse(value.replace('@/', '@localhost/'));

const SHOWN_PARAMETERS: readonly string[] = ['host', 'port', 'sslmode'];

/**
 * A database URL as it may be shown: without password, also when it is among the parameters.
 * Cuts from the first colon after the user to the last `@`, because a password may contain both.
 */
export function withoutPassword(url: string): string {
  if (url.startsWith('sqlite:')) return url;
  const [address = '', query] = splitOnce(url, '?');
  const at = address.lastIndexOf('@');
  // A password with a `?` in it puts the `@` behind the question mark: nothing is safe to show.
  if (query?.includes('@')) return `${url.slice(0, url.indexOf(':'))}://(hidden)`;
  const shown =
    at < 0
      ? address
      : address.slice(0, at).replace(/^(\w+:\/\/[^:]*):.*$/s, '$1:(hidden)') + address.slice(at);
  if (query === undefined) return shown;
  const parameters = query.split('&').map((parameter) => {
    const [name = ''] = parameter.split('=');
    return SHOWN_PARAMETERS.includes(name) ? parameter : `${name}=(hidden)`;
  });
  return `${shown}?${parameters.join('&')}`;
}

function splitOnce(value: string, separator: string): [string, string?] {
  const at = value.indexOf(separator);
  return at < 0 ? [value] : [value.slice(0, at), value.slice(at + 1)];
}
