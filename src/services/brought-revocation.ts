/** Revocation by those who name a certificate by showing it, as CharIN's OPNC does. */

import type { RevocationReason } from '../pki/revocation-reasons.ts';
import type { Principal } from './access-policy.ts';
import { ServiceError } from './errors.ts';
import { type EstCallerParts, ownCertificate } from './est-callers.ts';
import { type RevocationParts, revokeLeaf, type StatusChange } from './revocation.ts';

export type BroughtRevocationParts = RevocationParts & Pick<EstCallerParts, 'paths'>;

/**
 * Revokes a certificate of a subscriber: one that evpki has issued, octet for octet. That somebody
 * else has it is heard in the same words as that nobody has.
 * @param der what somebody has brought, whether it can be read or not
 * @throws ServiceError `not-found`; and as `revokeLeaf`
 */
export async function revokeBrought(
  parts: BroughtRevocationParts,
  principal: Principal,
  der: Uint8Array,
  reason: RevocationReason,
): Promise<StatusChange> {
  const own = await ownCertificate(parts, der);
  if (!own) throw notOurs();
  return revokeLeaf(parts, principal, own.record.id, reason).catch((error: unknown) => {
    throw error instanceof ServiceError && error.code === 'not-found' ? notOurs() : error;
  });
}

const notOurs = (): ServiceError =>
  new ServiceError('not-found', 'this is no certificate that evpki has issued for you');
