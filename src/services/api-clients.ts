/**
 * API clients: making them, looking at them, giving them new secrets, ending them. Whoever manages
 * a client could act as it: only clients whose roles one may hand out are one's to manage.
 */

import {
  type AccessPolicy,
  areSeparate,
  isForClients,
  isSuper,
  mayGrant,
  type Principal,
  reaches,
  reachesEveryOrganization,
} from './access-policy.ts';
import type { ApiClient, ApiClientStore } from './access-records.ts';
import {
  type Credentials,
  clientAudit,
  clientCreated,
  newClient,
  type RotatedCredentials,
  type WantedClient,
} from './api-client-credentials.ts';
import type { Clock } from './clock.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { OrganizationStore } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import { newSecret, sha256 } from './secrets.ts';
import type { RandomBytes } from './serial-numbers.ts';

const DEFAULT_OVERLAP_SECONDS = 3600;

export interface ApiClientParts {
  readonly clients: ApiClientStore;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/**
 * Makes an API client. One that is made by a client with an end ends with it, unless it is to end
 * before.
 * @throws ServiceError `request-malformed` naming roles that are unknown, not the caller's to give
 *   or not to be in one hand, an end that has passed or is after the caller's own, or the
 *   organization that is unknown or out of reach
 */
export async function createApiClient(
  parts: ApiClientParts,
  principal: Principal,
  wanted: WantedClient,
): Promise<Credentials> {
  const violations = wanted.roles.flatMap((role) => roleViolations(parts, principal, role));
  if (!areSeparate(parts.access, wanted.roles)) {
    const names = wanted.roles.join(' and ');
    const message = `whoever approves requests makes no API clients: ${names} are for two`;
    violations.push({ code: 'roles-not-separate', message, field: 'body.roles' });
  }
  violations.push(...endViolations(parts, principal, wanted.expiresAt));
  // What the caller may not see does not exist for it: both get the same answer.
  const organization = reaches(parts.access, principal, wanted.organizationId)
    ? await parts.organizations.findOrganization(wanted.organizationId)
    : undefined;
  if (!organization) {
    violations.push({
      code: 'organization-unknown',
      message: `there is no organization ${wanted.organizationId}`,
      field: 'body.organization',
    });
  }
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'the API client cannot be created', violations);
  }
  const { endsAt } = principal;
  const lasting = { ...(endsAt ? { expiresAt: endsAt } : {}), ...wanted };
  const { client, credentials } = newClient(parts, lasting, principal.actor);
  await parts.clients.createClient({
    client,
    audit: clientCreated(parts, client, principal.actor),
  });
  return credentials;
}

function roleViolations(
  { access }: ApiClientParts,
  principal: Principal,
  role: string,
): FieldViolation[] {
  const field = 'body.roles';
  if (!access.has(role)) {
    const given = [...access.keys()].filter(isForClients);
    const message = `${role} is none of ${given.join(', ')}`;
    return [{ code: 'role-unknown', message, field }];
  }
  if (mayGrant(access, principal, role)) return [];
  return [{ code: 'role-not-yours', message: `${role} is not yours to give`, field }];
}

function endViolations(
  { clock }: ApiClientParts,
  { endsAt }: Principal,
  wanted: Date | undefined,
): FieldViolation[] {
  const field = 'body.expiresAt';
  if (wanted && wanted <= clock()) {
    return [{ code: 'time-past', message: 'must be in the future', field }];
  }
  if (!wanted || !endsAt || wanted <= endsAt) return [];
  const message = `must not be after your own end, ${endsAt.toISOString()}`;
  return [{ code: 'time-beyond-own', message, field }];
}

/** @throws ServiceError `not-found`, also for clients of organizations out of reach */
export async function findApiClient(
  parts: ApiClientParts,
  principal: Principal,
  id: string,
): Promise<ApiClient> {
  const client = await parts.clients.findClient(id);
  if (!client || !reaches(parts.access, principal, client.organizationId)) {
    throw new ServiceError('not-found', `there is no API client ${id}`);
  }
  return client;
}

/**
 * A page of clients, newest first, disabled ones too.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned, `not-found` for
 *   an organization out of reach
 */
export async function listApiClients(
  parts: ApiClientParts,
  principal: Principal,
  wanted: PageWanted & { readonly organization?: string },
): Promise<Page<ApiClient>> {
  const { organization: named } = wanted;
  const everywhere = reachesEveryOrganization(parts.access, principal);
  if (named !== undefined) {
    const organization = reaches(parts.access, principal, named)
      ? await parts.organizations.findOrganization(named)
      : undefined;
    if (!organization) throw new ServiceError('not-found', `there is no organization ${named}`);
  }
  const organizationId = named ?? (everywhere ? undefined : principal.organizationId);
  const filter = organizationId === undefined ? {} : { organizationId };
  return readPage(wanted, (position) => parts.clients.listClients(filter, position));
}

/**
 * Gives a client a new secret. The one before holds for the overlap, so that running systems can
 * change over; with none, it and the tokens that were given for it end now.
 * @throws ServiceError `not-found`; `not-permitted` for a client with a role that is not the
 *   caller's to give, or that lasts longer than the caller; `conflict` for a client that is disabled
 *   or has expired, or a rotation at the same moment
 */
export async function rotateSecret(
  parts: ApiClientParts,
  principal: Principal,
  id: string,
  overlapSeconds = DEFAULT_OVERLAP_SECONDS,
): Promise<RotatedCredentials> {
  const client = await forNewCredentials(parts, principal, id);
  const clientSecret = newSecret('sec', parts.random);
  const oldSecretUntil = new Date(parts.clock().getTime() + overlapSeconds * 1000);
  const outcome = await parts.clients.rotateSecret({
    clientId: id,
    from: client.secretSha256,
    secretSha256: sha256(clientSecret),
    oldUntil: oldSecretUntil,
    audit: clientAudit(parts, client, principal.actor, 'secret-rotated', { overlapSeconds }),
  });
  if (outcome === 'changed') {
    throw new ServiceError('conflict', `${id} has been changed by somebody else`);
  }
  return { clientId: id, clientSecret, oldSecretUntil };
}

/**
 * Ends a client for good, and its tokens with it. Doing so again changes nothing.
 * @throws ServiceError `not-found`; `not-permitted` for a client with a role that is not the
 *   caller's to give; `conflict` for the last one that could run this evpki
 */
export async function disableApiClient(
  parts: ApiClientParts,
  principal: Principal,
  id: string,
): Promise<ApiClient> {
  const client = await manageable(parts, principal, id);
  const outcome = await parts.clients.disableClient({
    clientId: id,
    keepOneOf: [...parts.access.values()].filter(isSuper).map(({ name }) => name),
    audit: clientAudit(parts, client, principal.actor, 'disabled'),
  });
  if (outcome === 'last') {
    throw new ServiceError(
      'conflict',
      `${id} is the last client without end that may do everything: make another one first`,
    );
  }
  return (await parts.clients.findClient(id)) ?? client;
}

/**
 * A client that the caller may give something to prove itself with.
 * @throws ServiceError as `rotateSecret`
 */
export async function forNewCredentials(
  parts: ApiClientParts,
  principal: Principal,
  id: string,
): Promise<ApiClient> {
  const client = await manageable(parts, principal, id);
  const { endsAt } = principal;
  // With its credentials the caller would go on beyond its own end.
  if (endsAt && !(client.expiresAt && client.expiresAt <= endsAt)) {
    throw new ServiceError(
      'not-permitted',
      `${id} lasts longer than you, who end ${endsAt.toISOString()}`,
    );
  }
  if (client.disabledAt) throw new ServiceError('conflict', `${id} is disabled`);
  // They would be good for nothing.
  if (client.expiresAt && client.expiresAt <= parts.clock())
    throw new ServiceError('conflict', `${id} has expired`);
  return client;
}

/** @throws ServiceError `not-found`, `not-permitted` for roles that are not the caller's to give */
export async function manageable(
  parts: ApiClientParts,
  principal: Principal,
  id: string,
): Promise<ApiClient> {
  const client = await findApiClient(parts, principal, id);
  const beyond = client.roles.filter((role) => !mayGrant(parts.access, principal, role));
  if (beyond.length > 0) {
    throw new ServiceError(
      'not-permitted',
      `${id} has roles that are not yours to give: ${beyond.join(', ')}`,
    );
  }
  return client;
}
