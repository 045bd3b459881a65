import type { Response } from 'express';

/** Aborted when the caller has gone away and nobody waits for the answer. */
export function untilGone(response: Response): AbortSignal {
  const gone = new AbortController();
  // Somebody may have left while it was found out who they are.
  if (response.destroyed) gone.abort();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
