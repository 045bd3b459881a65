/**
 * The time at which something is signed. What is out already says when it was made, so a clock that
 * has gone back must not sign: an older CRL would replace a newer one, a stale `good` would look
 * fresh. How far the clock has come is noted in the database, and holds across restarts and for all
 * processes (docs/adr/0012-clocks-that-go-back.md).
 */

import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { Logger } from './logger.ts';

export interface ClockMarkStore {
  /** The latest time that any process has noted. */
  findMark(): Promise<Date | undefined>;
  /** Notes a time unless a later one is noted. @returns the latest one */
  note(time: Date): Promise<Date>;
  /**
   * Goes back to an earlier time.
   * @returns false, and nothing is changed, when the latest time is not `from` any more
   */
  putBack(command: {
    readonly from: Date;
    readonly to: Date;
    readonly audit: AuditEvent;
  }): Promise<boolean>;
}

export interface SigningTimeParts {
  readonly clockMark: ClockMarkStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The time now, for what is about to be signed.
 * @throws ServiceError `clock-went-back` when something was signed at a later time already
 */
export type SigningTime = () => Promise<Date>;

/** How far clocks of several processes, or one that is being set, may differ. */
const TOLERANCE_MILLISECONDS = 5_000;
/** So far behind the note in the database may be: what is signed meanwhile costs no write. */
const NOTED_EVERY_MILLISECONDS = 10_000;

export function createSigningTime({ clockMark, clock, logger }: SigningTimeParts): SigningTime {
  let latest = Number.NEGATIVE_INFINITY;
  let noted = Number.NEGATIVE_INFINITY;
  let noting: Promise<void> | undefined;

  const note = async (now: Date): Promise<void> => {
    const mark = await clockMark.note(now);
    latest = Math.max(latest, mark.getTime());
    noted = Math.max(noted, now.getTime());
  };

  const requireForward = (now: Date): void => {
    if (!isBehind(now, latest)) return;
    const details = { now: now.toISOString(), latest: new Date(latest).toISOString() };
    logger.error('clock-went-back', details);
    throw wentBack(now, new Date(latest));
  };

  return async () => {
    const now = clock();
    requireForward(now);
    while (now.getTime() - noted >= NOTED_EVERY_MILLISECONDS) {
      // Before the signature, and once for all who wait: what is out was noted first.
      noting ??= note(now).finally(() => {
        noting = undefined;
      });
      await noting;
      // Another process may have come further.
      requireForward(now);
    }
    latest = Math.max(latest, now.getTime());
    return now;
  };
}

/**
 * Looks at the clock before anything is started with it.
 * @param putBack the latest time noted, given by an operator who knows that the clock was wrong
 *   then and is right now; any other time changes nothing
 * @throws ServiceError `clock-went-back`
 */
export async function checkClock(
  { clockMark, clock, logger }: SigningTimeParts,
  organizationId: string,
  putBack?: string,
): Promise<void> {
  const mark = await clockMark.findMark();
  const now = clock();
  if (!mark || !isBehind(now, mark.getTime())) return;
  if (putBack === undefined || Date.parse(putBack) !== mark.getTime()) throw wentBack(now, mark);
  const details = { from: mark.toISOString(), to: now.toISOString() };
  const isDone = await clockMark.putBack({
    from: mark,
    to: now,
    audit: {
      at: now,
      organizationId,
      actor: 'evpki',
      action: 'clock.put-back',
      subject: 'clock',
      details,
    },
  });
  if (!isDone) throw wentBack(now, (await clockMark.findMark()) ?? mark);
  logger.warn('clock-put-back', details);
}

const isBehind = (now: Date, latest: number): boolean =>
  now.getTime() < latest - TOLERANCE_MILLISECONDS;

const wentBack = (now: Date, latest: Date): ServiceError =>
  new ServiceError(
    'clock-went-back',
    `the clock says ${now.toISOString()}, but something was signed at ${latest.toISOString()}; ` +
      `if the clock was wrong then and is right now, start with ` +
      `EVPKI_CLOCK_PUT_BACK=${latest.toISOString()}`,
  );
