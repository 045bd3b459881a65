/** When messages are tried again, and when no more; with a clock that is moved. */

import { describe, expect, test } from 'vitest';
import type { ChainedEntry } from '../../src/pki/ledger.ts';
import type { Logger } from '../../src/services/logger.ts';
import type { OutboundAnswer } from '../../src/services/outbound.ts';
import { rootIdOf } from '../../src/services/root-pool.ts';
import { deliverWebhooks } from '../../src/services/webhook-deliveries.ts';
import { webhookEventNames } from '../../src/services/webhook-events.ts';
import type {
  DeliveryOutcome,
  DueDelivery,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookStore,
} from '../../src/services/webhook-records.ts';
import { capture } from '../support/captured-log.ts';

const START = new Date('2026-11-28T12:00:00Z');
const later = (minutes: number) => new Date(START.getTime() + minutes * 60_000);

const endpoint: WebhookEndpoint = {
  ...{ id: 'whk_1', organizationId: 'org', url: 'https://a.example/secret', createdAt: START },
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
    logger = capture().logger,
    subscribers = [endpoint],
  }: {
    due?: DueDelivery[];
    entries?: ChainedEntry[];
    now?: Date;
    logger?: Logger;
    subscribers?: WebhookEndpoint[];
  } = {},
): Promise<{ next: Date; outcomes: DeliveryOutcome[]; enqueued: WebhookDelivery[] }> {
  const outcomes: DeliveryOutcome[] = [];
  const enqueued: WebhookDelivery[] = [];
  const webhooks = {
    listSubscribers: async () => subscribers,
    streamsBehind: async () => (entries.length > 0 ? [{ stream: 's', after: 0 }] : []),
    enqueue: async ({ deliveries }) => {
      enqueued.push(...deliveries);
      return 'enqueued';
    },
    dueDeliveries: async () => due,
    recordOutcome: async (_: unknown, outcome: DeliveryOutcome) => void outcomes.push(outcome),
  } satisfies Partial<WebhookStore> as unknown as WebhookStore;
  const next = await deliverWebhooks({
    webhooks,
    webhookSecrets: { secretOf: () => 'secret' },
    audit: { readStream: async () => entries },
    askOutbound: async () => answer,
    clock: () => now,
    logger,
  });
  return { next, outcomes, enqueued };
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
    [{ ok: false, failure: 'tls-failed' }, 'tls-failed'],
    [{ ok: false, failure: 'unreachable' }, 'unreachable'],
  ])('is tried again after %j', async (answer, reason) => {
    expect(await outcomeOf(answer)).toMatchObject({
      ...{ kind: 'failed', at: START, reason, again: later(0.5) },
    });
  });

  test.each(['host-unknown', 'address-not-public', 'unreachable'] as const)(
    'W7 that failed as %s tells its owner no more than that it failed, and the log which it was',
    async (failure) => {
      const log = capture();
      const { outcomes } = await run({ ok: false, failure }, { logger: log.logger });
      expect(outcomes).toMatchObject([
        { reason: 'unreachable', audit: { details: { reason: 'unreachable' } } },
      ]);
      const [line] = log.lines.map((text) => JSON.parse(text));
      expect(line).toMatchObject({
        ...{ event: 'webhook-failed', endpoint: endpoint.id, host: 'a.example', reason: failure },
      });
      expect(JSON.stringify(line)).not.toContain('secret');
    },
  );

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

describe('who hears of what', () => {
  const SHA256 = 'ab'.repeat(32);
  const [mine, theirs] = [
    { ...endpoint, id: 'whk_mine' },
    { ...endpoint, id: 'whk_theirs', organizationId: 'others' },
  ];
  const entry = (action: string, details: object): ChainedEntry => ({
    ...({
      stream: 's',
      sequence: 7,
      action,
      organizationId: 'org',
      subject: 'crt_1',
    } as ChainedEntry),
    ...{ at: later(1).toISOString(), details: JSON.stringify(details) },
  });
  const told = async (one: ChainedEntry, subscribers: WebhookEndpoint[] = [mine, theirs]) => {
    const { enqueued } = await run(answered(204), { due: [], entries: [one], subscribers });
    return Object.fromEntries(
      enqueued.map(({ endpointId, event, body }) => [
        endpointId,
        { ...JSON.parse(body), header: event },
      ]),
    );
  };
  const root = { rootType: 'V2G', sha256: SHA256, name: 'CN=V2G Root' };

  test.each([
    ['certificate.issued', 'root.cert.added'],
    ['certificate.revoked', 'root.cert.revoked'],
    ['root-certificate.expired', 'root.cert.expired'],
  ])(
    'everybody of %s of a root that all pools list, and no more than pools say',
    async (action, event) => {
      const details = { ...root, issuer: 'iss', serial: '1', reason: 'keyCompromise' };
      const common = { id: 's/7', event, header: event, occurredAt: later(1).toISOString() };
      expect(await told(entry(action, details))).toEqual({
        whk_mine: { ...common, organization: 'org', subject: 'crt_1', details },
        whk_theirs: {
          ...{ ...common, organization: 'others', subject: rootIdOf(SHA256), details: root },
        },
      });
    },
  );

  test.each([
    ['of a private environment', { ...root, rootType: 'PE' }],
    ['of any other authority', { issuer: 'iss', serial: '1' }],
    ['of a root that no pool lists', { sha256: SHA256, name: 'CN=Depot' }],
  ])('nobody else %s', async (_, details) => {
    const heard = await told(entry('certificate.revoked', details));
    expect(Object.keys(heard)).toEqual(['whk_mine']);
  });

  test('nobody else of what an organization does with roots that it has imported', async () => {
    for (const what of ['imported', 'removed', 'expired']) {
      const heard = await told(entry(`trust-anchor.${what}`, root));
      expect(Object.keys(heard)).toEqual(['whk_mine']);
    }
  });

  test('an entry is told once, by the name that says most of those that are heard', async () => {
    const only = (events: WebhookEndpoint['events']) => [{ ...mine, events }];
    const revoked = entry('certificate.revoked', root);
    const event = async (...events: WebhookEndpoint['events']) =>
      (await told(revoked, only(events))).whk_mine?.event;
    expect(await event('certificate.revoked', 'root.cert.revoked')).toBe('root.cert.revoked');
    expect(await event('certificate.revoked')).toBe('certificate.revoked');
    expect(await event('root.cert.added')).toBeUndefined();
  });

  test('nobody of what was before', async () => {
    const young = { ...theirs, createdAt: later(2) };
    expect(await told(entry('certificate.revoked', root), [young])).toEqual({});
  });

  test.each([
    ['vehicle.reregistered', 'mo.prov.cert.updated'],
    ['vehicle.deregistered', 'mo.prov.cert.deleted'],
  ])('the operator of a contract of %s', async (action, event) => {
    const details = { pcid: 'DEMP1', standard: 'iso15118-2', contracts: ['con_1'] };
    const heard = await told(entry(action, details));
    expect(Object.keys(heard)).toEqual(['whk_mine']);
    expect(heard.whk_mine).toMatchObject({ event, details });
  });
});
