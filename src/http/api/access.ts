import { type AccessParts, bootstrap, createApiClient, issueToken } from '../../services/access.ts';
import { ServiceError } from '../../services/errors.ts';
import { bearerToken } from './bearer-token.ts';
import type { Handlers, PublicHandlers } from './operations.ts';
import type { NewApiClient, TokenRequest } from './types.ts';

/** The bootstrap secret arrives as a bearer token; this is how it is told from one. */
export const isBootstrapSecret = (bearerToken: string): boolean =>
  bearerToken.startsWith('evpki_boot_');

/** @param spent called once the bootstrap secret has been used */
export const accessHandlers = (parts: AccessParts, spent: () => Promise<void>) =>
  ({
    async createApiClient(request, response, principal) {
      const { name, organization, roles } = request.body as NewApiClient;
      if (principal.actor === 'bootstrap') {
        const credentials = await bootstrap(parts, bearerToken(request), name);
        await spent();
        response.status(201).json(credentials);
        return;
      }
      if (organization === undefined || roles === undefined) {
        throw new ServiceError('request-malformed', 'an API client needs organization and roles', [
          ...(organization === undefined
            ? [{ code: 'required', message: 'is missing', field: 'body.organization' }]
            : []),
          ...(roles === undefined
            ? [{ code: 'required', message: 'is missing', field: 'body.roles' }]
            : []),
        ]);
      }
      const wanted = { name, organizationId: organization, roles };
      response.status(201).json(await createApiClient(parts, principal, wanted));
    },
  }) satisfies Handlers;

export const tokenHandlers = (parts: AccessParts) =>
  ({
    async createToken(request, response) {
      const { client_id, client_secret } = request.body as TokenRequest;
      const { accessToken, expiresInSeconds } = await issueToken(parts, client_id, client_secret);
      response.json({
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: expiresInSeconds,
      });
    },
  }) satisfies PublicHandlers;
