/**
 * API clients that show a certificate instead of a token. TLS has proven that the caller has the
 * key; who it is follows from the registration of that very certificate (SHA-256), never from its
 * issuer or a name in it. That it still holds is asked each time.
 */

import { fingerprint, readCertificate } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { isEnabled, principalOf, refused } from './access.ts';
import type { Principal } from './access-policy.ts';
import type { CertificateLoginStore } from './access-records.ts';
import { certificateFault, type StandingParts } from './certificate-standing.ts';
import type { Clock } from './clock.ts';
import { NotAuthenticated, type Refusal } from './refusals.ts';

/** Clients that call again and again cost one write of it a minute. */
const LAST_USED_MILLISECONDS = 60_000;

export interface CertificateLoginParts extends StandingParts {
  readonly store: CertificateLoginStore;
  readonly clock: Clock;
}

/**
 * The API client that has registered this certificate; undefined if none has.
 * @param chain DER, leaf first, as `ClientCertificateOf` tells it; only the leaf is looked at, for
 *   authorities of ours are known and those of others not asked
 * @throws ServiceError `not-authenticated` where it is registered and does not hold (its time,
 *   revocation, hold, an authority of ours above it) or its client has ended; the audit log knows
 *   which
 */
export async function authenticateCertificate(
  parts: CertificateLoginParts,
  chain: readonly Uint8Array[],
): Promise<Principal | undefined> {
  const [leaf] = chain;
  if (leaf === undefined) return undefined;
  const client = await parts.store.findClientOfCertificate(fingerprint(leaf));
  if (!client) return undefined;
  const now = parts.clock();
  if (!isEnabled(client, now)) throw notHeld({ reason: 'client-ended', ...refused(client) });
  const certificate = readRegistered(leaf);
  const fault = certificate
    ? await certificateFault(parts, certificate, now)
    : 'certificate-refused';
  if (fault !== undefined) throw notHeld({ reason: fault, ...refused(client) });
  const { lastUsedAt } = client;
  if (!lastUsedAt || now.getTime() - lastUsedAt.getTime() >= LAST_USED_MILLISECONDS) {
    await parts.store.noteUse(client.id, now);
  }
  return principalOf(client);
}

/**
 * For callers without any credentials but a certificate: as `authenticateCertificate`.
 * @throws ServiceError `not-authenticated` also where nobody has registered it, in the same words
 */
export async function requireCertificate(
  parts: CertificateLoginParts,
  chain: readonly Uint8Array[],
): Promise<Principal> {
  const principal = await authenticateCertificate(parts, chain);
  if (!principal) throw notHeld({ reason: 'certificate-unknown' });
  return principal;
}

const notHeld = (refusal: Refusal) =>
  new NotAuthenticated(
    'the certificate is none that an API client is known by',
    refusal,
    'certificate-unknown',
  );

/** What was registered can be read; what is read otherwise from now on is worth nothing. */
function readRegistered(der: Uint8Array) {
  try {
    return readCertificate(Uint8Array.from(der));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return undefined;
  }
}
