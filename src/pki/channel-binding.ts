/**
 * Whether a certification request was made for the connection that it came through (RFC 7030 3.5):
 * a client can put the tls-unique value of its connection (RFC 5929 3) into the challengePassword
 * attribute, so that nobody can pass on a request whose key he does not hold.
 */

import { sameBytes } from './byte-order.ts';
import { decodeBase64 } from './pem.ts';
import type { CertificationRequest } from './request.ts';
import { type Violation, violation } from './violations.ts';

const field = 'attributes.challengePassword';

/**
 * Holds a challengePassword in a request against the tls-unique value of its connection. A request
 * without one is not bound to any, which RFC 7030 allows.
 *
 * EST gives the attribute no other meaning, so whatever stands in it is compared: one that was put
 * there as a password is refused as well, and is not repeated in the message.
 * @param tlsUnique the first Finished message of the TLS handshake, which without resumption is
 *   the client's; undefined where there is none: TLS 1.3 has no such value (RFC 8446 appendix
 *   C.5), and behind a proxy that ends TLS nobody knows it
 */
export function channelBindingViolation(
  { challengePassword }: CertificationRequest,
  tlsUnique: Uint8Array | undefined,
): Violation | undefined {
  if (challengePassword === undefined) return undefined;
  if (tlsUnique === undefined || tlsUnique.length === 0) {
    const message =
      'The request has a challengePassword, but its connection has no tls-unique value to compare it with: only TLS 1.2 has one, and only without a proxy between.';
    return violation('channel-binding-unavailable', message, field);
  }
  const claimed = decodeBase64(challengePassword);
  if (claimed !== undefined && sameBytes(claimed, tlsUnique)) return undefined;
  return violation(
    'channel-binding-mismatch',
    'The challengePassword of the request is not the tls-unique value of its connection in base64.',
    field,
  );
}
