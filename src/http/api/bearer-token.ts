import type { Request } from 'express';
import { NotAuthenticated } from '../../services/refusals.ts';

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 2.1).
 * @throws ServiceError `not-authenticated` when there is none
 */
export function bearerToken(request: Request): string {
  const match = /^Bearer ([A-Za-z0-9._~+/-]{1,500}=*)$/i.exec(request.headers.authorization ?? '');
  const token = match?.[1];
  if (!token) {
    throw new NotAuthenticated('the request carries no bearer token', {
      reason: 'no-credentials',
    });
  }
  return token;
}
