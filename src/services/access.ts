/**
 * Proving who calls: API clients with a secret exchange it for a short bearer token. The first
 * administrator is made with the bootstrap secret of the first start, which works once.
 * Secrets and tokens are 256 random bits, so a plain SHA-256 is stored in their place.
 */

import { BOOTSTRAP_ROLE, INSTANCE_ORGANIZATION, type Principal } from './access-policy.ts';
import type { AccessStore, ApiClient } from './access-records.ts';
import { type Credentials, clientCreated, newClient } from './api-client-credentials.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { NotAuthenticated, type Refusal, type RefusalReason } from './refusals.ts';
import { isSecret, newSecret, sameHash, sha256 } from './secrets.ts';
import type { RandomBytes } from './serial-numbers.ts';

const TOKEN_SECONDS = 15 * 60;
const BOOTSTRAP_HOURS = 24;

export interface AccessParts {
  readonly store: AccessStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/**
 * While there is no administrator and no secret that could still make one, draws a bootstrap
 * secret and hands it to `keep`, which must store it durably where only the administrator can
 * read it. Only its hash enters the database, and only after it has been kept: a crash in between
 * leaves a secret that the next start replaces.
 * @returns whether a secret was drawn
 */
export async function prepareBootstrap(
  parts: AccessParts,
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
 * Who holds the bootstrap secret.
 * @throws ServiceError `not-authenticated` for a wrong secret, `bootstrap-used` for a spent one
 */
export async function authenticateBootstrap(
  parts: Pick<AccessParts, 'store' | 'clock'>,
  secret: string,
): Promise<Principal> {
  const kept = await parts.store.findBootstrap();
  if (!kept || kept === 'used' || kept.expiresAt <= parts.clock()) {
    throw new ServiceError('bootstrap-used', 'the bootstrap secret is used up or expired');
  }
  if (!sameHash(kept.secretSha256, sha256(secret))) {
    throw new NotAuthenticated('this is not the bootstrap secret', {
      reason: 'bootstrap-secret-wrong',
    });
  }
  return {
    actor: 'bootstrap',
    organizationId: INSTANCE_ORGANIZATION,
    roles: [BOOTSTRAP_ROLE],
  };
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
  await authenticateBootstrap(parts, secret);
  const { client, credentials } = newClient(parts, {
    organizationId: INSTANCE_ORGANIZATION,
    name: clientName,
    roles: ['super'],
  });
  const created = await parts.store.createFirstClient({
    client,
    audit: clientCreated(parts, client, 'bootstrap'),
  });
  if (created === 'used') {
    throw new ServiceError('bootstrap-used', 'the first administrator exists already');
  }
  return credentials;
}

export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
}

/**
 * OAuth 2.0 client credentials (RFC 6749 4.4). A token ends with what it was given for: the client,
 * or a secret that has been replaced.
 * @throws ServiceError `not-authenticated`, the same for unknown, expired and disabled clients and
 *   for wrong secrets
 */
export async function issueToken(
  parts: AccessParts,
  clientId: string,
  clientSecret: string,
): Promise<IssuedToken> {
  const now = parts.clock();
  const client = await parts.store.findClient(clientId);
  const until = secretEnd(client, sha256(clientSecret), now);
  if (!client || until === undefined || !isEnabled(client, now)) {
    throw wrongCredentials(client, until === undefined ? 'secret-wrong' : 'client-ended');
  }
  const expiresAt = new Date(
    Math.min(
      now.getTime() + TOKEN_SECONDS * 1000,
      until.getTime(),
      client.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    ),
  );
  const accessToken = newSecret('tok', parts.random);
  const created = await parts.store.createToken({
    token: { tokenSha256: sha256(accessToken), clientId, expiresAt },
    secretSha256: sha256(clientSecret),
    now,
  });
  if (created === 'client-changed') throw wrongCredentials(client, 'client-ended');
  const milliseconds = expiresAt.getTime() - now.getTime();
  return { accessToken, expiresInSeconds: Math.floor(milliseconds / 1000) };
}

/** One answer, whatever it was; the audit log knows better. */
const wrongCredentials = (client: ApiClient | undefined, reason: RefusalReason) =>
  new NotAuthenticated(
    'unknown client or wrong secret',
    client ? { reason, ...refused(client) } : { reason: 'client-unknown' },
  );

/** A client that exists, as the audit log names it when its credentials do not hold. */
export const refused = ({ id, organizationId }: ApiClient) => ({
  actor: `client:${id}`,
  organizationId,
});

/** Until when this secret is one of the client's; undefined if it is none. */
function secretEnd(
  client: ApiClient | undefined,
  secretSha256: string,
  now: Date,
): Date | undefined {
  // All compared, even when the client is unknown, so that the answer's timing tells nothing.
  const none = sha256('');
  const isCurrent = sameHash(client?.secretSha256 ?? none, secretSha256);
  const isOld = sameHash(client?.oldSecret?.sha256 ?? none, secretSha256);
  if (client && isCurrent) return new Date(now.getTime() + TOKEN_SECONDS * 1000);
  const until = client?.oldSecret?.until;
  return isOld && until && until > now ? until : undefined;
}

/** Whether a client is somebody at that moment. */
export const isEnabled = ({ disabledAt, expiresAt }: ApiClient, now: Date): boolean =>
  disabledAt === undefined && (expiresAt === undefined || expiresAt > now);

/**
 * Who holds this bearer token. Tokens are opaque: whatever is not of evpki's own form is refused
 * without a question to the database, and everything else after one.
 * @throws ServiceError `not-authenticated` for an unknown or expired token, or one whose client is
 *   expired or disabled
 */
export async function authenticateToken(
  parts: Pick<AccessParts, 'store' | 'clock'>,
  accessToken: string,
): Promise<Principal> {
  const found = isSecret('tok', accessToken)
    ? await parts.store.findToken(sha256(accessToken))
    : undefined;
  const now = parts.clock();
  if (!found) throw unknownToken({ reason: 'token-unknown' });
  if (found.token.expiresAt <= now) {
    throw unknownToken({ reason: 'token-expired', ...refused(found.client) });
  }
  if (!isEnabled(found.client, now)) {
    throw unknownToken({ reason: 'client-ended', ...refused(found.client) });
  }
  return principalOf(found.client);
}

/** An API client that has proven who it is. */
export const principalOf = ({ id, organizationId, roles, expiresAt }: ApiClient): Principal => ({
  actor: `client:${id}`,
  organizationId,
  roles,
  ...(expiresAt ? { endsAt: expiresAt } : {}),
});

const unknownToken = (refusal: Refusal) =>
  new NotAuthenticated('the token is unknown or expired', refusal);
