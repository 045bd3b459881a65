/** `Idempotency-Key` on operations that make something: the answer is held back until it is kept. */

import type { Request, Response } from 'express';
import type { Json } from '../../pki/canonical-json.ts';
import { type ErrorCode, errorCodes, ServiceError } from '../../services/errors.ts';
import { type IdempotencyParts, type Outcome, once } from '../../services/idempotency.ts';
import type { KeptAnswer } from '../../services/idempotency-records.ts';
import type { Handler } from './operations.ts';
import { asServiceError, PROBLEM_TYPE, problemText } from './problems.ts';
import { untilGone } from './until-gone.ts';

/** Not decided yet: the request on record waits, and the same one finds it, or what it became. */
const ACCEPTED = 202;
/**
 * Says nothing about the request: the same one may be answered otherwise a moment later. A 409 is
 * about the state of something else (RFC 9110 15.5.10): what is being worked on gets done, a hold is
 * lifted, an authority activated.
 */
const passing: readonly number[] = [401, 403, 408, 409, 429];
/** Likewise, whatever their status: somebody else registers the vehicle a moment later. */
const passingCodes: ReadonlySet<ErrorCode> = new Set(['vehicle-unknown']);

/**
 * A handler that does its work once for each key of a caller.
 * @param secrets the members that are said once: they are kept of no answer, and of no request do
 *   they count for whether it is the same
 */
export function onceForEachKey(
  parts: IdempotencyParts,
  operation: string,
  secrets: ReadonlySet<string>,
  handle: Handler,
): Handler {
  return async (request, response, principal) => {
    const key = request.get('idempotency-key');
    // The bootstrap secret is not proven before its handler has looked, and works once anyway.
    if (key === undefined || principal.actor === 'bootstrap') {
      await handle(request, response, principal);
      return;
    }
    // A hash of a passphrase would let whoever reads the database try out passphrases.
    const body = JSON.parse(withoutSecrets(JSON.stringify(request.body ?? null), secrets));
    const asked = { path: request.path, query: request.query, body } as Json;
    const held = holdBack(response);
    let kept: KeptAnswer | undefined;
    try {
      kept = await once(
        parts,
        { principal: principal.actor, operation, key, asked },
        async (): Promise<Outcome> => {
          try {
            await handle(request, response, principal);
          } catch (error) {
            const problem = problemOutcome(request, error);
            if (!problem) throw error;
            held.failed(error);
            return problem;
          }
          return outcomeOf(response, held.body(), secrets);
        },
        untilGone(response),
      );
    } finally {
      held.letGo();
    }
    if (kept) repeat(response, kept);
    // Sends nothing where the caller did not wait for another's answer.
    else held.send();
  };
}

/** What a refusal leads to; undefined for what is no answer to this request. */
function problemOutcome(request: Request, error: unknown): Outcome | undefined {
  const known = asServiceError(error);
  if (!known) return undefined;
  const { http: status } = errorCodes[known.code];
  if (!isDecision(status) || passingCodes.has(known.code)) return undefined;
  const body = problemText(request, known);
  return { keep: true, answer: { status, contentType: PROBLEM_TYPE, body } };
}

function outcomeOf(
  response: Response,
  body: string | undefined,
  secrets: ReadonlySet<string>,
): Outcome {
  const status = response.statusCode;
  const location = response.get('location');
  const contentType = response.get('content-type');
  const said = body && contentType?.includes('json') ? withoutSecrets(body, secrets) : body;
  return {
    // What was streamed is gone.
    keep: !response.headersSent && isDecision(status),
    answer: {
      status,
      ...(location === undefined ? {} : { location }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(said === undefined ? {} : { body: said }),
    },
  };
}

const isDecision = (status: number): boolean =>
  status < 500 && status !== ACCEPTED && !passing.includes(status);

function withoutSecrets(json: string, secrets: ReadonlySet<string>): string {
  return JSON.stringify(
    JSON.parse(json, (name, value: unknown) => (secrets.has(name) ? undefined : value)),
  );
}

function repeat(response: Response, answer: KeptAnswer): void {
  if (answer.withoutBody) {
    const where = answer.location === undefined ? '' : `; see ${answer.location}`;
    throw new ServiceError(
      'answer-not-kept',
      `the first call was answered ${answer.status}${where}`,
    );
  }
  response.status(answer.status).set('Idempotency-Replayed', 'true');
  if (answer.location !== undefined) response.location(answer.location);
  if (answer.contentType !== undefined) response.set('Content-Type', answer.contentType);
  response.end(answer.body);
}

/** Keeps what a handler sends until it is known whether it may go out. */
function holdBack(response: Response) {
  const { end } = response;
  let chunk: unknown;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  response.end = ((body?: unknown) => {
    chunk = body;
    ended = true;
    return response;
  }) as Response['end'];
  return {
    body: (): string | undefined => {
      if (chunk instanceof Uint8Array) return Buffer.from(chunk).toString();
      return typeof chunk === 'string' ? chunk : undefined;
    },
    failed: (error: unknown) => {
      failure = { error };
    },
    letGo: () => {
      response.end = end;
    },
    /** Sends what was held back, or throws what the handler has thrown. */
    send: () => {
      if (failure) throw failure.error;
      if (ended) response.end(chunk);
    },
  };
}
