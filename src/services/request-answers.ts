/** What becomes of an enrolment request: a certificate, waiting, or neither. */

import { type Certificate, readCertificate } from '../pki/certificate.ts';
import type { AuthorityStore } from './authority-records.ts';
import type { CertificateStore, EnrolmentRequest } from './certificate-records.ts';
import { issuerChain } from './chains.ts';
import { ServiceError } from './errors.ts';

export interface AnswerParts {
  readonly certificates: CertificateStore;
  readonly authorities: AuthorityStore;
}

export interface IssuedAnswer {
  readonly outcome: 'issued';
  readonly requestId: string;
  readonly certificateId: string;
  readonly certificate: Certificate;
  /** The certificates above it, nearest first, without the root. */
  readonly chain: readonly Uint8Array[];
  /** Whether this is what the same request was given before. */
  readonly repeated: boolean;
}

/** Somebody else has to approve it; the same request again later gets the certificate. */
export interface WaitingAnswer {
  readonly outcome: 'waiting';
  readonly requestId: string;
}

export type EnrolmentAnswer = IssuedAnswer | WaitingAnswer;

/** A request that is on record and has no certificate: refused, or still being worked on. */
export class RequestUnanswered extends ServiceError {
  readonly requestId: string;

  constructor(requestId: string, ...error: ConstructorParameters<typeof ServiceError>) {
    super(...error);
    this.requestId = requestId;
  }
}

/** How long to wait for another call that is issuing for the very same request. */
const REPEAT_POLLS = 100;
const REPEAT_POLL_MILLISECONDS = 50;

/**
 * What a request on record was given; waits while another call is still issuing for it.
 * @throws RequestUnanswered `request-rejected`, `not-ready`
 */
export async function answerOnRecord(
  parts: AnswerParts,
  first: EnrolmentRequest,
): Promise<EnrolmentAnswer> {
  let request: EnrolmentRequest | undefined = first;
  for (let poll = 0; request?.state === 'issuing' && poll < REPEAT_POLLS; poll++) {
    await new Promise((resolve) => setTimeout(resolve, REPEAT_POLL_MILLISECONDS));
    request = await parts.certificates.findRequest(first.id);
  }
  if (request?.state === 'waiting-for-approval') {
    return { outcome: 'waiting', requestId: request.id };
  }
  if (request?.state === 'rejected') {
    throw new RequestUnanswered(
      request.id,
      'request-rejected',
      `the request was rejected: ${request.rejectionReason}`,
    );
  }
  const certificate =
    request?.state === 'issued' && request.certificateId !== undefined
      ? await parts.certificates.findCertificate(request.certificateId)
      : undefined;
  const issuer =
    certificate?.issuerId === undefined
      ? undefined
      : await parts.authorities.findIssuer(certificate.issuerId);
  if (!request || !certificate?.der || !issuer) {
    throw new RequestUnanswered(
      first.id,
      'not-ready',
      'the same request is being worked on; send it again later',
    );
  }
  return {
    outcome: 'issued',
    requestId: request.id,
    certificateId: certificate.id,
    certificate: readCertificate(certificate.der),
    chain: await issuerChain(parts.authorities, issuer),
    repeated: true,
  };
}
