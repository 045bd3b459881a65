import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler } from 'express';

const ids = new WeakMap<Request, string>();

/** Gives every request an id: in the log, in `X-Request-Id` of its answer and in problems. */
export const assignRequestId: RequestHandler = (request, response, next) => {
  const id = randomUUID();
  ids.set(request, id);
  response.set('X-Request-Id', id);
  next();
};

export const requestIdOf = (request: Request): string => ids.get(request) ?? 'unknown';
