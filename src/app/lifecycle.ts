/** What a running evpki does besides answering: doing things again and again, and ending well. */

import type { Listener } from '../http/listener.ts';
import type { Logger } from '../services/logger.ts';

const DRAIN_MILLISECONDS = 8_000;

/**
 * Runs a task again and again, never twice at once; a failure is logged and the next turn comes.
 * @returns stops, after the run that is under way
 */
export function every(
  milliseconds: number,
  task: () => Promise<void>,
  logger: Logger,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= task()
      .catch((error: unknown) => logger.error('task-failed', { error }))
      .finally(() => {
        running = undefined;
      });
  }, milliseconds);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** Closes a listener; what has not finished when the time is up is ended. */
export async function drain(listener: Listener, logger: Logger): Promise<void> {
  const deadline = setTimeout(() => {
    logger.warn('requests-cut-off', { port: listener.address.port });
    listener.abort();
  }, DRAIN_MILLISECONDS);
  await listener.close();
  clearTimeout(deadline);
}
