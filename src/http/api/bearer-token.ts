import type { Request } from 'express';
import { NotAuthenticated } from '../../services/refusals.ts';

/** Room for any token of ours; Node takes no more than 16 KiB of headers anyway. */
const TOKEN = /^[A-Za-z0-9._~+/-]{1,4096}=*$/;

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 2.1), or of `X-API-Key: <token>`, which
 * clients of Plug & Charge platforms send; where there is an Authorization, it alone counts.
 * @throws ServiceError `not-authenticated` when there is none, or more than one
 */
export function bearerToken(request: Request): string {
  const token = presentedToken(request);
  if (token === undefined) throw noToken('the request carries no bearer token');
  return token;
}

/**
 * As {@link bearerToken}; undefined when the request has neither of the two headers.
 * @throws ServiceError `not-authenticated` for headers that hold no token, or more than one
 */
export function presentedToken(request: Request): string | undefined {
  const authorization = soleAuthorization(request);
  const apiKey = request.get('x-api-key');
  if (authorization === undefined && apiKey === undefined) return undefined;
  const token =
    authorization === undefined
      ? // Node joins several with commas, which are in no token.
        apiKey
      : /^Bearer (.*)$/i.exec(authorization)?.[1];
  if (token === undefined || !TOKEN.test(token)) {
    throw noToken('the request carries no bearer token');
  }
  return token;
}

/**
 * The Authorization of a request.
 * @throws ServiceError `not-authenticated` when there is more than one
 */
export function soleAuthorization(request: Request): string | undefined {
  // Node passes on the first of several; whoever stands in front may have read another.
  const headers = request.rawHeaders.filter(
    (name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization',
  );
  if (headers.length > 1) throw noToken('the request has more than one Authorization');
  return request.headers.authorization;
}

const noToken = (message: string) => new NotAuthenticated(message, { reason: 'no-credentials' });
