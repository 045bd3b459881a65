/**
 * The status of a certificate for a station that asks through its CSMS (OCPP 2.0.1 and 2.1
 * GetCertificateStatus, M06; the ISO 15118 extension of 1.6 the same).
 */

import { type OcspRequestOfStation, ocspRequestOf } from '../ocpp/ocsp-request-data.ts';
import type { FindForeignIssuer } from './foreign-issuers.ts';
import type { AskForeignStatus } from './foreign-status.ts';
import type { OcspReply, OcspResponder } from './ocsp-responder.ts';

export interface CertificateStatusParts {
  readonly ocsp: Pick<OcspResponder, 'answer'>;
  readonly findForeignIssuer: FindForeignIssuer;
  readonly askForeignStatus: AskForeignStatus;
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
  unauthorized: 'The certificate is from no issuer of this evpki, nor from one above it.',
};

/**
 * Answers from our own records, or for certificates above our authorities with what the responder
 * of their issuer says: one that these certificates name, whatever responder the station names
 * (M06.FR.04 asks for the OCSP response; where it comes from is the CSMS's business). Only an error
 * is `Failed` (M06.FR.09): an answer of `revoked` or `unknown` is one that the station has to see.
 * @param ocspRequestData OCSPRequestDataType as JSON; responderURL is not looked at
 */
export async function certificateStatus(
  parts: CertificateStatusParts,
  ocspRequestData: unknown,
): Promise<CertificateStatusAnswer> {
  const read = ocspRequestOf(ocspRequestData);
  if (!read.ok) return failed(`The ${read.reason}.`);
  const reply = await parts.ocsp.answer(read.value.request);
  if (reply.kind === 'answer') return { status: 'Accepted', ocspResult: reply.der };
  const foreign =
    reply.status === 'unauthorized' ? await foreignStatus(parts, read.value) : undefined;
  return foreign ?? failed(reasons[reply.status]);
}

/** Undefined for certificates of issuers that nobody here knows. */
async function foreignStatus(
  { findForeignIssuer, askForeignStatus }: CertificateStatusParts,
  { hashData, certId }: OcspRequestOfStation,
): Promise<CertificateStatusAnswer | undefined> {
  const found = await findForeignIssuer(hashData);
  if (!found) return undefined;
  const answer = await askForeignStatus({ certId, ...found });
  return answer.known
    ? { status: 'Accepted', ocspResult: answer.response }
    : failed(`The responder of another issuer has given no answer that holds: ${answer.reason}.`);
}

const failed = (reason: string): CertificateStatusAnswer => ({ status: 'Failed', reason });
