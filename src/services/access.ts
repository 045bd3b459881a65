/**
 * Proving who calls: API clients with a secret exchange it for a short bearer token. The first
 * administrator is made with the bootstrap secret of the first start, which works once.
 * Secrets and tokens are 256 random bits, so a plain SHA-256 is stored in their place.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type AccessPolicy,
  INSTANCE_ORGANIZATION,
  type Principal,
  permits,
  reaches,
  reachesEveryOrganization,
} from './access-policy.ts';
import type { AccessStore, ApiClient } from './access-records.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import type { OrganizationStore } from './organizations.ts';
import { NotAuthenticated } from './refusals.ts';
import type { RandomBytes } from './serial-numbers.ts';

const TOKEN_SECONDS = 15 * 60;
const BOOTSTRAP_HOURS = 24;

export interface AccessParts {
  readonly store: AccessStore;
  readonly organizations: OrganizationStore;
  readonly policy: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** A new client's credentials: the only time that the secret is seen. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * While there is no administrator and no secret that could still make one, draws a bootstrap
 * secret and hands it to `keep`, which must store it durably where only the administrator can
 * read it. Only its hash enters the database, and only after it has been kept: a crash in between
 * leaves a secret that the next start replaces.
 * @returns whether a secret was drawn
 */
export async function prepareBootstrap(
  parts: Pick<AccessParts, 'store' | 'clock' | 'random'>,
  keep: (secret: string) => Promise<void>,
): Promise<boolean> {
  const kept = await parts.store.findBootstrap();
  if (kept === 'used' || (kept && kept.expiresAt > parts.clock())) return false;
  const secret = newSecret('boot', parts.random);
  await keep(secret);
  const expiresAt = new Date(parts.clock().getTime() + BOOTSTRAP_HOURS * 3_600_000);
  const stored = await parts.store.putBootstrap(sha256(secret), expiresAt, {
    at: parts.clock(),
    organizationId: INSTANCE_ORGANIZATION,
    actor: 'evpki',
    action: 'bootstrap.offered',
    subject: 'bootstrap',
    details: { expiresAt: expiresAt.toISOString() },
  });
  return stored === 'stored';
}

/**
 * Makes the first administrator.
 * @throws ServiceError `not-authenticated` for a wrong secret, `bootstrap-used` for a spent one
 */
export async function bootstrap(
  parts: AccessParts,
  secret: string,
  clientName: string,
): Promise<Credentials> {
  const kept = await parts.store.findBootstrap();
  if (!kept || kept === 'used' || kept.expiresAt <= parts.clock()) {
    throw new ServiceError('bootstrap-used', 'the bootstrap secret is used up or expired');
  }
  if (!sameHash(kept.secretSha256, sha256(secret))) {
    throw new NotAuthenticated('this is not the bootstrap secret', {
      reason: 'bootstrap-secret-wrong',
    });
  }
  const { client, credentials } = newClient(parts, INSTANCE_ORGANIZATION, clientName, ['super']);
  const created = await parts.store.createFirstClient({
    client,
    audit: clientCreated(parts, client, 'bootstrap'),
  });
  if (created === 'used') {
    throw new ServiceError('bootstrap-used', 'the first administrator exists already');
  }
  return credentials;
}

/**
 * Makes an API client.
 * @throws ServiceError `request-malformed` naming roles that are unknown or beyond the caller's
 *   own, or the organization that is unknown or out of reach
 */
export async function createApiClient(
  parts: AccessParts,
  principal: Principal,
  wanted: { readonly organizationId: string; readonly name: string; readonly roles: string[] },
): Promise<Credentials> {
  const violations = wanted.roles
    .filter((role) => !parts.policy.has(role))
    .map((role) => ({
      code: 'role-unknown',
      message: `${role} is none of ${[...parts.policy.keys()].join(', ')}`,
      field: 'roles',
    }));
  // Nobody hands out more than they have.
  const beyond = wanted.roles.filter((role) => !isWithinOwn(parts.policy, principal, role));
  for (const role of beyond) {
    violations.push({
      code: 'role-beyond-own',
      message: `${role} reaches further than your own roles`,
      field: 'roles',
    });
  }
  // What the caller may not see does not exist for it: both get the same answer.
  const organization = reaches(parts.policy, principal, wanted.organizationId)
    ? await parts.organizations.findOrganization(wanted.organizationId)
    : undefined;
  if (!organization) {
    violations.push({
      code: 'organization-unknown',
      message: `there is no organization ${wanted.organizationId}`,
      field: 'organization',
    });
  }
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'the API client cannot be created', violations);
  }
  const { client, credentials } = newClient(
    parts,
    wanted.organizationId,
    wanted.name,
    wanted.roles,
  );
  await parts.store.createClient({ client, audit: clientCreated(parts, client, principal.actor) });
  return credentials;
}

/** Whether the principal's own roles permit everything that this role does, everywhere it does. */
function isWithinOwn(policy: AccessPolicy, principal: Principal, roleName: string): boolean {
  const role = policy.get(roleName);
  // Refused as unknown elsewhere.
  if (!role) return true;
  if (role.everyOrganization && !reachesEveryOrganization(policy, principal)) return false;
  if (role.actions === 'all') {
    return principal.roles.some((name) => policy.get(name)?.actions === 'all');
  }
  return [...role.actions].every((action) => permits(policy, principal, action));
}

export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
}

/**
 * OAuth 2.0 client credentials (RFC 6749 4.4).
 * @throws ServiceError `not-authenticated`, the same for unknown clients and wrong secrets
 */
export async function issueToken(
  parts: AccessParts,
  clientId: string,
  clientSecret: string,
): Promise<IssuedToken> {
  const client = await parts.store.findClient(clientId);
  // Compared even when the client is unknown, so that the answer's timing tells nothing.
  const matches = sameHash(client?.secretSha256 ?? sha256(''), sha256(clientSecret));
  if (!client || !matches) {
    throw new NotAuthenticated(
      'unknown client or wrong secret',
      client ? { reason: 'secret-wrong', ...refused(client) } : { reason: 'client-unknown' },
    );
  }
  const accessToken = newSecret('tok', parts.random);
  await parts.store.createToken({
    tokenSha256: sha256(accessToken),
    clientId,
    expiresAt: new Date(parts.clock().getTime() + TOKEN_SECONDS * 1000),
  });
  return { accessToken, expiresInSeconds: TOKEN_SECONDS };
}

/**
 * Who holds this bearer token.
 * @throws ServiceError `not-authenticated` for an unknown or expired token
 */
export async function authenticateToken(
  parts: Pick<AccessParts, 'store' | 'clock'>,
  accessToken: string,
): Promise<Principal> {
  const token = await parts.store.findToken(sha256(accessToken));
  const client = token && (await parts.store.findClient(token.clientId));
  if (!client || token.expiresAt <= parts.clock()) {
    throw new NotAuthenticated(
      'the token is unknown or expired',
      client ? { reason: 'token-expired', ...refused(client) } : { reason: 'token-unknown' },
    );
  }
  return {
    actor: `client:${client.id}`,
    organizationId: client.organizationId,
    roles: client.roles,
  };
}

/** A client that exists, as the audit log names it when its credentials do not hold. */
const refused = ({ id, organizationId }: ApiClient) => ({ actor: `client:${id}`, organizationId });

function newClient(
  parts: AccessParts,
  organizationId: string,
  name: string,
  roles: readonly string[],
): { client: ApiClient; credentials: Credentials } {
  const clientId = newId('cli', parts.random);
  const clientSecret = newSecret('sec', parts.random);
  return {
    client: {
      id: clientId,
      organizationId,
      name,
      roles,
      secretSha256: sha256(clientSecret),
      createdAt: parts.clock(),
    },
    credentials: { clientId, clientSecret },
  };
}

const clientCreated = (parts: AccessParts, client: ApiClient, actor: string) => ({
  at: parts.clock(),
  organizationId: client.organizationId,
  actor,
  action: 'api-client.created',
  subject: client.id,
  details: { name: client.name, roles: client.roles },
});

/** `evpki_<what>_` and 256 random bits; the prefix lets secret scanners find leaked ones. */
const newSecret = (what: 'boot' | 'sec' | 'tok', random: RandomBytes): string =>
  `evpki_${what}_${Buffer.from(random(32)).toString('base64url')}`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const sameHash = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
