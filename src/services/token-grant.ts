/**
 * Giving access tokens to API clients: OAuth 2.0 client credentials (RFC 6749 4.4), proven by a
 * secret or by the client's certificate (RFC 8705 2.1).
 */

import { type AccessParts, actorOf, isEnabled, refused } from './access.ts';
import type { ApiClient } from './access-records.ts';
import {
  certificateThumbprint,
  credentialOf,
  signToken,
  type TokenClaims,
} from './access-tokens.ts';
import { ServiceError } from './errors.ts';
import type { OrganizationRole } from './organizations.ts';
import { NotAuthenticated, type RefusalReason } from './refusals.ts';
import { sameHash, sha256 } from './secrets.ts';
import { audienceFor } from './token-audience.ts';

const TOKEN_SECONDS = 15 * 60;
/** Clients that get a token again and again cost one write of it a minute. */
const NOTED_MILLISECONDS = 60_000;

/** What organizations are on a Plug & Charge platform, in the words of OPCP. */
const platformRoles: { readonly [role in OrganizationRole]?: string } = {
  cpo: 'CPO',
  mo: 'MO',
  oem: 'OEM',
  cps: 'CPS',
};

/** What somebody asks for, and with what. */
export interface TokenWish {
  readonly clientId: string;
  /** Without one, the certificate is the proof. */
  readonly clientSecret?: string;
  /** What the connection has presented: DER, leaf first. */
  readonly certificate?: readonly Uint8Array[];
  /** The URL of this API, as the client knows it. */
  readonly audience?: string;
  /** Roles of the client with spaces between them; all of them without. */
  readonly scope?: string;
}

export interface GrantedToken {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  /** The roles that it is good for, with spaces between them (RFC 6749 3.3). */
  readonly scope: string;
}

/**
 * A token for a client. It is bound to the client's certificate where the connection has presented
 * that, and ends no later than the client or the secret that it is given for.
 * @throws ServiceError `not-authenticated`, the same for unknown, expired and disabled clients and
 *   for wrong secrets and certificates; `scope-refused` for a scope that the client has not
 */
export async function grantToken(parts: AccessParts, wish: TokenWish): Promise<GrantedToken> {
  const now = parts.clock();
  const { clientId, clientSecret } = wish;
  const client = await parts.store.findClient(clientId);
  const thumbprint = await ownCertificate(parts, wish);
  const until = proofEnd(client, wish, thumbprint, now);
  if (!client || until === undefined || !isEnabled(client, now)) {
    const wrong = clientSecret === undefined ? 'certificate-unknown' : 'secret-wrong';
    throw wrongCredentials(client, until === undefined ? wrong : 'client-ended');
  }
  const roles = rolesFor(client, wish.scope);
  const apiUrl = parts.apiUrl();
  const issuedAt = seconds(now);
  const ends = [longestEnd(now), until, client.expiresAt ?? until];
  const claims: TokenClaims = {
    iss: apiUrl,
    sub: clientId,
    aud: audienceFor(apiUrl, wish.audience),
    iat: issuedAt,
    exp: Math.min(...ends.map(seconds)),
    jti: Buffer.from(parts.random(16)).toString('base64url'),
    organization: client.organizationId,
    scope: roles.join(' '),
    ...(clientSecret === undefined ? {} : { credential: credentialOf(sha256(clientSecret)) }),
    ...(thumbprint === undefined ? {} : { cnf: { 'x5t#S256': thumbprint } }),
  };
  const accessToken = await signToken(parts.tokenKeys, claims, {
    client_id: clientId,
    roles,
    ...(await platformClaim(parts, client, apiUrl)),
  });
  await noteUse(parts, client, now);
  return { accessToken, expiresInSeconds: claims.exp - issuedAt, scope: claims.scope };
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1000);

const longestEnd = (now: Date): Date => new Date(now.getTime() + TOKEN_SECONDS * 1000);

/** The thumbprint of the certificate that was presented, if it is one of the client's. */
async function ownCertificate(
  { certificateLogin }: Pick<AccessParts, 'certificateLogin'>,
  { clientId, clientSecret, certificate }: TokenWish,
): Promise<string | undefined> {
  const leaf = certificate?.[0];
  if (!certificate || !leaf) return undefined;
  try {
    const principal = await certificateLogin(certificate);
    return principal?.actor === actorOf({ id: clientId }) ? certificateThumbprint(leaf) : undefined;
  } catch (error) {
    // Beside a secret nobody needs it: chargers show theirs to whomever they speak to.
    if (clientSecret !== undefined && error instanceof ServiceError) return undefined;
    throw error;
  }
}

/** One answer, whatever it was; the audit log knows better. */
const wrongCredentials = (client: ApiClient | undefined, reason: RefusalReason) =>
  new NotAuthenticated(
    'unknown client or wrong secret',
    client ? { reason, ...refused(client) } : { reason: 'client-unknown' },
  );

/** Until when what the client has proven itself with is good; undefined if it is not. */
function proofEnd(
  client: ApiClient | undefined,
  { clientSecret }: TokenWish,
  thumbprint: string | undefined,
  now: Date,
): Date | undefined {
  if (clientSecret !== undefined) return secretEnd(client, sha256(clientSecret), now);
  return thumbprint === undefined ? undefined : longestEnd(now);
}

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
  if (client && isCurrent) return longestEnd(now);
  const until = client?.oldSecret?.until;
  return isOld && until && until > now ? until : undefined;
}

/** @throws ServiceError `scope-refused` */
function rolesFor({ roles }: ApiClient, scope = ''): readonly string[] {
  const wanted = scope.split(' ').filter((name) => name !== '');
  if (wanted.length === 0) return roles;
  if (wanted.some((name) => !roles.includes(name))) {
    throw new ServiceError('scope-refused', `the scopes of this client are ${roles.join(', ')}`);
  }
  return roles.filter((role) => wanted.includes(role));
}

/** The claim in which clients of platforms look for what they are there; by its end, `/role`. */
async function platformClaim(
  { organizations }: Pick<AccessParts, 'organizations'>,
  { organizationId }: ApiClient,
  apiUrl: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const organization = await organizations.findOrganization(organizationId);
  const names = organization?.roles.flatMap((role) => platformRoles[role] ?? []) ?? [];
  return names.length === 0 ? {} : { [`${apiUrl}/role`]: names };
}

async function noteUse(
  { store }: Pick<AccessParts, 'store'>,
  { id, lastUsedAt }: ApiClient,
  now: Date,
): Promise<void> {
  if (lastUsedAt && now.getTime() - lastUsedAt.getTime() < NOTED_MILLISECONDS) return;
  await store.noteUse(id, now);
}
