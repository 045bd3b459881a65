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
  const authorization = soleAuthorization(request);
  const token =
    authorization === undefined
      ? // Node joins several with commas, which are in no token.
        request.get('x-api-key')
      : /^Bearer (.*)$/i.exec(authorization)?.[1];
  if (token === undefined || !TOKEN.test(token)) {
    throw new NotAuthenticated('the request carries no bearer token', {
      reason: 'no-credentials',
    });
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
  if (headers.length > 1) {
    throw new NotAuthenticated('the request has more than one Authorization', {
      reason: 'no-credentials',
    });
  }
  return request.headers.authorization;
}
