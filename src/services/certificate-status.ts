/**
 * The status of a certificate for a station that asks through its CSMS (OCPP 2.0.1 and 2.1
 * GetCertificateStatus, M06; the ISO 15118 extension of 1.6 the same).
 */

import { ocspRequestOf } from '../ocpp/ocsp-request-data.ts';
import type { OcspReply, OcspResponder } from './ocsp-responder.ts';

export interface CertificateStatusParts {
  readonly ocsp: Pick<OcspResponder, 'answer'>;
}

export type CertificateStatusAnswer =
  /** DER of an OCSPResponse. */
  | { readonly status: 'Accepted'; readonly ocspResult: Uint8Array }
  | { readonly status: 'Failed'; readonly reason: string };

const reasons: Readonly<Record<(OcspReply & { kind: 'error' })['status'], string>> = {
  malformedRequest: 'The hash data makes no OCSP request.',
  internalError: 'The OCSP responder failed.',
  tryLater: 'The OCSP responder is busy; ask again later.',
  sigRequired: 'The OCSP responder wants signed requests.',
  unauthorized: 'The certificate is from no issuer of this evpki.',
};

/**
 * Answers from our own records, whatever responder the station names (M06.FR.04 asks for the OCSP
 * response; where it comes from is the CSMS's business). Only an error of the responder is
 * `Failed` (M06.FR.09): an answer of `revoked` or `unknown` is one that the station has to see.
 * @param ocspRequestData OCSPRequestDataType as JSON; responderURL is not looked at
 */
export async function certificateStatus(
  parts: CertificateStatusParts,
  ocspRequestData: unknown,
): Promise<CertificateStatusAnswer> {
  const request = ocspRequestOf(ocspRequestData);
  if (!request.ok) return { status: 'Failed', reason: `The ${request.reason}.` };
  const reply = await parts.ocsp.answer(request.value);
  return reply.kind === 'answer'
    ? { status: 'Accepted', ocspResult: reply.der }
    : { status: 'Failed', reason: reasons[reply.status] };
}
