/**
 * Errors as problem details (RFC 9457), or in the form of the protocol that a caller speaks, and
 * nothing of evpki's insides in any of them.
 */

import type { ErrorRequestHandler, Request, Response } from 'express';
import {
  type ErrorCode,
  errorCodes,
  type FieldViolation,
  ServiceError,
} from '../../services/errors.ts';
import type { Logger } from '../../services/logger.ts';
import { RateLimited } from './rate-limits.ts';
import { requestIdOf } from './request-id.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** The page that explains every code: `/docs/errors#csr-refused`. */
const ERROR_PAGE = '/docs/errors';

/** Errors that pass by themselves, and the seconds after which it is worth trying again. */
const passing: { readonly [code in ErrorCode]?: number } = {
  'not-ready': 2,
  // As soon as some of a day ago are over, which is looked at every few minutes.
  'idempotency-keys-used-up': 60,
  // Another process answers, or this one once it has been started again, or its clock set.
  'declarations-superseded': 5,
  'clock-went-back': 5,
};

/** What the OpenAPI validator and the body parsers throw. */
interface HttpError {
  readonly status: number;
  readonly message: string;
  readonly errors?: readonly { path: string; message: string; errorCode?: string }[];
  readonly headers?: Readonly<Record<string, string>>;
}

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'request-malformed',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  415: 'media-type-unsupported',
};

/** How another protocol on this listener says what a problem would. */
export type ErrorForm = (
  error: ServiceError,
  requestId: string,
) => {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * Answers every error that a handler or middleware throws.
 * @param formOf the form that the caller of a request understands; undefined for a problem
 */
export function problemHandler(
  logger: Logger,
  formOf: (request: Request) => ErrorForm | undefined = () => undefined,
): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = asServiceError(error);
    if (!known) logger.error('request-failed', { requestId: requestIdOf(request), error });
    const allowed = isHttpError(error) ? error.headers?.Allow : undefined;
    if (allowed) response.set('Allow', allowed);
    sendError(
      request,
      response,
      known ?? new ServiceError('internal', 'the request failed; the log says why'),
      formOf(request),
    );
  };
}

function sendError(
  request: Request,
  response: Response,
  error: ServiceError,
  form: ErrorForm | undefined,
): void {
  const { http } = errorCodes[error.code];
  if (http === 401) response.set('WWW-Authenticate', 'Bearer realm="evpki"');
  const seconds = error instanceof RateLimited ? error.retryAfterSeconds : passing[error.code];
  if (seconds !== undefined) response.set('Retry-After', String(seconds));
  if (form) {
    const { status, body, headers = {} } = form(error, requestIdOf(request));
    response.status(status).set(headers).json(body);
  } else {
    response.status(http).type(PROBLEM_TYPE).send(problemText(request, error));
  }
}

/** An error as the body of an answer. */
export const problemText = (request: Request, error: ServiceError): string =>
  JSON.stringify(problemOf(error, requestIdOf(request)));

/** An error as problem details. */
export function problemOf(error: ServiceError, requestId: string) {
  const { http, cause, remedy } = errorCodes[error.code];
  return {
    type: `${ERROR_PAGE}#${error.code}`,
    title: cause,
    status: http,
    code: error.code,
    detail: error.message,
    remedy,
    requestId,
    ...(error.violations.length > 0 ? { violations: error.violations } : {}),
  };
}

/** What an error says to callers; undefined for one that is a fault of evpki. */
export function asServiceError(error: unknown): ServiceError | undefined {
  if (error instanceof ServiceError) return error;
  if (!isHttpError(error)) return undefined;
  const code = byStatus[error.status];
  if (!code) return undefined;
  // For a wrong path, method or media type the validator's list only repeats the code.
  const errors = code === 'request-malformed' ? (error.errors ?? []) : [];
  const violations = errors.map(
    ({ path, message, errorCode }): FieldViolation => ({
      code: errorCode?.replace(/\.openapi\.validation$/, '') ?? 'invalid',
      message,
      field: path.replace(/^\//, '').replaceAll('/', '.'),
    }),
  );
  return new ServiceError(code, detailOf(code, error), violations);
}

/** Parser messages quote the body, which may hold a secret: they are not passed on. */
function detailOf(code: ErrorCode, error: HttpError): string {
  if (code === 'request-malformed') {
    return error.errors ? 'the request does not match openapi.yaml' : 'the body cannot be parsed';
  }
  return errorCodes[code].cause;
}

const isHttpError = (error: unknown): error is HttpError =>
  error instanceof Error && typeof (error as { status?: unknown }).status === 'number';
