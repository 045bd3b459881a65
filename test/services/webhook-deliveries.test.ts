/** When messages are tried again, and when no more; with a clock that is moved. */

import { describe, expect, test } from 'vitest';
import type { ChainedEntry } from '../../src/pki/ledger.ts';
import type { OutboundAnswer } from '../../src/services/outbound.ts';
import { deliverWebhooks } from '../../src/services/webhook-deliveries.ts';
import { webhookEventNames } from '../../src/services/webhook-events.ts';
import type {
  DeliveryOutcome,
  DueDelivery,
  WebhookEndpoint,
  WebhookStore,
} from '../../src/services/webhook-records.ts';

const START = new Date('2026-11-28T12:00:00Z');
const later = (minutes: number) => new Date(START.getTime() + minutes * 60_000);

const endpoint: WebhookEndpoint = {
  ...{ id: 'whk_1', organizationId: 'org', url: 'https://a.example/', createdAt: START },
  ...{ events: webhookEventNames, waiting: 1 },
};
const delivery: DueDelivery = {
  ...{ endpointId: endpoint.id, stream: 's', sequence: 1, body: '{}', event: 'request.waiting' },
  ...{ createdAt: START, url: endpoint.url, organizationId: 'org', attempts: 0 },
};

/** What becomes of an attempt at this time. */
async function outcomeOf(
  answer: OutboundAnswer,
  { attempts = 0, now = START } = {},
): Promise<DeliveryOutcome> {
  const { outcomes } = await run(answer, { due: [{ ...delivery, attempts }], now });
  const [outcome] = outcomes;
  if (!outcome) throw new Error('no outcome');
  return outcome;
}

async function run(
  answer: OutboundAnswer,
  {
    due = [delivery],
    entries = [],
    now = START,
  }: { due?: DueDelivery[]; entries?: ChainedEntry[]; now?: Date } = {},
): Promise<{ next: Date; outcomes: DeliveryOutcome[] }> {
  const outcomes: DeliveryOutcome[] = [];
  const webhooks = {
    listSubscribers: async () => [endpoint],
    streamsBehind: async () => (entries.length > 0 ? [{ stream: 's', after: 0 }] : []),
    enqueue: async () => 'enqueued',
    dueDeliveries: async () => due,
    recordOutcome: async (_: unknown, outcome: DeliveryOutcome) => void outcomes.push(outcome),
  } satisfies Partial<WebhookStore> as unknown as WebhookStore;
  const next = await deliverWebhooks({
    webhooks,
    webhookSecrets: { secretOf: () => 'secret' },
    audit: { readStream: async () => entries },
    askOutbound: async () => answer,
    clock: () => now,
  });
  return { next, outcomes };
}

const answered = (status: number): OutboundAnswer => ({
  ...{ ok: true, status, headers: {}, body: new Uint8Array() },
});

describe('a message', () => {
  test.each([200, 202, 204, 299])('has arrived with %i', async (status) => {
    expect(await outcomeOf(answered(status))).toEqual({ kind: 'delivered', at: START });
  });

  test.each<[OutboundAnswer, string]>([
    [answered(199), 'http-199'],
    [answered(300), 'http-300'],
    [answered(410), 'http-410'],
    [answered(500), 'http-500'],
    [{ ok: false, failure: 'timed-out' }, 'timed-out'],
    [{ ok: false, failure: 'redirected' }, 'redirected'],
  ])('is tried again after %j', async (answer, reason) => {
    expect(await outcomeOf(answer)).toMatchObject({
      ...{ kind: 'failed', at: START, reason, again: later(0.5) },
    });
  });

  test.each([
    [0, 0.5],
    [1, 2],
    [2, 10],
    [3, 30],
    [4, 60],
    [20, 60],
  ])('that failed after %i others is tried again in %d minutes', async (attempts, minutes) => {
    expect(await outcomeOf(answered(500), { attempts })).toMatchObject({ again: later(minutes) });
  });

  test('is given up when its next attempt would come after a day, and the log says so', async () => {
    const now = later(24 * 60 - 59);
    expect(await outcomeOf(answered(500), { attempts: 25, now })).toEqual({
      ...{ kind: 'failed', at: now, reason: 'http-500', again: later(24 * 60 + 1) },
      // All that its endpoint was to hear before: what was made at this moment is not among it.
      giveUpBefore: later(1),
      audit: {
        ...{ at: now, organizationId: 'org', actor: 'evpki' },
        ...{ action: 'webhook.given-up', subject: 'whk_1' },
        details: { reason: 'http-500', before: later(1).toISOString() },
      },
    });
  });
});

describe('the job', () => {
  test('goes on at once while messages arrive, and rests after one that did not', async () => {
    const again = async (answer: OutboundAnswer) => {
      const { next } = await run(answer);
      return next.getTime() - START.getTime();
    };
    expect(await again(answered(204))).toBe(0);
    expect(await again(answered(500))).toBe(2_000);
  });

  test('goes on at once where a stream has more than it has taken', async () => {
    const entries = (count: number) =>
      Array.from(
        { length: count },
        (_, n) => ({ sequence: n + 1, action: 'none' }) as ChainedEntry,
      );
    for (const [count, rest] of [
      [500, 0],
      [499, 2_000],
    ] as const) {
      const { next } = await run(answered(204), { due: [], entries: entries(count) });
      expect(next.getTime() - START.getTime()).toBe(rest);
    }
  });
});
