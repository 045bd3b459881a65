/**
 * Responders that cannot be reached, each left alone for a while: whoever needs one waits for it
 * once, not every time (docs/adr/0034-responders-that-rest.md). In memory, of each process.
 */

/** After the first question that nobody answered; twice as long after each further one. */
const FIRST_MILLISECONDS = 5_000;
/** How long a responder that is there again may go without being asked. */
const LONGEST_MILLISECONDS = 60_000;
/** The host that has rested longest makes room: it is asked again then, no more. */
const MAX_HOSTS = 100;

interface Rest {
  readonly since: number;
  readonly until: number;
  /** Somebody has been let through after the end of it, and has no answer yet. */
  readonly tried?: true;
}

/** What a question has to say that was let through: whether anybody has answered, if it knows. */
export type QuestionEnded = (now: Date, wasReached: boolean | undefined) => void;

/** Whichever way the clock has gone: before its beginning it is over, too. */
const isIn = ({ since, until }: Rest, at: number): boolean => since <= at && at < until;

export interface ResponderRests {
  /**
   * Asks to be let through to a host.
   * @param isFresh whoever has to know is let through always
   * @returns undefined while it rests; when that is over one question is let through at first
   */
  begin(host: string, now: Date, isFresh: boolean): QuestionEnded | undefined;
}

export function createResponderRests(): ResponderRests {
  const rests = new Map<string, Rest>();

  function ended(host: string, begun: number, at: number, wasReached?: boolean): void {
    const rest = rests.get(host);
    if (wasReached) return void rests.delete(host);
    if (wasReached === undefined) {
      if (rest) rests.set(host, { since: rest.since, until: rest.until });
      return;
    }
    // Of those who waited together the first has said it for all.
    if (rest && !rest.tried && begun < rest.until) return;
    const length = rest ? Math.min(2 * (rest.until - rest.since), LONGEST_MILLISECONDS) : 0;
    rests.delete(host);
    rests.set(host, { since: at, until: at + Math.max(length, FIRST_MILLISECONDS) });
    const [oldest] = rests.keys();
    if (rests.size > MAX_HOSTS && oldest !== undefined) rests.delete(oldest);
  }

  return {
    begin(host, now, isFresh) {
      const begun = now.getTime();
      const rest = rests.get(host);
      if (rest && !isFresh) {
        if (rest.tried || isIn(rest, begun)) return undefined;
        rests.set(host, { ...rest, tried: true });
      }
      return (at, wasReached) => ended(host, begun, at.getTime(), wasReached);
    },
  };
}
