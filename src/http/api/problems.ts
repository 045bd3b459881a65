/** Errors as problem details (RFC 9457), and nothing of evpki's insides in any of them. */

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

const TYPE_BASE = '/docs/errors.md';

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

/** Answers every error that a handler or middleware throws. */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = asServiceError(error);
    if (!known) logger.error('request-failed', { requestId: requestIdOf(request), error });
    const allowed = isHttpError(error) ? error.headers?.Allow : undefined;
    if (allowed) response.set('Allow', allowed);
    sendProblem(
      request,
      response,
      known ?? new ServiceError('internal', 'the request failed; the log says why'),
    );
  };
}

function sendProblem(request: Request, response: Response, error: ServiceError): void {
  const { http, cause, remedy } = errorCodes[error.code];
  if (http === 401) response.set('WWW-Authenticate', 'Bearer realm="evpki"');
  if (error instanceof RateLimited) response.set('Retry-After', String(error.retryAfterSeconds));
  response
    .status(http)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `${TYPE_BASE}#${error.code}`,
        title: cause,
        status: http,
        code: error.code,
        detail: error.message,
        remedy,
        requestId: requestIdOf(request),
        ...(error.violations.length > 0 ? { violations: error.violations } : {}),
      }),
    );
}

function asServiceError(error: unknown): ServiceError | undefined {
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
