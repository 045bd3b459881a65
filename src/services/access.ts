/**
 * Proving who calls: API clients exchange what they have (`token-grant.ts`) for a short access
 * token. The first administrator is made with the bootstrap secret of the first start, which works
 * once. Secrets are 256 random bits, so a plain SHA-256 is stored in their place.
 */

import { BOOTSTRAP_ROLE, INSTANCE_ORGANIZATION, type Principal } from './access-policy.ts';
import type { AccessStore, ApiClient } from './access-records.ts';
import {
  certificateThumbprint,
  credentialOf,
  readToken,
  type TokenClaims,
  TokenRejected,
} from './access-tokens.ts';
import { type Credentials, clientCreated, newClient } from './api-client-credentials.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { OrganizationStore } from './organizations.ts';
import { NotAuthenticated, type Refusal } from './refusals.ts';
import { newSecret, sameHash, sha256 } from './secrets.ts';
import type { RandomBytes } from './serial-numbers.ts';
import type { TokenKeys } from './token-keys.ts';

const BOOTSTRAP_HOURS = 24;

/** The API client that has registered this certificate (DER, leaf first), if it may log in with it. */
export type CertificateLogin = (chain: readonly Uint8Array[]) => Promise<Principal | undefined>;

export interface AccessParts {
  readonly store: AccessStore;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly tokenKeys: TokenKeys;
  readonly certificateLogin: CertificateLogin;
  /** Under which clients reach the API, as tokens say it. */
  readonly apiUrl: () => string;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

type BootstrapParts = Pick<AccessParts, 'store' | 'clock' | 'random'>;

/**
 * While there is no administrator and no secret that could still make one, draws a bootstrap
 * secret and hands it to `keep`, which must store it durably where only the administrator can
 * read it. Only its hash enters the database, and only after it has been kept: a crash in between
 * leaves a secret that the next start replaces.
 * @returns whether a secret was drawn
 */
export async function prepareBootstrap(
  parts: BootstrapParts,
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
  parts: BootstrapParts,
  secret: string,
  clientName: string,
): Promise<Credentials> {
  await authenticateBootstrap(parts, secret);
  const first = { organizationId: INSTANCE_ORGANIZATION, name: clientName, roles: ['super'] };
  const { client, credentials } = newClient(parts, first, 'bootstrap');
  const created = await parts.store.createFirstClient({
    client,
    audit: clientCreated(parts, client, 'bootstrap'),
  });
  if (created === 'used') {
    throw new ServiceError('bootstrap-used', 'the first administrator exists already');
  }
  return credentials;
}

/** A client as audit entries name it. */
export const actorOf = ({ id }: Pick<ApiClient, 'id'>): string => `client:${id}`;

/** A client that exists, as the audit log names it when its credentials do not hold. */
export const refused = (client: Pick<ApiClient, 'id' | 'organizationId'>) => ({
  actor: actorOf(client),
  organizationId: client.organizationId,
});

/** Whether a client is somebody at that moment. */
export const isEnabled = ({ disabledAt, expiresAt }: ApiClient, now: Date): boolean =>
  disabledAt === undefined && (expiresAt === undefined || expiresAt > now);

/**
 * Who holds this access token. It ends with what it was given for: with its client, at once; with a
 * secret that has been replaced; with the certificate that it is bound to (RFC 8705 3), which has
 * to come with it and still be one that the client may log in with.
 * @param presented what the caller's connection has presented: DER, leaf first
 * @throws ServiceError `not-authenticated` for a token that is none of ours, has expired or ended
 */
export async function authenticateToken(
  parts: Pick<AccessParts, 'store' | 'clock' | 'tokenKeys' | 'apiUrl' | 'certificateLogin'>,
  accessToken: string,
  presented: readonly Uint8Array[] = [],
): Promise<Principal> {
  const now = parts.clock();
  const claims = await claimsOf(parts, accessToken, now);
  const client = await parts.store.findClient(claims.sub);
  if (!client) throw unknownToken({ reason: 'token-unknown' });
  if (!isEnabled(client, now)) throw unknownToken({ reason: 'client-ended', ...refused(client) });
  if (!credentialHolds(client, claims, now)) {
    throw unknownToken({ reason: 'token-expired', ...refused(client) });
  }
  const actor = actorOf(client);
  if (claims.cnf && !(await isBoundTo(parts, claims.cnf['x5t#S256'], actor, presented))) {
    throw unknownToken({ reason: 'token-certificate-missing', ...refused(client) });
  }
  // What the client may do is asked for now; the token can only have asked for less.
  const scope = claims.scope.split(' ');
  return { ...principalOf(client), roles: client.roles.filter((role) => scope.includes(role)) };
}

async function claimsOf(
  { tokenKeys, apiUrl }: Pick<AccessParts, 'tokenKeys' | 'apiUrl'>,
  accessToken: string,
  now: Date,
): Promise<TokenClaims> {
  try {
    return await readToken(tokenKeys, accessToken, { apiUrl: apiUrl(), now });
  } catch (error) {
    if (!(error instanceof TokenRejected)) throw error;
    const { expired } = error;
    throw unknownToken(
      expired
        ? {
            reason: 'token-expired',
            ...refused({ id: expired.sub, organizationId: expired.organization }),
          }
        : { reason: 'token-unknown' },
    );
  }
}

/** Whether the secret that a token was given for is still one; a certificate is looked at later. */
function credentialHolds(client: ApiClient, { credential, cnf }: TokenClaims, now: Date): boolean {
  if (credential === undefined) return cnf !== undefined;
  if (credential === credentialOf(client.secretSha256)) return true;
  const { oldSecret } = client;
  return (
    oldSecret !== undefined &&
    oldSecret.until > now &&
    credential === credentialOf(oldSecret.sha256)
  );
}

async function isBoundTo(
  { certificateLogin }: Pick<AccessParts, 'certificateLogin'>,
  thumbprint: string,
  actor: string,
  presented: readonly Uint8Array[],
): Promise<boolean> {
  const [leaf] = presented;
  if (!leaf || certificateThumbprint(leaf) !== thumbprint) return false;
  return (await certificateLogin(presented))?.actor === actor;
}

/** An API client that has proven who it is. */
export const principalOf = ({ id, organizationId, roles, expiresAt }: ApiClient): Principal => ({
  actor: actorOf({ id }),
  organizationId,
  roles,
  ...(expiresAt ? { endsAt: expiresAt } : {}),
});

const unknownToken = (refusal: Refusal) =>
  new NotAuthenticated('the token is unknown or expired', refusal, 'token-unknown');
