/** Errors as OPCP and OPNC have them: sentences, and the id by which the log has more. */

import type { Violation } from '../../pki/violations.ts';
import { isForeignThing, opcpStatusOf } from '../../services/error-answers.ts';
import type { FieldViolation, ServiceError } from '../../services/errors.ts';

export interface PncError {
  /** At least one. */
  readonly errorMessages: readonly string[];
  /** The `X-Request-Id` of the answer. */
  readonly traceId: string;
}

/** An error as the status and the body of an answer. */
export const pncError = (
  error: ServiceError,
  traceId: string,
): { readonly status: number; readonly body: PncError } => ({
  status: isForeignThing(error) ? 403 : opcpStatusOf(error.code),
  body: errorBody(messagesOf(error), traceId),
});

export const errorBody = (messages: readonly string[], traceId: string): PncError => ({
  errorMessages: [...new Set(messages)],
  traceId,
});

/** The first says what has failed, each other one thing that is wrong with it. */
const messagesOf = ({ message, violations }: ServiceError): string[] => [
  message,
  ...violations.map(violationText),
];

const violationText = ({ message, field }: Violation | FieldViolation): string =>
  field === undefined
    ? message
    : `${field.replace(/^(body|query|params|headers)\./, '')} : ${message}`;
