/**
 * The status of certificates for a station that asks through its CSMS: GetCertificateStatus (OCPP
 * 2.0.1 and 2.1, M06; the ISO 15118 extension of 1.6 the same), which hands on an OCSP response,
 * and GetCertificateChainStatus (2.1), which says what it says.
 */

import {
  type ChainStatus,
  type ChainStatusQuestion,
  chainStatusOf,
} from '../ocpp/certificate-chain-status.ts';
import { type OcspRequestOfStation, ocspRequestOf } from '../ocpp/ocsp-request-data.ts';
import type { CertificateStatus } from '../pki/ocsp/certificate-status.ts';
import type { Clock } from './clock.ts';
import type { FindForeignIssuer } from './foreign-issuers.ts';
import type { AskForeignStatus } from './foreign-status.ts';
import type { OcspReply, OcspResponder } from './ocsp-responder.ts';

export interface CertificateStatusParts {
  readonly ocsp: Pick<OcspResponder, 'answer'>;
  readonly findForeignIssuer: FindForeignIssuer;
  readonly askForeignStatus: AskForeignStatus;
  readonly clock: Clock;
}

export type CertificateStatusAnswer =
  /** DER of an OCSPResponse. */
  | { readonly status: 'Accepted'; readonly ocspResult: Uint8Array }
  | { readonly status: 'Failed'; readonly reason: string };

export interface StatusOptions {
  /** Whether nothing that is kept of responders of others counts. */
  readonly isFresh?: boolean;
}

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
  options: StatusOptions = {},
): Promise<CertificateStatusAnswer> {
  const found = await statusFound(parts, ocspRequestData, options);
  return found.ok
    ? { status: 'Accepted', ocspResult: found.response }
    : { status: 'Failed', reason: found.reason };
}

/** A status of a chain, with why there is none. */
export interface ChainStatusAnswer extends ChainStatus {
  readonly reason?: string;
}

/** When to ask again about what could not be found out, or may be known to its issuer soon. */
const RETRY_MILLISECONDS = 60 * 60_000;

/**
 * The status of each certificate, found as `certificateStatus` does and all at once. What is ours
 * has been looked at in our own records, of which OCSP and CRL say the same: it is of the source
 * that the station asks for.
 * @returns in the order of the questions
 */
export const certificateChainStatus = (
  parts: CertificateStatusParts,
  questions: readonly ChainStatusQuestion[],
  options: StatusOptions = {},
): Promise<ChainStatusAnswer[]> =>
  Promise.all(
    questions.map(async (question): Promise<ChainStatusAnswer> => {
      const found = await statusFound(parts, question.certificateHashData, options);
      const retry = new Date(parts.clock().getTime() + RETRY_MILLISECONDS);
      if (!found.ok) {
        return { ...chainStatusOf(question, 'failed', retry), reason: found.reason };
      }
      const { says, nextUpdate = retry, isForeign } = found;
      const source = isForeign ? 'OCSP' : question.source;
      return chainStatusOf({ ...question, source }, says, nextUpdate);
    }),
  );

type Found =
  | {
      readonly ok: true;
      /** DER of an OCSPResponse. */
      readonly response: Uint8Array;
      readonly says: CertificateStatus['kind'];
      readonly nextUpdate?: Date;
      readonly isForeign: boolean;
    }
  | { readonly ok: false; readonly reason: string };

async function statusFound(
  parts: CertificateStatusParts,
  hashData: unknown,
  options: StatusOptions,
): Promise<Found> {
  const read = ocspRequestOf(hashData);
  if (!read.ok) return { ok: false, reason: `The ${read.reason}.` };
  const reply = await parts.ocsp.answer(read.value.request);
  if (reply.kind === 'answer') {
    const { der: response, says, nextUpdate } = reply;
    if (says === 'several') throw new Error('one question has several answers');
    return { ok: true, response, says, nextUpdate, isForeign: false };
  }
  const foreign =
    reply.status === 'unauthorized' ? await foreignStatus(parts, read.value, options) : undefined;
  return foreign ?? { ok: false, reason: reasons[reply.status] };
}

/** Undefined for certificates of issuers that nobody here knows. */
async function foreignStatus(
  { findForeignIssuer, askForeignStatus }: CertificateStatusParts,
  { hashData, certId }: OcspRequestOfStation,
  options: StatusOptions,
): Promise<Found | undefined> {
  const found = await findForeignIssuer(hashData);
  if (!found) return undefined;
  const answer = await askForeignStatus({ certId, ...found, ...options });
  if (!answer.known) {
    const why = `The responder of another issuer has given no answer that holds: ${answer.reason}.`;
    return { ok: false, reason: why };
  }
  const { response, status, nextUpdate } = answer;
  return {
    ...{ ok: true, response, says: status.kind, isForeign: true },
    ...(nextUpdate === undefined ? {} : { nextUpdate }),
  };
}
