/**
 * Access tokens: JWTs (RFC 9068) that evpki signs and nobody stores. A token says for which
 * credential of its client it was given, and holds no longer than that: see `access.ts`.
 */

import { createHash } from 'node:crypto';
import { base64url, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { ecdsaDerToRaw } from '../pki/ecdsa.ts';
import { isApi, isIssuer } from './token-audience.ts';
import { TOKEN_ALGORITHM, type TokenKeys } from './token-keys.ts';

/** RFC 9068 2.1: no other JWT that somebody may sign one day passes for an access token. */
const TOKEN_TYPE = 'at+jwt';
/** Ours have about 900 characters; nothing is computed over more than this. */
const MAX_TOKEN = 4096;

const claimSet = z.object({
  iss: z.string(),
  /** The id of the API client. */
  sub: z.string(),
  aud: z.string(),
  iat: z.int(),
  exp: z.int(),
  jti: z.string(),
  organization: z.string(),
  /** Names of roles, with spaces between them. */
  scope: z.string(),
  /** Which of the client's secrets it was given for; without, it was for its certificate. */
  credential: z.exactOptional(z.string()),
  /** RFC 8705 3.1: the certificate with which alone it counts. */
  cnf: z.exactOptional(z.strictObject({ 'x5t#S256': z.string() })),
});

export type TokenClaims = z.infer<typeof claimSet>;

/** A token that is none of ours, is for somebody else, or has expired. */
export class TokenRejected extends Error {
  override readonly name = 'TokenRejected';
  /** What an expired one says; its signature holds. */
  readonly expired: TokenClaims | undefined;

  constructor(expired?: TokenClaims) {
    super(expired ? 'the token has expired' : 'the token is none of ours');
    this.expired = expired;
  }
}

/**
 * Signs a token. The private key stays behind its port, as all keys do; so the few octets of
 * framing (RFC 7515 7.1) are made here.
 * @param more claims for others to read; evpki itself decides by none of them
 */
export async function signToken(
  keys: Pick<TokenKeys, 'signing'>,
  claims: TokenClaims,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { keyId, signer } = await keys.signing();
  const header = { alg: TOKEN_ALGORITHM, typ: TOKEN_TYPE, kid: keyId };
  const input = `${segment(header)}.${segment({ ...more, ...claims })}`;
  const signature = ecdsaDerToRaw(await signer.sign(Buffer.from(input)), 'P-256');
  return `${input}.${base64url.encode(signature)}`;
}

const segment = (value: unknown): string => base64url.encode(JSON.stringify(value));

/**
 * Reads a token that evpki has signed for this API.
 * @throws TokenRejected
 */
export async function readToken(
  keys: Pick<TokenKeys, 'find'>,
  token: string,
  { apiUrl, now }: { readonly apiUrl: string; readonly now: Date },
): Promise<TokenClaims> {
  // Whatever has another form costs neither a signature nor a look into the database.
  if (token.length > MAX_TOKEN || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
    throw new TokenRejected();
  try {
    const { payload } = await jwtVerify(token, (header) => keyOf(keys, header), {
      algorithms: [TOKEN_ALGORITHM],
      typ: TOKEN_TYPE,
      requiredClaims: ['iss', 'aud', 'exp'],
      currentDate: now,
    });
    const claims = claimSet.safeParse(payload);
    if (!claims.success || !isForUs(claims.data, apiUrl)) throw new TokenRejected();
    return claims.data;
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      const claims = claimSet.safeParse(error.payload);
      throw new TokenRejected(claims.success ? claims.data : undefined);
    }
    if (error instanceof errors.JOSEError) throw new TokenRejected();
    throw error;
  }
}

/** By its id among our own: no member of a header leads anywhere else, and others are not taken. */
async function keyOf(keys: Pick<TokenKeys, 'find'>, header: Readonly<Record<string, unknown>>) {
  const { alg: _alg, typ: _typ, kid, ...more } = header;
  const key =
    typeof kid === 'string' && Object.keys(more).length === 0 ? await keys.find(kid) : undefined;
  if (!key) throw new errors.JWKSNoMatchingKey();
  return key;
}

const isForUs = ({ iss, aud }: TokenClaims, apiUrl: string): boolean =>
  isIssuer(apiUrl, iss) && isApi(apiUrl, aud);

/**
 * How a token names the secret that it was given for. It says nothing about the secret, which is
 * 256 random bits behind two hashes.
 * @param secretSha256 as it is stored
 */
export const credentialOf = (secretSha256: string): string =>
  createHash('sha256').update(`evpki token credential ${secretSha256}`).digest('base64url');

/** RFC 8705 3.1: the SHA-256 of a certificate in DER, in base64url. */
export const certificateThumbprint = (der: Uint8Array): string =>
  createHash('sha256').update(der).digest('base64url');
