/** Errors where tokens are given: RFC 6749 5.2 and problem details in one. */

import { type ErrorCode, errorCodes, type ServiceError } from '../../services/errors.ts';
import { type ErrorForm, problemOf } from './problems.ts';

/** What RFC 6749 5.2 has a word for. */
const words: { readonly [code in ErrorCode]?: string } = {
  'not-authenticated': 'invalid_client',
  'grant-type-unsupported': 'unsupported_grant_type',
  'scope-refused': 'invalid_scope',
  'too-many-requests': 'temporarily_unavailable',
  'not-ready': 'temporarily_unavailable',
};

/**
 * A problem that has `error` and `error_description` besides: clients of OAuth read these, and
 * everybody else what all errors of evpki have. Its media type is that of RFC 6749.
 */
export const oauthError: ErrorForm = (error, requestId) => {
  const { http } = errorCodes[error.code];
  const word = words[error.code] ?? (http < 500 ? 'invalid_request' : 'server_error');
  return {
    status: http,
    body: { error: word, error_description: description(error), ...problemOf(error, requestId) },
    // RFC 6749 5.2 asks for the scheme with which one could do better here.
    headers: http === 401 ? { 'WWW-Authenticate': 'Basic realm="evpki", charset="UTF-8"' } : {},
  };
};

/** One line in the characters that RFC 6749 5.2 allows. */
const description = ({ message, violations }: ServiceError): string =>
  [message, ...violations.map(({ field, message: what }) => `${field ?? 'request'} ${what}`)]
    .join('; ')
    .replace(/["\\]/g, "'")
    .replace(/[^ -~]/g, '?');
