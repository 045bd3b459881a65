/**
 * Stations that show their current certificate where a token is asked for: chargers that keep their
 * roots up to date by themselves have nothing else, as with OPCP in EVerest.
 */

import { type Principal, STATION_ROLE } from './access-policy.ts';
import {
  certificateActor,
  type EstCallerParts,
  ownCertificate,
  requireInForce,
} from './est-callers.ts';
import { isOfStation } from './est-stations.ts';
import { NotAuthenticated } from './refusals.ts';

/**
 * The station whose certificate this is; undefined if it is none of ours, or of another kind. It
 * reaches nothing but what the role `station` has.
 * @param chain DER, leaf first; TLS has proven that the caller has the key of the leaf
 * @throws NotAuthenticated where it is revoked, on hold, below an authority that is, or over
 */
export async function authenticateStation(
  parts: EstCallerParts,
  [leaf]: readonly Uint8Array[],
): Promise<Principal | undefined> {
  const own = leaf && (await ownCertificate(parts, leaf));
  if (!own) return undefined;
  const { record } = own;
  const kind = parts.profiles.get(record.profile)?.kind;
  if (kind === undefined || !isOfStation(kind)) return undefined;
  // What was signed elsewhere counts as that of a station that is registered, and of no other.
  if (record.requestId === undefined && record.stationId === undefined) return undefined;
  await requireInForce(parts, own);
  const actor = certificateActor(record);
  const { organizationId } = record;
  // What EST lets it do for a while after its end is to renew itself.
  if (parts.clock() > record.notAfter) {
    const refusal = { reason: 'certificate-expired', actor, organizationId } as const;
    throw new NotAuthenticated('the client certificate has expired', refusal);
  }
  return { actor, organizationId, roles: [STATION_ROLE] };
}
