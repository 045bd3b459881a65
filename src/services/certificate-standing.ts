/**
 * Whether a certificate that somebody is known by still holds: an API client's, a proxy's. Who it is
 * stands in a registration of that very certificate; here is asked what has become of it since
 * (docs/adr/0027-client-certificates.md).
 */

import type { Certificate } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { chargingTolerances } from '../pki/path/rules.ts';
import { validatePathOffLoop } from '../pki/path/validate-path.ts';
import type { CertificateStore } from './certificate-records.ts';
import {
  type OwnPathFacts,
  type PathFactParts,
  type RevokedStatus,
  readOwnPathFacts,
} from './path-facts.ts';

/** Why a certificate does not hold, as the audit log says it. */
export type CertificateFault =
  /** Its time is over, or has not begun. */
  | 'certificate-expired'
  /** It is revoked, or an authority above it is. */
  | 'certificate-revoked'
  | 'certificate-held'
  /** Others may have its key: a certificate with it was revoked for that, or it is on the list. */
  | 'certificate-key-blocked'
  /** An authority of ours has signed it, and no path leads from it to us (any more). */
  | 'certificate-refused';

export interface StandingParts extends Pick<PathFactParts, 'paths' | 'parsed'> {
  readonly certificates: Pick<CertificateStore, 'isBlockedKey'>;
}

/**
 * What speaks against a certificate at that moment; undefined for nothing. Its own time counts, and
 * where a key of ours has signed it the whole path up to us (RFC 5280 6) with the status of each
 * certificate in it, as our records have it now. What others have signed, or it itself, was believed
 * when it was registered: of its revocation nothing is known here. A key that is blocked counts for
 * nothing, whoever has certified it.
 */
export async function certificateFault(
  parts: StandingParts,
  certificate: Certificate,
  at: Date,
): Promise<CertificateFault | undefined> {
  if (certificate.notBefore > at || certificate.notAfter < at) return 'certificate-expired';
  const found = await statusFault(parts, certificate, at);
  if (found !== undefined) return found;
  const isBlocked = await parts.certificates.isBlockedKey(spkiFingerprint(certificate.spki));
  return isBlocked ? 'certificate-key-blocked' : undefined;
}

/** What our records say of a certificate that a key of ours has signed, and of those above it. */
async function statusFault(
  parts: Pick<StandingParts, 'paths' | 'parsed'>,
  certificate: Certificate,
  at: Date,
): Promise<CertificateFault | undefined> {
  const facts = await readOwnPathFacts(parts, certificate);
  if (facts.signers.length === 0) return undefined;
  const reasons: RevokedStatus[] = [];
  const verdict = await validatePathOffLoop(
    {
      certificate,
      candidates: facts.intermediates,
      anchors: facts.anchors,
      at,
      tolerated: chargingTolerances,
      statusOf: (child, issuer) => {
        const status = facts.statusOf(child, issuer);
        if (status === 'good' || status === 'unknown') return status;
        reasons.push(status);
        return 'revoked';
      },
    },
    parts.parsed.verify,
  );
  if (verdict.ok) return undefined;
  if ((await signerOf(parts, certificate, facts)) === undefined) return undefined;
  const [reason] = reasons;
  if (reason === undefined) return 'certificate-refused';
  return reasons.every((one) => one === 'held') ? 'certificate-held' : 'certificate-revoked';
}

/** Our issuer whose key has signed it, if one has: others may name their issuer as one of ours. */
async function signerOf(
  { parsed }: Pick<StandingParts, 'parsed'>,
  certificate: Certificate,
  { signers }: OwnPathFacts,
): Promise<string | undefined> {
  for (const {
    issuer,
    certificate: { publicKey },
  } of signers) {
    if (publicKey && (await parsed.verify({ child: certificate, issuerKey: publicKey }))) {
      return issuer.id;
    }
  }
  return undefined;
}

/** The id of our issuer that has signed a certificate; undefined for what others have signed. */
export const ownIssuerOf = async (
  parts: StandingParts,
  certificate: Certificate,
): Promise<string | undefined> =>
  signerOf(parts, certificate, await readOwnPathFacts(parts, certificate));
