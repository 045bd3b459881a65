import type { Request } from 'express';
import { ServiceError } from '../../services/errors.ts';

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 2.1).
 * @throws ServiceError `not-authenticated` when there is none, or more than one
 */
export function bearerToken(request: Request): string {
  // Node passes on the first of several; whoever stands in front may have read another.
  const headers = request.rawHeaders.filter(
    (name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization',
  );
  if (headers.length > 1) {
    throw new ServiceError('not-authenticated', 'the request has more than one Authorization');
  }
  const match = /^Bearer ([A-Za-z0-9._~+/-]{1,500}=*)$/i.exec(request.headers.authorization ?? '');
  const token = match?.[1];
  if (!token) {
    throw new ServiceError('not-authenticated', 'the request carries no bearer token');
  }
  return token;
}
