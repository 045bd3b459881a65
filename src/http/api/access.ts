import { type AccessParts, bootstrap } from '../../services/access.ts';
import type { ApiClient as ClientRecord } from '../../services/access-records.ts';
import {
  type ApiClientParts,
  createApiClient,
  disableApiClient,
  findApiClient,
  listApiClients,
  rotateSecret,
} from '../../services/api-clients.ts';
import { ServiceError } from '../../services/errors.ts';
import { instantOf } from '../../services/instants.ts';
import { bearerToken } from './bearer-token.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type { ApiClient, NewApiClient, SecretRotation } from './types.ts';

/** The bootstrap secret arrives as a bearer token; this is how it is told from one. */
export const isBootstrapSecret = (bearerToken: string): boolean =>
  bearerToken.startsWith('evpki_boot_');

/** @param spent called once the bootstrap secret has been used */
export const accessHandlers = (
  access: AccessParts,
  parts: ApiClientParts,
  spent: () => Promise<void>,
) =>
  ({
    async createApiClient(request, response, principal) {
      const { name, organization, roles, expiresAt } = request.body as NewApiClient;
      if (principal.actor === 'bootstrap') {
        const credentials = await bootstrap(access, bearerToken(request), name);
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
      const credentials = await createApiClient(parts, principal, {
        name,
        organizationId: organization,
        roles,
        ...(expiresAt === undefined ? {} : { expiresAt: instantOf(expiresAt, 'body.expiresAt') }),
      });
      const { clientId, clientSecret, expiresAt: end } = credentials;
      response
        .status(201)
        .location(`/v1/api-clients/${clientId}`)
        .json({ clientId, clientSecret, ...(end ? { expiresAt: end.toISOString() } : {}) });
    },

    async listApiClients(request, response, principal) {
      const { organization, limit, cursor } = request.query as Record<string, string | undefined>;
      const page = await listApiClients(parts, principal, {
        ...pageWanted({ limit, cursor }),
        ...(organization === undefined ? {} : { organization }),
      });
      response.json(pageBody(page, (client) => clientBody(client, parts.clock())));
    },

    async getApiClient(request, response, principal) {
      const client = await findApiClient(parts, principal, String(request.params.id));
      response.json(clientBody(client, parts.clock()));
    },

    async rotateApiClientSecret(request, response, principal) {
      const { overlapSeconds } = request.body as SecretRotation;
      const id = String(request.params.id);
      const rotated = await rotateSecret(parts, principal, id, overlapSeconds);
      response
        .status(201)
        .json({ ...rotated, oldSecretUntil: rotated.oldSecretUntil.toISOString() });
    },

    async disableApiClient(request, response, principal) {
      const client = await disableApiClient(parts, principal, String(request.params.id));
      response.json(clientBody(client, parts.clock()));
    },
  }) satisfies Handlers;

function clientBody(client: ClientRecord, now: Date): ApiClient {
  const { id, organizationId, name, roles, createdAt, ...rest } = client;
  const { createdBy, expiresAt, disabledAt, lastUsedAt, oldSecret } = rest;
  const state = stateOf(client, now);
  return {
    id,
    organization: organizationId,
    name,
    roles: [...roles],
    state,
    createdAt: createdAt.toISOString(),
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(expiresAt ? { expiresAt: expiresAt.toISOString() } : {}),
    ...(disabledAt ? { disabledAt: disabledAt.toISOString() } : {}),
    ...(lastUsedAt ? { lastUsedAt: lastUsedAt.toISOString() } : {}),
    // With the client all of its secrets have ended.
    ...(oldSecret && oldSecret.until > now && state === 'active'
      ? { oldSecretUntil: oldSecret.until.toISOString() }
      : {}),
  };
}

function stateOf({ disabledAt, expiresAt }: ClientRecord, now: Date): ApiClient['state'] {
  if (disabledAt) return 'disabled';
  return expiresAt && expiresAt <= now ? 'expired' : 'active';
}
