/**
 * Doing once what is asked several times under one `Idempotency-Key`: the first call does it, the
 * others get its answer. The database decides who is first, whichever process they came to; who
 * dies at work loses the key when its lease ends (docs/adr/0010-idempotency-keys.md).
 */

import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../pki/canonical-json.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { KeyLimit } from './idempotency-limit.ts';
import type { IdempotencyStore, KeptAnswer, KeyScope } from './idempotency-records.ts';
import type { Logger } from './logger.ts';
import type { RandomBytes } from './serial-numbers.ts';

export interface IdempotencyParts {
  readonly idempotency: IdempotencyStore;
  readonly keyLimit: KeyLimit;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

export interface KeyedCall {
  /** As audit entries name it. */
  readonly principal: string;
  /** The operationId. */
  readonly operation: string;
  readonly key: string;
  /** All that the answer depends on: path, query and body. */
  readonly asked: Json;
}

const HOURS_KEPT = 24;
/** Longer than any operation takes; the call of a dead process can be repeated after it. */
const LEASE_MILLISECONDS = 120_000;
/** How long a repeated call waits for the first one: some 20 s. */
const POLLS = 120;
const SHORTEST_POLL_MILLISECONDS = 20;
const LONGEST_POLL_MILLISECONDS = 200;
/** Characters of the largest body that is kept: ten times the largest that is usual. */
const MAX_KEPT_BODY = 128 * 1024;

/** What a call led to: an answer, and whether it is one that the same call would get again. */
export interface Outcome {
  readonly answer: KeptAnswer;
  readonly keep: boolean;
}

/**
 * Runs a call unless it was run before under the same key.
 * @param run does what was asked; what it throws is thrown on, and gives the key back
 * @param gone aborted when the caller waits no longer: that ends the wait for another call, and
 *   leaves `run` alone once it has begun
 * @returns the kept answer of an earlier call; undefined when `run` has done it, or nobody waits
 * @throws ServiceError `idempotency-key-reused` when the key came with another request,
 *   `idempotency-key-in-use` while the first call is still being worked on,
 *   `idempotency-keys-used-up` as `KeyLimit`
 */
export async function once(
  parts: IdempotencyParts,
  call: KeyedCall,
  run: () => Promise<Outcome>,
  gone: AbortSignal,
): Promise<KeptAnswer | undefined> {
  const scope: KeyScope = {
    principal: call.principal,
    operation: call.operation,
    keySha256: sha256(call.key),
  };
  const requestSha256 = sha256(canonicalJson(call.asked));
  const owner = Buffer.from(parts.random(12)).toString('hex');
  for (let poll = 0; poll < POLLS; poll++) {
    const now = parts.clock();
    const found = await parts.idempotency.findKey(scope, now);
    if (found && found.requestSha256 !== requestSha256) {
      throw new ServiceError(
        'idempotency-key-reused',
        'the key was sent with another path, query or body before',
      );
    }
    if (found?.answer) return found.answer;
    if (found?.leaseUntil && found.leaseUntil > now) {
      await pause(poll);
      if (gone.aborted) return undefined;
      continue;
    }
    if (!found) await parts.keyLimit.take(call.principal);
    const taken = await parts.idempotency.takeKey({
      scope,
      requestSha256,
      lease: { owner, until: new Date(now.getTime() + LEASE_MILLISECONDS) },
      now,
      expiresAt: new Date(now.getTime() + HOURS_KEPT * 3_600_000),
    });
    if (taken === 'taken') {
      await runAs(parts, scope, owner, run);
      return undefined;
    }
    if (!found) parts.keyLimit.giveBack(call.principal);
  }
  throw new ServiceError('idempotency-key-in-use', 'the first request with it is not done yet');
}

async function runAs(
  parts: IdempotencyParts,
  scope: KeyScope,
  owner: string,
  run: () => Promise<Outcome>,
): Promise<void> {
  // What was done is done: failing to remember it must not make a failure of it.
  const note = (what: Promise<unknown>) =>
    what.catch((error: unknown) => {
      parts.logger.error('idempotency-key-not-settled', { operation: scope.operation, error });
    });
  const release = async () => {
    await note(parts.idempotency.releaseKey(scope, owner));
    parts.keyLimit.giveBack(scope.principal);
  };
  let outcome: Outcome;
  try {
    outcome = await run();
  } catch (error) {
    await release();
    throw error;
  }
  if (!outcome.keep) {
    await release();
    return;
  }
  const answer = withinSize(outcome.answer);
  await note(
    parts.idempotency.keepAnswer(scope, owner, answer).then((kept) => {
      if (kept === 'lease-lost') {
        parts.logger.warn('idempotency-lease-lost', { operation: scope.operation });
      }
    }),
  );
}

function withinSize(answer: KeptAnswer): KeptAnswer {
  if (answer.body === undefined || answer.body.length <= MAX_KEPT_BODY) return answer;
  const { body: _, ...rest } = answer;
  return { ...rest, withoutBody: true };
}

const pause = (poll: number) =>
  new Promise<void>((resolve) => {
    const milliseconds = SHORTEST_POLL_MILLISECONDS * (poll + 1);
    setTimeout(resolve, Math.min(milliseconds, LONGEST_POLL_MILLISECONDS));
  });

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
