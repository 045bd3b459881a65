/** What the doors other than REST answer for an error: statuses, and what a station hears. */

import { type ErrorCode, type ErrorMeaning, errorCodes, type ServiceError } from './errors.ts';

/**
 * The HTTP status of an EST answer. RFC 7030 was written for the statuses of RFC 2616: what REST
 * calls 422 is 400 there.
 */
export function estStatusOf(code: ErrorCode): number {
  const { est, http }: ErrorMeaning = errorCodes[code];
  return est ?? (http === 422 ? 400 : http);
}

/** The HTTP status of an OPCP answer: its clients know 400, 401, 403, 404 and 5xx. */
export function opcpStatusOf(code: ErrorCode): number {
  const { opcp, http }: ErrorMeaning = errorCodes[code];
  return opcp ?? (http === 422 ? 400 : http);
}

/** Violations of who asks for what is another's, whatever else may be wrong with it. */
const foreignThings: ReadonlySet<string> = new Set(['wmi-not-allowed', 'operator-not-allowed']);

/**
 * Whether a vehicle or an EVSE id is another organization's: to clients of OPCP and EST, which know
 * statuses only, it is the caller then that is wrong (403).
 */
export const isForeignThing = ({ violations }: ServiceError): boolean =>
  violations.some(({ code }) => foreignThings.has(code));

/** What SignCertificate is answered with; undefined where the CSMS gets a problem instead. */
export function ocppAnswerOf(code: ErrorCode): 'Accepted' | 'Rejected' | undefined {
  const { ocpp }: ErrorMeaning = errorCodes[code];
  return ocpp;
}
