/**
 * The credentials that a request names in its headers. One counts: `Authorization`, or without it
 * `X-API-Key`. What is named and wrong is refused, even where something else would be right.
 */

import type { IncomingMessage } from 'node:http';
import { NotAuthenticated } from '../../services/refusals.ts';

export type Credential =
  | { readonly kind: 'token'; readonly token: string }
  /** RFC 7617, as RFC 7030 3.2.3 has it. */
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

const TOKEN = /^[A-Za-z0-9._~+/-]{1,4096}=*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Characters of base64: more than any user and secret. */
const MAX_BASIC = 2048;
const CONTROL = /\p{Cc}/u;

/**
 * @returns undefined when the headers name none: a client certificate may still say who it is
 * @throws NotAuthenticated when what they name can be nobody's
 */
export function namedCredential(request: IncomingMessage): Credential | undefined {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  // Node passes on the first of several; whoever stands in front may have read another.
  if (count(request, 'authorization') > 1 || count(request, 'x-api-key') > 1) {
    throw unreadable('the request has more than one Authorization or X-API-Key');
  }
  if (authorization !== undefined) return ofAuthorization(authorization);
  return typeof apiKey === 'string' ? tokenOf(apiKey) : undefined;
}

const count = ({ rawHeaders }: IncomingMessage, name: string): number =>
  rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length;

function ofAuthorization(authorization: string): Credential {
  const [, scheme = '', rest = ''] = /^(\S+) +(.*)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return tokenOf(rest);
    case 'basic':
      return basicOf(rest);
    default:
      throw unreadable('the Authorization is neither Bearer nor Basic');
  }
}

function tokenOf(token: string): Credential {
  if (!TOKEN.test(token)) throw unreadable('the token is not one');
  return { kind: 'token', token };
}

/** RFC 7617 2: everything to the first colon is the user, and neither has control characters. */
function basicOf(encoded: string): Credential {
  const isBase64 = encoded.length <= MAX_BASIC && BASE64.test(encoded);
  const text = isBase64 ? Buffer.from(encoded, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 0 || CONTROL.test(text) || text.includes('\ufffd')) {
    throw unreadable('the Basic credentials are not user and password');
  }
  return { kind: 'basic', user: text.slice(0, colon), password: text.slice(colon + 1) };
}

const unreadable = (message: string): NotAuthenticated =>
  new NotAuthenticated(message, { reason: 'no-credentials' }, 'no-credentials');
