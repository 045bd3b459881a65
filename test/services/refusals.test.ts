import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/services/audit.ts';
import { createRefusalLog, MAX_KINDS, type Refusal } from '../../src/services/refusals.ts';
import { capture } from '../support/captured-log.ts';

function refusalLog() {
  const events: AuditEvent[] = [];
  const state = { now: Date.parse('2026-11-22T10:00:00Z'), broken: false };
  const { logger, lines } = capture();
  const log = createRefusalLog({
    audit: {
      recordAudit: async (event) => {
        if (state.broken) throw new Error('the database is away');
        events.push(event);
      },
    },
    clock: () => new Date(state.now),
    logger,
  });
  return { log, events, state, lines };
}

const unknownToken: Refusal = { reason: 'token-unknown', address: '192.0.2.1' };

describe('the log of refusals', () => {
  test('the first of a kind has its entry at once, the rest of the minute one more', async () => {
    const { log, events, state } = refusalLog();
    for (let count = 0; count < 1_000; count++) {
      state.now += 50;
      log.note({ ...unknownToken, address: `192.0.2.${count % 7}` });
    }
    expect(events).toHaveLength(1);
    await log.flush();
    expect(events).toHaveLength(1);
    state.now += 10_050;
    await log.flush();
    expect(events.map(({ details }) => details)).toEqual([
      { reason: 'token-unknown', count: 1, addresses: ['192.0.2.0'] },
      {
        reason: 'token-unknown',
        count: 999,
        since: '2026-11-22T10:00:00.050Z',
        addresses: [1, 2, 3, 4, 5].map((last) => `192.0.2.${last}`),
      },
    ]);
    expect(events[1]?.at).toEqual(new Date('2026-11-22T10:00:50.000Z'));
    await log.flush('everything');
    expect(events).toHaveLength(2);
  });

  test('what is counted is written at the end of the process', async () => {
    const { log, events } = refusalLog();
    log.note(unknownToken);
    log.note(unknownToken);
    await log.flush('everything');
    expect(events.map(({ details }) => details.count)).toEqual([1, 1]);
  });

  test('kinds are told apart by who, why and what', async () => {
    const { log, events } = refusalLog();
    const kinds: Refusal[] = [
      { reason: 'secret-wrong', actor: 'client:a', organizationId: 'demo-cpo' },
      { reason: 'secret-wrong', actor: 'client:b', organizationId: 'demo-mo' },
      {
        reason: 'not-permitted',
        actor: 'client:a',
        organizationId: 'demo-cpo',
        operation: 'GET x',
      },
      {
        reason: 'not-permitted',
        actor: 'client:a',
        organizationId: 'demo-cpo',
        operation: 'GET y',
      },
    ];
    for (const kind of [...kinds, ...kinds]) log.note(kind);
    await log.flush();
    expect(
      events.map(({ organizationId, actor, subject }) => [organizationId, actor, subject]),
    ).toEqual([
      ['demo-cpo', 'client:a', '-'],
      ['demo-mo', 'client:b', '-'],
      ['demo-cpo', 'client:a', 'GET x'],
      ['demo-cpo', 'client:a', 'GET y'],
    ]);
  });

  test('however many kinds there are, a minute has a bounded number of entries', async () => {
    const { log, events, state } = refusalLog();
    for (let count = 0; count < 10_000; count++) {
      log.note({
        reason: 'not-permitted',
        actor: `client:${count % 500}`,
        operation: `GET ${count}`,
      });
    }
    state.now += 60_000;
    await log.flush();
    // Each kind has had one at once; those beyond have one together, and one that counts the rest.
    expect(events).toHaveLength(MAX_KINDS + 2);
    expect(events.at(-1)).toMatchObject({
      actor: 'unknown',
      subject: '-',
      details: { reason: 'not-permitted', count: 10_000 - MAX_KINDS - 1 },
    });
  });

  test('a database that is away turns nobody in, and is told in the log', async () => {
    const { log, events, state, lines } = refusalLog();
    state.broken = true;
    log.note(unknownToken);
    await log.flush('everything');
    expect(events).toEqual([]);
    expect(lines.join('')).toContain('refusal-not-recorded');
  });
});
