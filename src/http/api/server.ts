/**
 * The REST API: what every request goes through before and after its handler. The order is fixed:
 * authentication, limits, parsing, validation against openapi.yaml, authorization, the first call
 * under its Idempotency-Key, handling.
 */

import express, { type Express, type Request, type RequestHandler } from 'express';
import { type AccessPolicy, inRolesFor, type Principal } from '../../services/access-policy.ts';
import { ServiceError } from '../../services/errors.ts';
import type { IdempotencyParts } from '../../services/idempotency.ts';
import type { Logger } from '../../services/logger.ts';
import type { RefusalLog } from '../../services/refusals.ts';
import type { ClientCertificateOf } from '../client-certificate.ts';
import { refusePages } from '../web-pages.ts';
import { presentedToken } from './bearer-token.ts';
import { parseBody } from './bodies.ts';
import type { OpenApi } from './docs/document.ts';
import { serveDocs } from './docs/routes.ts';
import { onceForEachKey } from './idempotency.ts';
import { plainMediaType } from './media-types.ts';
import { refuseNullCharacters } from './null-characters.ts';
import {
  type ApiDocument,
  errorFormFinder,
  type Handler,
  type Handlers,
  type Operation,
  operationFinder,
  type PublicHandlers,
  readOperations,
  requireKnownActions,
  secretMembers,
} from './operations.ts';
import { type ErrorForm, problemHandler } from './problems.ts';
import { purposeOf, type RateLimits } from './rate-limits.ts';
import { noteRefusals } from './refusals.ts';
import { assignRequestId, requestIdOf } from './request-id.ts';
import type { ApiValidator } from './validator.ts';

/**
 * What a request proves its caller with. A token that is there alone says who calls: a certificate
 * never stands in for a wrong one. It may only bind the token (RFC 8705 3).
 */
export interface PresentedCredentials {
  readonly bearerToken?: string;
  /** Of TLS, here or at a proxy: DER, leaf first. */
  readonly certificates?: readonly Uint8Array[];
}

export interface ApiParts {
  readonly document: ApiDocument & OpenApi;
  /** openapi.yaml as it is written. */
  readonly documentText: string;
  readonly handlers: Handlers;
  readonly publicHandlers: PublicHandlers;
  /** By the name that openapi.yaml gives them (`x-evpki-errors`). */
  readonly errorForms?: Readonly<Record<string, ErrorForm>>;
  /** Who presents these; throws ServiceError `not-authenticated`. */
  readonly authenticate: (presented: PresentedCredentials) => Promise<Principal>;
  readonly clientCertificate: ClientCertificateOf;
  readonly access: AccessPolicy;
  /** The actions of doors that openapi.yaml does not describe; roles may name them, too. */
  readonly actionsElsewhere?: readonly string[];
  readonly limits: RateLimits;
  readonly idempotency: IdempotencyParts;
  /** Hears of every request: its operationId or `none`, its status or `aborted`. */
  readonly measure?: (operation: string, status: string, seconds: number) => void;
  readonly refusals: Pick<RefusalLog, 'note'>;
  readonly logger: Logger;
  /** Of the same document. */
  readonly validator: ApiValidator;
}

/** @throws Error when openapi.yaml, the handlers and the access policy do not fit together */
export function createApi(parts: ApiParts): Express {
  const { errorForms = {} } = parts;
  const operations = readOperations(
    parts.document,
    parts.handlers,
    parts.publicHandlers,
    Object.keys(errorForms),
  );
  requireKnownActions(operations, parts.access, parts.actionsElsewhere);
  const principals = new WeakMap<Request, Principal>();
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('etag', false);
  // One way to write each path: what counts requests and what answers them see the same.
  app.enable('case sensitive routing');
  app.enable('strict routing');

  const operationOf = operationFinder(operations);
  app.use(
    assignRequestId,
    logRequest(parts.logger),
    measureRequest(operationOf, parts.measure),
    securityHeaders,
  );
  serveDocs(app, parts.document, parts.documentText, parts.access);
  app.use(async (request, _response, next) => {
    const operation = operationOf(request.method, request.path);
    if (operation?.isPublic) {
      parts.limits.takeFromAddress(request.socket.remoteAddress);
      await parts.clientCertificate(request);
    } else {
      const principal = await authenticated(parts, request);
      parts.limits.takeFromClient(principal.actor, purposeOf(operation?.action));
      principals.set(request, principal);
    }
    next();
  });
  app.use(parseBody(operations));
  app.use(refuseNullCharacters);
  app.use(plainMediaType(operations), ...parts.validator);
  const secrets = secretMembers(parts.document);
  for (const operation of operations) {
    const path = operation.path.replace(/\{(\w+)\}/g, ':$1');
    app[operation.method](path, routeOf(parts, operation, principals, secrets));
  }
  // Paths that the validator takes for one of its own, such as those with a slash too many.
  app.use(() => {
    throw new ServiceError('not-found', 'there is nothing by this path');
  });
  app.use(noteRefusals(parts.refusals, principals));
  const errorsOf = errorFormFinder(operations);
  app.use(problemHandler(parts.logger, ({ path }) => errorForms[errorsOf(path) ?? '']));
  return app;
}

/** Who is calling. Failing to say so is counted; others at the same address who can are not kept out. */
async function authenticated(parts: ApiParts, request: Request): Promise<Principal> {
  try {
    const certificates = await parts.clientCertificate(request);
    const token = presentedToken(request);
    // No page has the reader's token; his certificate comes with everything.
    if (token === undefined && certificates) refusePages(request);
    return await parts.authenticate({
      ...(token === undefined ? {} : { bearerToken: token }),
      ...(certificates === undefined ? {} : { certificates }),
    });
  } catch (error) {
    if (error instanceof ServiceError) parts.limits.takeFromAddress(request.socket.remoteAddress);
    throw error;
  }
}

function routeOf(
  parts: ApiParts,
  { id, action, isPublic, takesKey }: Operation,
  principals: WeakMap<Request, Principal>,
  secrets: ReadonlySet<string>,
): RequestHandler {
  if (isPublic) {
    const handle = parts.publicHandlers[id];
    return async (request, response) => handle?.(request, response);
  }
  const plain = parts.handlers[id] as Handler;
  const handle = takesKey ? onceForEachKey(parts.idempotency, id, secrets, plain) : plain;
  return async (request, response) => {
    const principal = principals.get(request);
    if (!principal) throw new ServiceError('not-authenticated', 'the request has no principal');
    const acting = inRolesFor(parts.access, principal, action);
    if (acting.roles.length === 0) {
      throw new ServiceError('not-permitted', `none of your roles permits ${action}`);
    }
    await handle(request, response, acting);
  };
}

const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Strict-Transport-Security': 'max-age=31536000',
    'X-Content-Type-Options': 'nosniff',
  });
  next();
};

/** One line per request, written when it is answered; never headers or bodies. */
function logRequest(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = process.hrtime.bigint();
    response.on('close', () => {
      logger.info('request', {
        requestId: requestIdOf(request),
        method: request.method,
        path: request.path,
        status: response.writableFinished ? response.statusCode : 'aborted',
        milliseconds: Number((process.hrtime.bigint() - started) / 1_000_000n),
      });
    });
    next();
  };
}

function measureRequest(
  operationOf: ReturnType<typeof operationFinder>,
  measure: ApiParts['measure'],
): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const { method, path } = request;
    response.on('close', () => {
      const status = response.writableFinished ? String(response.statusCode) : 'aborted';
      const seconds = (performance.now() - started) / 1000;
      measure?.(operationOf(method, path)?.id ?? 'none', status, seconds);
    });
    next();
  };
}
