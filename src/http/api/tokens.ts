/** Where tokens are given, and the keys to check them with. */

import type { Request } from 'express';
import type { AccessParts } from '../../services/access.ts';
import { ServiceError } from '../../services/errors.ts';
import { grantToken } from '../../services/token-grant.ts';
import { clientCredentials } from './client-credentials.ts';
import type { PublicHandlers } from './operations.ts';
import type { JsonWebKeySet, Token, TokenRequest } from './types.ts';

/** A key is published a day before it signs: an hour of caching is well within that. */
const KEYS_MAX_AGE_SECONDS = 3600;

/** @param presented what the client's connection has presented: DER, leaf first */
export const tokenHandlers = (
  parts: AccessParts,
  presented: (request: Request) => Promise<readonly Uint8Array[] | undefined>,
) =>
  ({
    async createToken(request, response) {
      const { grant_type, audience, scope } = request.body as TokenRequest;
      if (grant_type !== 'client_credentials') {
        throw new ServiceError('grant-type-unsupported', 'the grant type is client_credentials');
      }
      const credentials = clientCredentials(request);
      const certificate = await presented(request);
      const granted = await grantToken(parts, {
        ...credentials,
        ...(certificate === undefined ? {} : { certificate }),
        ...(audience ? { audience } : {}),
        ...(scope ? { scope } : {}),
      });
      const answer: Token = {
        access_token: granted.accessToken,
        token_type: 'Bearer',
        expires_in: granted.expiresInSeconds,
        scope: granted.scope,
      };
      // RFC 6749 5.1; `Cache-Control: no-store` is on every answer.
      response.set('Pragma', 'no-cache').json(answer);
    },

    async getTokenKeys(_request, response) {
      const answer = { keys: await parts.tokenKeys.published() } as JsonWebKeySet;
      response.set('Cache-Control', `public, max-age=${KEYS_MAX_AGE_SECONDS}`).json(answer);
    },
  }) satisfies PublicHandlers;
