/**
 * Delivering webhook messages. They are taken out of the audit log, stream by stream, and stay in
 * the database until their endpoint has answered 2xx or has failed to for a day: at least once,
 * not always in order. Each is signed with HMAC-SHA256 over its body.
 */

import { createHmac } from 'node:crypto';
import type { ChainedEntry } from '../pki/ledger.ts';
import type { AuditEvent } from './audit.ts';
import type { AuditStore } from './audit-records.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { AskOutbound, OutboundAnswer, OutboundFailure } from './outbound.ts';
import {
  isToldOf,
  publicTellingOf,
  type WebhookEventName,
  webhookEventsOf,
} from './webhook-events.ts';
import type {
  DeliveryOutcome,
  DueDelivery,
  NewWebhookEndpoint,
  WebhookDelivery,
  WebhookSecrets,
  WebhookStore,
} from './webhook-records.ts';

export interface WebhookDeliveryParts {
  readonly webhooks: WebhookStore;
  readonly webhookSecrets: WebhookSecrets;
  readonly audit: Pick<AuditStore, 'readStream'>;
  readonly askOutbound: AskOutbound;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The job that does it. */
export const WEBHOOKS_JOB = 'webhooks';

const REST_MILLISECONDS = 2_000;
const ENTRIES_AT_ONCE = 500;
const DELIVERIES_AT_ONCE = 100;
const TIMEOUT_MILLISECONDS = 5_000;
/** Nobody reads what endpoints answer; who has more to say does not get to say it. */
const MAX_ANSWER = 64 * 1024;

const MINUTE = 60_000;
/** After the first attempt, the second and so on; then as after the last of these. */
const BACK_OFF = [MINUTE / 2, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 60 * MINUTE];
const GIVE_UP_MILLISECONDS = 24 * 60 * MINUTE;

/** As a job. @returns when to look again: at once where there is more to be done */
export async function deliverWebhooks(parts: WebhookDeliveryParts): Promise<Date> {
  const now = parts.clock();
  const subscribers = await parts.webhooks.listSubscribers();
  if (subscribers.length === 0) return new Date(now.getTime() + REST_MILLISECONDS);
  const isMore = await collect(parts, subscribers);
  const due = await parts.webhooks.dueDeliveries(now, DELIVERIES_AT_ONCE);
  const outcomes = await Promise.all(due.map((delivery) => attempt(parts, delivery)));
  const goesOn = isMore || outcomes.includes('delivered');
  return new Date(parts.clock().getTime() + (goesOn ? 0 : REST_MILLISECONDS));
}

/** Takes what is new in the audit log. @returns whether there may be more */
async function collect(
  parts: WebhookDeliveryParts,
  subscribers: readonly NewWebhookEndpoint[],
): Promise<boolean> {
  let isMore = false;
  for (const { stream, after } of await parts.webhooks.streamsBehind()) {
    const entries = await parts.audit.readStream(stream, after, ENTRIES_AT_ONCE);
    const last = entries.at(-1);
    if (!last) continue;
    isMore ||= entries.length === ENTRIES_AT_ONCE;
    const createdAt = parts.clock();
    await parts.webhooks.enqueue({
      ...{ stream, after, upTo: last.sequence },
      deliveries: entries.flatMap((entry) => deliveriesOf(entry, subscribers, createdAt)),
    });
  }
  return isMore;
}

function deliveriesOf(
  entry: ChainedEntry,
  subscribers: readonly NewWebhookEndpoint[],
  createdAt: Date,
): WebhookDelivery[] {
  if (!isToldOf(entry.action)) return [];
  const { stream, sequence, at } = entry;
  const tell = tellingOf(entry);
  return subscribers.flatMap((endpoint) => {
    const told = at >= endpoint.createdAt.toISOString() ? tell(endpoint) : undefined;
    if (!told) return [];
    const { id: endpointId, organizationId: organization } = endpoint;
    const { event, ...rest } = told;
    const id = `${stream}/${sequence}`;
    const body = JSON.stringify({ id, event, occurredAt: at, organization, ...rest });
    return [{ endpointId, stream, sequence, body, event, createdAt }];
  });
}

/** What an endpoint is told of an entry, if anything; once, by whichever names it hears. */
function tellingOf(entry: ChainedEntry): (endpoint: NewWebhookEndpoint) => Telling | undefined {
  const { action, subject, organizationId } = entry;
  const told = { action, details: JSON.parse(entry.details) as Record<string, unknown> };
  const events = webhookEventsOf(told);
  const toAll = publicTellingOf(told);
  return (endpoint) => {
    const hears = (event: WebhookEventName) => endpoint.events.includes(event);
    if (endpoint.organizationId !== organizationId) {
      return toAll && hears(toAll.event) ? toAll : undefined;
    }
    const event = events.find(hears);
    return event && { event, subject, details: told.details };
  };
}

interface Telling {
  readonly event: WebhookEventName;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

async function attempt(
  parts: WebhookDeliveryParts,
  delivery: DueDelivery,
): Promise<DeliveryOutcome['kind']> {
  const { endpointId, url, body, event } = delivery;
  const secret = parts.webhookSecrets.secretOf(endpointId);
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const answer = await parts.askOutbound({
    ...{ url, method: 'POST', reach: 'public' },
    headers: {
      'Content-Type': 'application/json',
      'X-Hubject-Signature': signature,
      'X-Operator-Signature': signature,
      'X-Evpki-Event': event,
    },
    body: Buffer.from(body),
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    maximumBody: MAX_ANSWER,
  });
  const outcome = outcomeOf(parts.clock(), delivery, answer);
  if (outcome.kind === 'failed') {
    // The path may be a secret of the receiver's.
    const { host } = new URL(url);
    const reason = answer.ok ? outcome.reason : answer.failure;
    parts.logger.info('webhook-failed', { endpoint: endpointId, host, reason });
  }
  await parts.webhooks.recordOutcome(delivery, outcome);
  return outcome.kind;
}

function outcomeOf(at: Date, delivery: DueDelivery, answer: OutboundAnswer): DeliveryOutcome {
  if (arrived(answer)) return { kind: 'delivered', at };
  const reason = answer.ok ? `http-${answer.status}` : toldFailure[answer.failure];
  const pause = BACK_OFF[Math.min(delivery.attempts, BACK_OFF.length - 1)] ?? 0;
  const again = new Date(at.getTime() + pause);
  const giveUpBefore = new Date(again.getTime() - GIVE_UP_MILLISECONDS);
  const audit = givenUp(at, delivery, reason, giveUpBefore);
  return { kind: 'failed', at, reason, again, giveUpBefore, audit };
}

/**
 * What an endpoint's organization is told. That a name is unknown and that its address is not
 * public are one thing to it: apart they would tell which names there are inside.
 */
const toldFailure: Readonly<Record<OutboundFailure, string>> = {
  'url-invalid': 'unreachable',
  'host-not-allowed': 'unreachable',
  'address-not-public': 'unreachable',
  'host-unknown': 'unreachable',
  unreachable: 'unreachable',
  'tls-failed': 'tls-failed',
  'timed-out': 'timed-out',
  redirected: 'redirected',
  'answer-too-large': 'answer-too-large',
};

const arrived = (answer: OutboundAnswer): boolean =>
  answer.ok && answer.status >= 200 && answer.status < 300;

const givenUp = (
  at: Date,
  { organizationId, endpointId }: DueDelivery,
  reason: string,
  before: Date,
): AuditEvent => ({
  ...{ at, organizationId, actor: 'evpki', action: 'webhook.given-up', subject: endpointId },
  details: { reason, before: before.toISOString() },
});
