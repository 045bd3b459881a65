/**
 * How much anybody may ask of the API. Every client has a bucket for each purpose, so that a storm
 * of enrolments leaves its revocations alone; those who cannot say who they are share one for each
 * address that they come from. OCSP and CRLs are on another listener and not counted here.
 */

import { networkOf } from '../../identifiers/ip-network.ts';
import { ServiceError } from '../../services/errors.ts';
import type { Monotonic } from '../../services/status-confirmation.ts';
import { TokenBuckets } from './token-buckets.ts';

/** What may be asked at once: as much as in this time. Whole fleets come back in one minute. */
const BURST_SECONDS = 60;
/** About 200 octets each. */
const KEYS = 20_000;

export type Purpose = 'enrolment' | 'revocation' | 'status' | 'other';

const purposes: ReadonlyMap<string, Purpose> = new Map([
  ['certificates:issue', 'enrolment'],
  ['certificates:renew', 'enrolment'],
  ['ocpp:sign', 'enrolment'],
  ['certificates:revoke', 'revocation'],
  ['ocpp:status', 'status'],
]);

/** What an action counts as. */
export const purposeOf = (action = ''): Purpose => purposes.get(action) ?? 'other';

/** A request too many; `Retry-After` says when there may be another. */
export class RateLimited extends ServiceError {
  readonly retryAfterSeconds: number;

  constructor(milliseconds: number) {
    super('too-many-requests', 'there were too many requests');
    this.retryAfterSeconds = Math.max(1, Math.ceil(milliseconds / 1000));
  }
}

/** Both throw RateLimited when there is nothing left. */
export interface RateLimits {
  takeFromClient(actor: string, purpose: Purpose): void;
  takeFromAddress(address: string | undefined): void;
}

/** Requests per second; 0 for any number. */
export function createRateLimits(
  limits: { readonly perClient: number; readonly perAddress: number },
  monotonic: Monotonic,
): RateLimits {
  const limiter = (perSecond: number) => {
    if (perSecond === 0) return () => undefined;
    const buckets = new TokenBuckets({ burst: perSecond * BURST_SECONDS, perSecond, keys: KEYS });
    return (key: string) => {
      const wait = buckets.take(key, monotonic());
      if (wait > 0) throw new RateLimited(wait);
    };
  };
  const clients = limiter(limits.perClient);
  const addresses = limiter(limits.perAddress);
  return {
    takeFromClient: (actor, purpose) => clients(`${purpose} ${actor}`),
    takeFromAddress: (address) => addresses(networkOf(address ?? '')),
  };
}
