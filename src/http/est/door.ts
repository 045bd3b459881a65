/**
 * The door of EST (RFC 7030, RFC 8951) on the API listener: it finds out what is asked and by whom,
 * and puts the answer into the form that EST's clients read. What is certified, and whether, is
 * decided by the service. On bare node:http, since to its clients the case of header names matters.
 * The order is that of the API: limits, authentication, authorization, reading, handling.
 *
 * OPNC has operations of EST as well, with the errors that its other answers have
 * (docs/adr/0033-opnc.md).
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AccessPolicy, inRolesFor, type Principal } from '../../services/access-policy.ts';
import { ServiceError } from '../../services/errors.ts';
import type { EstCaller } from '../../services/est-callers.ts';
import type { Logger } from '../../services/logger.ts';
import type { Party } from '../../services/parties.ts';
import { NotAuthenticated, type RefusalLog } from '../../services/refusals.ts';
import { pncError } from '../pnc/errors.ts';
import { callingParty } from '../pnc/party.ts';
import { refusePages } from '../web-pages.ts';
import { sendJson, sendText } from './answers.ts';
import { mayBeLong } from './body.ts';
import { type CallerParts, callerOf } from './caller.ts';
import { estError } from './errors.ts';
import { isSilent, layoutFor } from './layout.ts';
import { type EstService, operations } from './operations.ts';
import { readOpncPath } from './opnc-paths.ts';
import { type EstAddress, type EstPath, readEstPath } from './paths.ts';
import { noteRefusal } from './refusals.ts';

export interface EstDoor extends CallerParts {
  readonly service: EstService;
  /** Whether a label of this name is declared. */
  readonly isLabel: (name: string) => boolean;
  /** See `services/parties.ts`; throws ServiceError `not-permitted`. */
  readonly requireOwnParty: (principal: Principal, party: Party) => Promise<void>;
  readonly access: AccessPolicy;
  /** Hears of every request: its operation or `none`, its status or `aborted`. */
  readonly measure?: (operation: string, status: string, seconds: number) => void;
  readonly refusals: Pick<RefusalLog, 'note'>;
  readonly logger: Logger;
}

/** One request on its way: what is known of it when something fails. */
interface Visit {
  readonly id: string;
  readonly path: EstPath;
  readonly isOpnc: boolean;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  caller?: EstCaller;
}

/** @returns whether the path of the request is one of EST, which is then answered */
export function estDoor(
  door: EstDoor,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const { url = '' } = request;
    const opnc = readOpncPath(url);
    const path = opnc ?? readEstPath(url, door.isLabel);
    if (!path) return false;
    const isOpnc = opnc !== undefined;
    const visit: Visit = { id: randomUUID(), path, isOpnc, request, response };
    observe(door, visit);
    setHeaders(visit);
    answer(door, visit).catch((error: unknown) => sendError(door, visit, error));
    return true;
  };
}

async function answer(door: EstDoor, visit: Visit): Promise<void> {
  const { path, isOpnc, request, response } = visit;
  if (!path.ok) {
    door.limits.takeFromAddress(request.socket.remoteAddress);
    throw path.error;
  }
  const { address } = path;
  const { method, action, handle } = operations[address.operation];
  if (request.method !== method) {
    door.limits.takeFromAddress(request.socket.remoteAddress);
    response.setHeader('Allow', method);
    throw new ServiceError('method-not-allowed', `${address.operation} is asked with ${method}`);
  }
  refusePages(request);
  visit.caller = await callerOf(door, request, action === undefined ? 'other' : 'enrolment');
  const caller = action === undefined ? visit.caller : permitted(door, visit.caller, action);
  const party = isOpnc ? callingParty(request.headers) : undefined;
  if (party && caller.principal) await door.requireOwnParty(caller.principal, party);
  const { label, standard } = address;
  const question = { label, standard, caller };
  const layout = async () => layoutFor(await door.service.label(question), request);
  await handle(door.service, { request, response, address, question, layout });
}

/**
 * The caller in those of its roles that permit the action. Whether a secret or a certificate is
 * enough, the label says.
 */
function permitted(door: EstDoor, caller: EstCaller, action: string): EstCaller {
  const { principal, basic, clientCertificate } = caller;
  if (principal) {
    const acting = inRolesFor(door.access, principal, action);
    if (acting.roles.length > 0) return { ...caller, principal: acting };
    throw new ServiceError('not-permitted', `none of your roles permits ${action}`);
  }
  if (basic || clientCertificate) return caller;
  throw new NotAuthenticated('the request carries no credentials', { reason: 'no-credentials' });
}

/** Those of every answer; libest reads 16 at most, Node's own and those of the answer included. */
function setHeaders({ id, response }: Visit): void {
  response.setHeader('X-Request-Id', id);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('Strict-Transport-Security', 'max-age=31536000');
  response.setHeader('X-Content-Type-Options', 'nosniff');
}

function sendError(door: EstDoor, visit: Visit, error: unknown): void {
  const { id, isOpnc, request, response } = visit;
  // Whoever hangs up in the middle is nothing to report.
  if (response.destroyed || request.errored) return;
  const isKnown = error instanceof ServiceError;
  if (!isKnown) door.logger.error('request-failed', { requestId: id, error });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (isKnown) noteRefusal(door.refusals, error, visit);
  const told = isKnown
    ? error
    : new ServiceError('internal', 'the request failed; the log says why');
  const { status, body, retryAfter } = estError(told, id);
  response.statusCode = status;
  // Of several libest takes the first (3.2.0p): it has no tokens.
  if (status === 401) {
    response.setHeader('WWW-Authenticate', ['Basic realm="evpki"', 'Bearer realm="evpki"']);
  }
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
  if (!request.complete && mayBeLong(request)) response.setHeader('Connection', 'close');
  if (isOpnc) sendJson(response, pncError(told, id).body);
  else sendText(response, isFirstQuestion(error, visit) ? '' : body);
}

/**
 * BouncyCastle (1.87) asks without its password first, and gives up on a challenge that has a body.
 * Those who show what is answered say something of themselves, and get the text.
 */
const isFirstQuestion = (error: unknown, { caller, request }: Visit): boolean =>
  error instanceof NotAuthenticated &&
  error.refusal.reason === 'no-credentials' &&
  caller !== undefined &&
  isSilent(request);

/** One line per request, and its figures, when it is answered; never headers or bodies. */
function observe({ logger, measure }: EstDoor, { id, path, request, response }: Visit): void {
  const started = performance.now();
  response.once('close', () => {
    const milliseconds = performance.now() - started;
    const status = response.writableFinished ? response.statusCode : 'aborted';
    logger.info('request', {
      requestId: id,
      method: request.method,
      path: pathOf(request),
      status,
      milliseconds: Math.floor(milliseconds),
    });
    measure?.(path.ok ? idOf(path.address) : 'none', String(status), milliseconds / 1000);
  });
}

const idOf = ({ operation }: EstAddress): string => operations[operation].id;

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] ?? '';
