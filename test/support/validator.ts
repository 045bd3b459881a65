/** What the API of every service in this process is checked with, requests and answers. */

import { loadApiDocument } from '../../src/declarations.ts';
import type { ApiDocument } from '../../src/http/api/operations.ts';
import { type ApiValidator, apiValidator } from '../../src/http/api/validator.ts';

let made: ApiValidator | undefined;

/** Made once: to load openapi.yaml and to compile its schemas takes longer than all else of a start. */
export const checkingValidator = (): ApiValidator =>
  (made ??= apiValidator(loadApiDocument() as ApiDocument, { answers: true }));
