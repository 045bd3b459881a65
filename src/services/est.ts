/**
 * The operations of EST (RFC 7030): what its door asks for and answers with. Nothing about paths,
 * headers and base64 is known here.
 */

import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { Checked } from '../pki/violations.ts';
import type { EstLabelParts, EstQuestion } from './est-labels.ts';
import type { EnrolmentAnswer, IssuedAnswer } from './request-answers.ts';

export type { EstCaller } from './est-callers.ts';
export type { EstStandard } from './est-declarations.ts';
export { type EstLabel, type EstQuestion, estLabel } from './est-labels.ts';

/** What the operations need; ES extends it while it builds them: take `Parts` of the app. */
export interface EstParts extends EstLabelParts {}

export interface EstEnrolment extends EstQuestion {
  /** The request in DER, or why the body is none. */
  readonly csr: Checked<Uint8Array>;
  /** tls-unique of the connection (RFC 5929 3.1), where there is one. */
  readonly tlsUnique?: Uint8Array;
}

/** The actions of those who enrol by EST; no operation of openapi.yaml has them. */
export const estActions = ['est:enrol', 'est:reenrol', 'est:generate'] as const;

/**
 * The certificates above those that are issued: the issuing authority first, the root last, no
 * cross-certificates.
 * @throws ServiceError `est-label-unknown`, `authority-unknown`, `authority-not-active`
 */
export async function estCaCertificates(
  _parts: EstParts,
  _question: EstQuestion & { readonly keyAlgorithm?: KeyAlgorithm },
): Promise<readonly Uint8Array[]> {
  throw new Error('in the making');
}

/**
 * /simpleenroll. `waiting` is answered only where the label says so.
 * @throws NotAuthenticated (401), ServiceError
 */
export async function estEnrol(_parts: EstParts, _asked: EstEnrolment): Promise<EnrolmentAnswer> {
  throw new Error('in the making');
}

/** /simplereenroll; see `estEnrol`. */
export async function estReenrol(_parts: EstParts, _asked: EstEnrolment): Promise<EnrolmentAnswer> {
  throw new Error('in the making');
}

/** /serverkeygen; the key is PKCS#8, DER, and the door overwrites it once it has been sent. */
export async function estServerKeygen(
  _parts: EstParts,
  _asked: EstEnrolment,
): Promise<{ readonly answer: IssuedAnswer; readonly privateKey: Uint8Array }> {
  throw new Error('in the making');
}

/** /csrattrs; undefined where there is nothing to ask for. */
export async function estCsrAttributes(
  _parts: EstParts,
  _question: EstQuestion,
): Promise<Uint8Array | undefined> {
  throw new Error('in the making');
}
