/** How the status of a certificate may change: what a revocation request means for the one it hits. */

import type { RevocationReason } from './revocation-reasons.ts';

export interface Status {
  readonly state: 'issued' | 'held' | 'revoked';
  readonly reason?: AcceptedReason;
  readonly revokedAt?: Date;
}

export type StatusDecision =
  /** It is already so: the same request again changes nothing. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'change'; readonly to: Status; readonly blocksKey: boolean }
  /** The reason may not be given to this certificate, now or ever. */
  | { readonly kind: 'reason-refused'; readonly message: string }
  /** The certificate's present status does not allow it. */
  | { readonly kind: 'conflict'; readonly message: string };

/**
 * The reasons that a certificate can be revoked for, or held: those of RFC 5280 5.3.1 without
 * removeFromCRL, which ends a hold, and aACompromise, which is about attribute certificates.
 */
export const acceptedReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
] as const satisfies readonly RevocationReason[];
export type AcceptedReason = (typeof acceptedReasons)[number];

const isAccepted = (reason: RevocationReason): reason is AcceptedReason =>
  acceptedReasons.some((accepted) => accepted === reason);

/**
 * What revoking (or holding) means for a certificate (RFC 5280 5.3.1). Revoking again in the same
 * way changes nothing; a revocation becomes one for key compromise and keeps its date; nothing else
 * about it ever changes.
 * @param isAuthority whether the certificate is a CA's
 */
export function decideRevocation(
  current: Status,
  reason: RevocationReason,
  isAuthority: boolean,
  now: Date,
): StatusDecision {
  if (!isAccepted(reason)) {
    const message = `${reason} is not a reason to revoke a certificate for`;
    return { kind: 'reason-refused', message };
  }
  const refusal = refusedReason(reason, isAuthority);
  if (refusal !== undefined) return { kind: 'reason-refused', message: refusal };
  const isCompromise = reason === 'keyCompromise' || reason === 'cACompromise';
  const isHold = reason === 'certificateHold';

  if (current.state === 'issued') {
    const to: Status = { state: isHold ? 'held' : 'revoked', reason, revokedAt: now };
    return { kind: 'change', to, blocksKey: isCompromise };
  }
  if (current.reason === reason) return { kind: 'unchanged' };
  const revokedAt = current.revokedAt ?? now;
  // A hold ends in a release or in a revocation, which counts from the hold on.
  if (current.state === 'held') {
    return { kind: 'change', to: { state: 'revoked', reason, revokedAt }, blocksKey: isCompromise };
  }
  const wasCompromise = current.reason === 'keyCompromise' || current.reason === 'cACompromise';
  if (isCompromise && !wasCompromise) {
    return { kind: 'change', to: { state: 'revoked', reason, revokedAt }, blocksKey: true };
  }
  const message = `it was revoked as ${current.reason} at ${current.revokedAt?.toISOString()}`;
  return { kind: 'conflict', message };
}

/** What lifting a hold means: only a certificate that is on hold can be released. */
export function decideRelease(current: Status): StatusDecision {
  if (current.state === 'issued') return { kind: 'unchanged' };
  if (current.state === 'held') {
    return { kind: 'change', to: { state: 'issued' }, blocksKey: false };
  }
  return { kind: 'conflict', message: 'a revocation is for good; only a hold can be lifted' };
}

function refusedReason(reason: AcceptedReason, isAuthority: boolean): string | undefined {
  if (reason === 'cACompromise' && !isAuthority) return 'cACompromise is for authorities';
  if (reason === 'certificateHold' && isAuthority) return 'authorities cannot be put on hold';
  return undefined;
}
