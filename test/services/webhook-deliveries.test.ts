/** When messages are tried again, and when no more; with a clock that is moved. */

import { describe, expect, test } from 'vitest';
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
  const outcomes: DeliveryOutcome[] = [];
  const webhooks = {
    listEndpoints: async () => [endpoint],
    streamsBehind: async () => [],
    dueDeliveries: async () => [{ ...delivery, attempts }],
    recordOutcome: async (_: unknown, outcome: DeliveryOutcome) => void outcomes.push(outcome),
  } satisfies Partial<WebhookStore> as unknown as WebhookStore;
  await deliverWebhooks({
    webhooks,
    webhookSecrets: { secretOf: () => 'secret' },
    audit: { readStream: async () => [] },
    askOutbound: async () => answer,
    clock: () => now,
  });
  const [outcome] = outcomes;
  if (!outcome) throw new Error('no outcome');
  return outcome;
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
    expect(await outcomeOf(answer)).toEqual({
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
    const day = 24 * 60;
    const last = await outcomeOf(answered(500), { attempts: 25, now: later(day - 60) });
    expect(last).toMatchObject({ kind: 'failed', again: later(day) });
    expect(await outcomeOf(answered(500), { attempts: 25, now: later(day - 59) })).toEqual({
      ...{ kind: 'failed', at: later(day - 59), reason: 'http-500', again: undefined },
      audit: {
        ...{ at: later(day - 59), organizationId: 'org', actor: 'evpki' },
        ...{ action: 'webhook.given-up', subject: 'whk_1' },
        details: { message: 's/1', event: 'request.waiting', reason: 'http-500', attempts: 26 },
      },
    });
  });
});
