/** What reading a request has in common, whichever it is: refusals, and the certificate that signs. */

import { type Pcid, parsePcid } from '../../identifiers/pcid.ts';
import { type Certificate, readCertificate } from '../../pki/certificate.ts';
import { DerError } from '../../pki/der-element.ts';
import { foreignKeyViolation } from '../../pki/foreign-key.ts';
import { attributeValue } from '../../pki/names.ts';
import type { PublicKey } from '../../pki/public-key.ts';
import { ExiError } from '../exi/exi-error.ts';
import type { LenientReading } from '../signature/lenient-readings.ts';
import { type Standard, signatureProfileFor } from '../signature/signature-profile.ts';
import {
  type SignatureFault,
  type SignatureQuestion,
  type SignatureVerdict,
  verifySignature,
  verifySignatureOffLoop,
} from '../signature/verify-signature.ts';
import { type FailureReason, type ResponseCode, responseCodeFor } from './failures.ts';
import { sessionIdToAnswer } from './session-id.ts';

export type RequestReading<Request, Code> =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly failure: RequestFailure<Code> };

export interface RequestFailure<Code> {
  /** To answer in. */
  readonly sessionId: Uint8Array;
  readonly responseCode: Code;
  readonly reason: FailureReason;
  /** Where the reason is `signature-missing` or `signature-invalid`: what about it. */
  readonly signatureFault?: SignatureFault;
  /** For people. */
  readonly message: string;
}

/** A request that gets no contract. */
export class RequestRefusal extends Error {
  readonly reason: FailureReason;
  readonly signatureFault: SignatureFault | undefined;

  constructor(reason: FailureReason, message: string, signatureFault?: SignatureFault) {
    super(message);
    this.reason = reason;
    this.signatureFault = signatureFault;
  }
}

/** What was read, or how the request is to be answered that could not be read or was refused. */
export function reading<Request, S extends Standard>(
  standard: S,
  exi: Uint8Array,
  read: () => Request,
): RequestReading<Request, ResponseCode<S>> {
  try {
    return { ok: true, request: read() };
  } catch (error) {
    return unread(standard, exi, error);
  }
}

/** {@link reading} for what is not read at once. */
export async function readingInTime<Request, S extends Standard>(
  standard: S,
  exi: Uint8Array,
  read: () => Promise<Request>,
): Promise<RequestReading<Request, ResponseCode<S>>> {
  try {
    return { ok: true, request: await read() };
  } catch (error) {
    return unread(standard, exi, error);
  }
}

function unread<S extends Standard>(
  standard: S,
  exi: Uint8Array,
  error: unknown,
): RequestReading<never, ResponseCode<S>> {
  const { reason, message, signatureFault } = asRefusal(error);
  return {
    ok: false,
    failure: {
      sessionId: sessionIdToAnswer(standard, exi),
      responseCode: responseCodeFor(standard, reason),
      reason,
      ...(signatureFault === undefined ? {} : { signatureFault }),
      message,
    },
  };
}

function asRefusal(error: unknown): RequestRefusal {
  if (error instanceof RequestRefusal) return error;
  if (error instanceof ExiError) return new RequestRefusal('request-unreadable', error.message);
  throw error;
}

/**
 * A certificate of the message.
 * @param what it is, such as `provisioning certificate`
 * @throws RequestRefusal
 */
export function readCertificateOf(what: string, der: Uint8Array): Certificate {
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new RequestRefusal(
      'certificate-unreadable',
      `The ${what} is not a certificate in DER: ${error.message}.`,
    );
  }
}

/**
 * The key that signs a request, which is the one that the contract key gets encrypted for.
 * @throws RequestRefusal for one that the standard has no use for
 */
export function recipientKey(standard: Standard, certificate: Certificate): PublicKey {
  const { publicKey, spki } = certificate;
  if (publicKey === undefined) {
    throw new RequestRefusal('key-transport-impossible', foreignKeyViolation(spki).message);
  }
  if (signatureProfileFor(standard, publicKey.algorithm) === undefined) {
    throw new RequestRefusal(
      'key-transport-impossible',
      `No contract key can be encrypted for a ${publicKey.algorithm} key in ${standard}.`,
    );
  }
  return publicKey;
}

/** @throws RequestRefusal */
export function pcidOf({ subject }: Certificate): Pcid {
  const commonName = attributeValue(subject, 'CN');
  if (commonName === undefined) {
    throw new RequestRefusal('pcid-unreadable', 'The provisioning certificate names no vehicle.');
  }
  const pcid = parsePcid(commonName);
  if (pcid.ok) return pcid.value;
  throw new RequestRefusal('pcid-unreadable', `${pcid.reason}.`);
}

/**
 * The lenient readings that the signature needed.
 * @throws RequestRefusal unless it is valid
 */
export const requireSignature = (question: SignatureQuestion): readonly LenientReading[] =>
  readingsOf(verifySignature(question));

/** {@link requireSignature}, with the key used on the thread pool unless it is one of P-256. */
export const requireSignatureOffLoop = async (
  question: SignatureQuestion,
): Promise<readonly LenientReading[]> => readingsOf(await verifySignatureOffLoop(question));

function readingsOf(verdict: SignatureVerdict): readonly LenientReading[] {
  if (verdict.ok) return verdict.readings;
  const missing = verdict.reason === 'signature-missing';
  throw new RequestRefusal(
    missing ? 'signature-missing' : 'signature-invalid',
    verdict.message,
    verdict.reason,
  );
}
