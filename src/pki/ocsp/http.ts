/** What OCSP needs of HTTP (RFC 6960 appendix A, RFC 5019 5 and 6.2), without any server. */

import { createHash } from 'node:crypto';

/** Longer requests are for POST: clients use GET up to 255 bytes in all (RFC 5019 5). */
const MAX_ENCODED = 2 * 1024;

/**
 * The request in the path of a GET: base64 of the DER, then URL-encoded (RFC 6960 A.1). Clients
 * and proxies get the encoding wrong in many ways that leave no doubt what was meant: `/`, `+` and
 * `=` bare or encoded, padding left out, the URL-safe alphabet, slashes doubled before it, a `+`
 * that became a space on its way. Line breaks (RFC 5019 5) and encoding twice are not among them.
 * @param path the raw path behind the responder's own, without query
 * @returns DER as far as anybody knows, or undefined if it is no base64, is empty or is longer
 *   than 2 KiB encoded
 */
export function decodeGetPath(path: string): Uint8Array | undefined {
  if (path.length > MAX_ENCODED) return undefined;
  // A request starts with 0x30, hence its base64 with M: slashes in front belong to the URL.
  const text = percentDecoded(path)
    ?.replace(/^\/+/, '')
    .replaceAll(' ', '+')
    .replace(/={1,2}$/, '');
  if (text === undefined || !/^[\w+/-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const normal = text.replaceAll('+', '-').replaceAll('/', '_');
  // What does not encode to itself has stray bits or a character too many: it was cut or mangled.
  return bytes.toString('base64url') === normal ? bytes : undefined;
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // An incomplete escape, or one that is no UTF-8.
    return undefined;
  }
}

/** How long anybody may go on using an answer after a revocation, in seconds. */
const MAX_AGE = 60;

// A ready-signed response goes out thousands of times.
const etags = new WeakMap<Uint8Array, string>();

/**
 * The ETag of a response: its SHA-256 in hex, quoted (RFC 5019 6.2, RFC 9110 8.8.3). It is kept
 * as long as the response, which must not change.
 */
export function ocspEtag(response: Uint8Array): string {
  const known = etags.get(response);
  if (known !== undefined) return known;
  const etag = `"${createHash('sha256').update(response).digest('hex')}"`;
  etags.set(response, etag);
  return etag;
}

// Nor do its dates change.
const httpDates = new WeakMap<Date, string>();

function httpDate(date: Date): string {
  const known = httpDates.get(date);
  if (known !== undefined) return known;
  const text = date.toUTCString();
  httpDates.set(date, text);
  return text;
}

export interface OcspCacheFacts {
  /** As {@link ocspEtag} makes it. */
  readonly etag: string;
  /** The latest of the response's thisUpdates. */
  readonly thisUpdate: Date;
  /** The earliest of the response's nextUpdates. */
  readonly nextUpdate: Date;
}

/**
 * The headers by which caches know how long a successful response may be kept (RFC 5019 6.2):
 * at most 60 seconds, and never beyond nextUpdate. Not for errors, which are not to be cached.
 */
export function ocspCacheHeaders(
  { etag, thisUpdate, nextUpdate }: OcspCacheFacts,
  now: Date,
): Readonly<Record<'Last-Modified' | 'Expires' | 'ETag' | 'Cache-Control', string>> {
  const left = Math.floor((nextUpdate.getTime() - now.getTime()) / 1000);
  const maxAge = Math.max(0, Math.min(MAX_AGE, left));
  return {
    'Last-Modified': httpDate(thisUpdate),
    Expires: httpDate(nextUpdate),
    ETag: etag,
    'Cache-Control': `max-age=${maxAge}, public, no-transform, must-revalidate`,
  };
}
