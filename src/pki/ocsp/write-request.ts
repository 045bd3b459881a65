/** OCSP requests as clients make them (RFC 6960 4.1.1): the counterpart of `request.ts`. */

import { sequence } from '../der-writer.ts';
import { MAX_CERT_IDS } from './request.ts';

/**
 * An unsigned request without extensions.
 * @param certIds DER of each CertID, 1 to 32 of them
 * @returns DER of the OCSPRequest
 * @throws RangeError if there are none, or more than any responder of ours would answer
 */
export function writeOcspRequest(certIds: readonly Uint8Array[]): Uint8Array {
  if (certIds.length === 0 || certIds.length > MAX_CERT_IDS) {
    throw new RangeError(`a request for ${certIds.length} certificates`);
  }
  return sequence(sequence(sequence(...certIds.map((certId) => sequence(certId)))));
}
