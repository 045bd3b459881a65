/** The clock that signs: forward only, across restarts and for all processes. */

import { beforeEach, describe, expect, test } from 'vitest';
import { checkClock, createSigningTime } from '../../src/services/signing-time.ts';
import { capture } from '../support/captured-log.ts';

const start = new Date('2026-11-22T10:00:00.123Z');
const at = (seconds: number) => new Date(start.getTime() + seconds * 1_000);

/** The database: what has been noted in it, and how often. */
let stored: { latest: Date | undefined; notes: number; isGone: boolean; audited: unknown[] };
let noteArrived: () => void;
let noteMayEnd: Promise<void>;

beforeEach(() => {
  stored = { latest: undefined, notes: 0, isGone: false, audited: [] };
  noteArrived = () => undefined;
  noteMayEnd = Promise.resolve();
});

const clockMark = {
  findMark: async () => stored.latest,
  note: async (time: Date) => {
    if (stored.isGone) throw new Error('the database is gone');
    noteArrived();
    await noteMayEnd;
    stored.notes += 1;
    if (stored.latest === undefined || stored.latest < time) stored.latest = time;
    return stored.latest;
  },
  putBack: async ({ from, to, audit }: { from: Date; to: Date; audit: unknown }) => {
    if (stored.latest?.getTime() !== from.getTime()) return false;
    stored.latest = to;
    stored.audited.push(audit);
    return true;
  },
};

/** A process with a clock of its own. */
function newProcess(seconds = 0) {
  const time = { seconds };
  const log = capture('debug');
  const parts = { clockMark, clock: () => at(time.seconds), logger: log.logger };
  return {
    time,
    log: log.lines,
    signingTime: createSigningTime(parts),
    check: (putBack?: string) => checkClock(parts, 'instance', putBack),
  };
}

const wentBack = expect.objectContaining({ code: 'clock-went-back' });

describe('O6 the clock goes back', () => {
  test.each([
    [-5, 'signs'],
    [-5.001, 'refuses'],
    [-3_600, 'refuses'],
  ])('while the process runs, by %d s: it %s', async (seconds, outcome) => {
    const one = newProcess();
    expect(await one.signingTime()).toEqual(at(0));
    one.time.seconds = seconds;
    if (outcome === 'signs') expect(await one.signingTime()).toEqual(at(seconds));
    else await expect(one.signingTime()).rejects.toEqual(wentBack);
    expect(one.log.join('').includes('"event":"clock-went-back"')).toBe(outcome === 'refuses');
  });

  test('it recovers by itself when the clock is right again', async () => {
    const one = newProcess();
    await one.signingTime();
    one.time.seconds = -60;
    await expect(one.signingTime()).rejects.toEqual(wentBack);
    one.time.seconds = 1;
    expect(await one.signingTime()).toEqual(at(1));
  });

  test('across a restart: the next process refuses before and after its start', async () => {
    await newProcess().signingTime();
    const next = newProcess(-60);
    await expect(next.check()).rejects.toEqual(wentBack);
    await expect(next.signingTime()).rejects.toEqual(wentBack);
    expect(stored.latest).toEqual(at(0));
    next.time.seconds = 0;
    await next.check();
    expect(await next.signingTime()).toEqual(at(0));
  });

  test('in one of two processes: what the other has noted counts for it, from the first time on', async () => {
    const [ahead, behind] = [newProcess(600), newProcess(0)];
    await ahead.signingTime();
    await expect(behind.signingTime()).rejects.toEqual(wentBack);
  });

  test('little by little: the tolerance does not add up', async () => {
    const one = newProcess();
    await one.signingTime();
    one.time.seconds = -4;
    await one.signingTime();
    one.time.seconds = -8;
    await expect(one.signingTime()).rejects.toEqual(wentBack);
  });
});

describe('O6 what is noted', () => {
  test('nothing is signed before the time is noted, however many ask', async () => {
    let open = () => {};
    const arrived = new Promise<void>((resolve) => {
      noteArrived = resolve;
    });
    noteMayEnd = new Promise<void>((resolve) => {
      open = resolve;
    });
    const one = newProcess();
    const signed: Date[] = [];
    const all = Array.from({ length: 10 }, async () => signed.push(await one.signingTime()));
    await arrived;
    expect(signed).toEqual([]);
    open();
    await Promise.all(all);
    expect(signed).toHaveLength(10);
    expect(stored).toMatchObject({ latest: at(0), notes: 1 });
  });

  test('is written every ten seconds at most, and is never more than that behind', async () => {
    const one = newProcess();
    for (let tenth = 0; tenth < 600; tenth++) {
      one.time.seconds = tenth / 10;
      const now = await one.signingTime();
      expect(now.getTime() - (stored.latest?.getTime() ?? 0)).toBeLessThan(10_000);
    }
    expect(stored.notes).toBe(6);
  });

  test('a database that cannot be written to lets nothing be signed', async () => {
    const one = newProcess();
    stored.isGone = true;
    await expect(one.signingTime()).rejects.toThrow('the database is gone');
    stored.isGone = false;
    expect(await one.signingTime()).toEqual(at(0));
  });
});

describe('O6 a clock that was wrong before is put back', () => {
  const wrong = at(86_400 * 365);
  beforeEach(() => {
    stored.latest = wrong;
  });

  test('by the time that the refusal names, once, with an audit entry', async () => {
    const one = newProcess();
    const refusal = await one.check().catch((error: Error) => error.message);
    expect(refusal).toContain(`EVPKI_CLOCK_PUT_BACK=${wrong.toISOString()}`);
    await one.check(wrong.toISOString());
    expect(stored).toMatchObject({
      latest: at(0),
      audited: [{ action: 'clock.put-back', details: { from: wrong.toISOString() } }],
    });
    expect(await one.signingTime()).toEqual(at(0));
    // Left in the environment it does nothing: a clock that goes back later is noticed.
    const later = newProcess(-600);
    await expect(later.check(wrong.toISOString())).rejects.toEqual(wentBack);
  });

  test.each([
    ['another time', at(86_400 * 366).toISOString()],
    ['no time', 'yesterday'],
  ])('not by %s', async (_, putBack) => {
    await expect(newProcess().check(putBack)).rejects.toEqual(wentBack);
    expect(stored).toMatchObject({ latest: wrong, audited: [] });
  });

  test('and means nothing where the clock is right', async () => {
    const one = newProcess(86_400 * 365 + 1);
    await one.check(wrong.toISOString());
    expect(stored).toMatchObject({ latest: wrong, audited: [] });
  });
});
