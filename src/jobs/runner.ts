/**
 * Runs leased jobs: what one process at a time has to do again and again. Jobs are rows, so that
 * whichever process is alive does them; a process that dies in the middle loses its lease.
 */

import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import type { Job, JobStore } from '../services/revocation-records.ts';

/** Does one job; says when it is due again. */
export type JobHandler = (subject: string) => Promise<Date>;

export interface RunnerParts {
  readonly store: JobStore;
  /** By the part of a job's name before the colon. */
  readonly handlers: Readonly<Record<string, JobHandler>>;
  readonly clock: Clock;
  readonly processId: string;
  readonly logger: Logger;
}

const LEASE_MILLISECONDS = 120_000;
const JOBS_AT_ONCE = 4;
const RETRY_MILLISECONDS = 10_000;
/** A job that is always due would keep the others waiting, and the process from ending. */
const SHORTEST_REST_MILLISECONDS = 1_000;

let rounds = 0;

/**
 * Does the jobs that are due now.
 * @returns how many were done
 */
export async function runDueJobs(parts: RunnerParts): Promise<number> {
  const now = parts.clock();
  // A name of its own for each round: a job that outlived its lease must not end the next one's.
  const owner = `${parts.processId}/${++rounds}`;
  const lease = { owner, until: new Date(now.getTime() + LEASE_MILLISECONDS) };
  const jobs = await parts.store.claim(now, lease, JOBS_AT_ONCE);
  // All of them are done when this returns: the database may be closed then.
  const results = await Promise.allSettled(jobs.map((job) => run(parts, job, owner)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return jobs.length;
}

async function run(parts: RunnerParts, { name }: Job, owner: string): Promise<void> {
  const [kind = '', subject = ''] = name.split(':', 2);
  let nextDueAt: Date;
  try {
    const handler = parts.handlers[kind];
    if (!handler) throw new Error(`no handler for jobs of kind ${kind}`);
    nextDueAt = await handler(subject);
  } catch (error) {
    parts.logger.error('job-failed', { job: name, error });
    nextDueAt = new Date(parts.clock().getTime() + RETRY_MILLISECONDS);
  }
  const soonest = new Date(parts.clock().getTime() + SHORTEST_REST_MILLISECONDS);
  await parts.store.release(name, owner, nextDueAt < soonest ? soonest : nextDueAt);
}
