/** Reading bodies: each operation as much as it takes, never compressed, and no ambiguous JSON. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type RequestHandler } from 'express';
import { ServiceError } from '../../services/errors.ts';
import { type Operation, operationFinder } from './operations.ts';
import { requireStrictJson } from './strict-json.ts';

/** For paths and methods that there are not; what is wrong with them is said later. */
const LIMIT_ELSEWHERE = 1024;

/** Parses the body of a request within the limit of its operation. */
export function parseBody(operations: readonly Operation[]): RequestHandler {
  const operationOf = operationFinder(operations);
  const parsers = new Map(
    operations.map(({ id, path, bodyLimit }) => [id, parserFor(path, bodyLimit)]),
  );
  const elsewhere = jsonParser(LIMIT_ELSEWHERE);
  return (request, response, next) => {
    const { id = '' } = operationOf(request.method, request.path) ?? {};
    (parsers.get(id) ?? elsewhere)(request, response, next);
  };
}

/** RFC 6749 4.4.2 has a form where everything else is JSON. */
const parserFor = (path: string, limit: number): RequestHandler =>
  path === '/oauth/token' ? either(jsonParser(limit), formParser(limit)) : jsonParser(limit);

const jsonParser = (limit: number): RequestHandler =>
  express.json({ limit, inflate: false, verify: requireUtf8Json });

const formParser = (limit: number): RequestHandler =>
  express.urlencoded({ extended: false, limit, inflate: false });

const either =
  (first: RequestHandler, second: RequestHandler): RequestHandler =>
  (request, response, next) =>
    first(request, response, (error?: unknown) =>
      error === undefined ? second(request, response, next) : next(error),
    );

function requireUtf8Json(
  _request: IncomingMessage,
  _response: ServerResponse,
  octets: Buffer,
  encoding: string,
): void {
  // The parser takes UTF-16 and UTF-32 as well (RFC 8259 8.1 does not).
  if (encoding.toLowerCase() !== 'utf-8') {
    throw new ServiceError('media-type-unsupported', 'JSON is UTF-8 and nothing else');
  }
  requireStrictJson(octets);
}
