/** How a client says who it is where tokens are given: in the body, or with HTTP Basic. */

import type { Request } from 'express';
import { ServiceError } from '../../services/errors.ts';
import { NotAuthenticated } from '../../services/refusals.ts';
import { soleAuthorization } from './bearer-token.ts';
import type { TokenRequest } from './types.ts';

export interface ClientCredentials {
  readonly clientId: string;
  /** Without one, the client's certificate has to do (RFC 8705 2). */
  readonly clientSecret?: string;
}

/**
 * Reads `client_id` and `client_secret` (RFC 6749 2.3.1), from one place only.
 * @throws ServiceError `not-authenticated` when there is no client, or a Basic that cannot be read;
 *   `request-malformed` when both places say something
 */
export function clientCredentials(request: Request): ClientCredentials {
  const { client_id, client_secret } = request.body as TokenRequest;
  const basic = basicCredentials(soleAuthorization(request));
  // RFC 6749 3.2: what has no value counts as left out.
  const clientId = client_id || undefined;
  const clientSecret = client_secret || undefined;
  if (!basic) {
    if (clientId === undefined) {
      throw new NotAuthenticated('the request names no client', { reason: 'no-credentials' });
    }
    return { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) };
  }
  // Many clients repeat their id in the body, which does no harm.
  const isSame = clientId === undefined || clientId === basic.clientId;
  if (clientSecret !== undefined || !isSame) {
    throw new ServiceError('request-malformed', 'the request has credentials in two places', [
      {
        code: 'credentials-twice',
        message: 'is not sent beside an Authorization',
        field: isSame ? 'body.client_secret' : 'body.client_id',
      },
    ]);
  }
  return basic;
}

/** Undefined for another scheme: some clients send their last token wherever they go. */
function basicCredentials(authorization = ''): Required<ClientCredentials> | undefined {
  if (!/^Basic(?: |$)/i.test(authorization)) return undefined;
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  const [, id, secret] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('latin1')) ?? [];
  const clientId = formDecoded(id);
  const clientSecret = formDecoded(secret);
  if (!clientId || clientSecret === undefined) {
    throw new NotAuthenticated('the Basic credentials cannot be read', {
      reason: 'no-credentials',
    });
  }
  return { clientId, clientSecret };
}

/** RFC 6749 2.3.1 has both in application/x-www-form-urlencoded; ours look the same in it. */
function formDecoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
