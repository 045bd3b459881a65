/**
 * Errors of EST (RFC 7030 4.2.3): text for people, that programs can tell apart. Its clients show
 * the status and the text, if anything; none reads structure.
 */

import type { Violation } from '../../pki/violations.ts';
import { estStatusOf, isForeignThing } from '../../services/error-answers.ts';
import type { ErrorCode, FieldViolation, ServiceError } from '../../services/errors.ts';
import { estRemedy } from '../../services/est-remedies.ts';

export interface EstError {
  readonly status: number;
  readonly body: string;
  /** Seconds after which it is worth trying again, for what passes by itself. */
  readonly retryAfter: number | undefined;
}

/** Errors that pass by themselves, and the seconds that takes. */
const passing: { readonly [code in ErrorCode]?: number } = {
  'not-ready': 2,
  'declarations-superseded': 5,
  'clock-went-back': 5,
};

/** The first line says what has failed, others one thing each that is wrong, then what to do. */
export function estError(error: ServiceError, requestId: string): EstError {
  const { code, message, violations } = error;
  const lines = [
    `${code}: ${message}`,
    ...violations.map(lineOf),
    `remedy: ${estRemedy(error)}`,
    `request-id: ${requestId}`,
  ];
  return {
    status: isForeignThing(error) ? 403 : estStatusOf(code),
    body: lines.map((line) => `${inOneLine(line)}\n`).join(''),
    retryAfter: retryAfterOf(error),
  };
}

const lineOf = ({ code, message, field }: Violation | FieldViolation): string =>
  field === undefined ? `${code}: ${message}` : `${code} (${field}): ${message}`;

/** What a caller made up is quoted in messages. */
const inOneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');

/** An error of the limits knows by itself when there is something left. */
const retryAfterOf = (error: ServiceError): number | undefined =>
  'retryAfterSeconds' in error && typeof error.retryAfterSeconds === 'number'
    ? error.retryAfterSeconds
    : passing[error.code];
