/** Requests, and in tests answers, are checked against openapi.yaml. */

import type { RequestHandler } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import type { ApiDocument } from './operations.ts';

/** Goes before the handlers of any number of APIs: it remembers nothing but what it has compiled. */
export type ApiValidator = readonly RequestHandler[];

/** @param options.answers whether to check answers, too: for tests, since it costs time */
export function apiValidator(
  document: ApiDocument,
  { answers = false }: { readonly answers?: boolean } = {},
): ApiValidator {
  const [load, ...check] = OpenApiValidator.middleware({
    apiSpec: document as never,
    validateRequests: { allErrors: true },
    validateResponses: answers,
    validateSecurity: false,
    fileUploader: false,
  }) as RequestHandler[];
  // It waits for the document to be loaded, and would give the first API that is asked, and no
  // other, its own reading of the parameters in paths: handlers have those of Express.
  const app = { param: () => undefined };
  return [(_request, response, next) => load?.({ app } as never, response, next), ...check];
}
