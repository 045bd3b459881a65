/** Which Content-Types the validator meets. */

import type { RequestHandler } from 'express';
import { type Operation, operationFinder } from './operations.ts';

/**
 * Leaves of a request's Content-Type the media type, where the operation takes it, and nothing where
 * it takes no body. The validator compiles the schemas of an operation for every Content-Type that it
 * meets, which takes a hundred times as long as to check a request, and keeps them for ever; what an
 * operation does not take it refuses without.
 */
export function plainMediaType(operations: readonly Operation[]): RequestHandler {
  const operationOf = operationFinder(operations);
  return ({ method, path, headers }, _response, next) => {
    const operation = operationOf(method, path);
    // The validator takes some paths for ours that are not, such as those with a slash too many.
    const { mediaTypes = [] } = operation ?? { mediaTypes: ['application/json'] };
    const [type = ''] = (headers['content-type'] ?? '').split(';');
    const plain = type.trim().toLowerCase();
    if (mediaTypes.includes(plain)) headers['content-type'] = plain;
    else if (mediaTypes.length === 0 || operation === undefined) delete headers['content-type'];
    next();
  };
}
