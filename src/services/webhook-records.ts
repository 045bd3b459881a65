/** Webhook endpoints and what is to be delivered to them, as stored; the ports to them. */

import type { AuditEvent } from './audit.ts';
import type { WebhookEventName } from './webhook-events.ts';

/** Where an organization wants to hear of what happens to what is its own. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly organizationId: string;
  readonly url: string;
  /** In the order of `webhookEventNames`. */
  readonly events: readonly WebhookEventName[];
  readonly createdAt: Date;
  /** Messages that wait for their next attempt. */
  readonly waiting: number;
  /** When a message last arrived. */
  readonly deliveredAt?: Date;
  /** What became of the last attempt that failed, and when; gone with the next that succeeds. */
  readonly failure?: { readonly at: Date; readonly reason: string };
}

/** What an endpoint is, without what became of it. */
export type NewWebhookEndpoint = Omit<WebhookEndpoint, 'waiting' | 'deliveredAt' | 'failure'>;

/** A message for an endpoint. */
export interface WebhookDelivery {
  readonly endpointId: string;
  /** The audit entry that tells of it: its stream and its number there. */
  readonly stream: string;
  readonly sequence: number;
  /** What is sent, JSON. */
  readonly body: string;
  readonly event: WebhookEventName;
  readonly createdAt: Date;
}

export interface DueDelivery extends WebhookDelivery {
  readonly url: string;
  readonly organizationId: string;
  /** How often it has been tried before. */
  readonly attempts: number;
}

export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly at: Date }
  | {
      readonly kind: 'failed';
      readonly at: Date;
      readonly reason: string;
      /** When to try again. */
      readonly again: Date;
      /** What was made for the endpoint before this, whichever message it is, is given up. */
      readonly giveUpBefore: Date;
      /** Says so, if there is any; how many `messages` is added to its details. */
      readonly audit: AuditEvent;
    };

export interface WebhookStore {
  /**
   * Adds an endpoint. It hears of what is written after this.
   * @param command.limit endpoints that an organization may have
   */
  createEndpoint(command: {
    readonly endpoint: NewWebhookEndpoint;
    readonly limit: number;
    readonly audit: AuditEvent;
  }): Promise<'created' | 'too-many'>;
  /** Changes where it is and what it hears. */
  changeEndpoint(command: {
    readonly id: string;
    readonly url: string;
    readonly events: readonly WebhookEventName[];
    readonly audit: AuditEvent;
  }): Promise<'changed' | 'missing'>;
  /** Removes an endpoint with what waits for it. */
  deleteEndpoint(command: {
    readonly id: string;
    readonly audit: AuditEvent;
  }): Promise<'deleted' | 'missing'>;
  findEndpoint(id: string): Promise<WebhookEndpoint | undefined>;
  /** In the order in which they were made; of all organizations without one. */
  listEndpoints(organizationId?: string): Promise<WebhookEndpoint[]>;
  /** All endpoints; without counting what waits for them, which costs as much as there is. */
  listSubscribers(): Promise<NewWebhookEndpoint[]>;

  /** Streams of the audit log that have entries nobody has looked at, and up to where somebody has. */
  streamsBehind(): Promise<{ readonly stream: string; readonly after: number }[]>;
  /**
   * Takes what is to be delivered out of a stretch of a stream, once.
   * @returns `moved`, and nothing changed, when somebody else has looked at it meanwhile
   */
  enqueue(command: {
    readonly stream: string;
    readonly after: number;
    readonly upTo: number;
    readonly deliveries: readonly WebhookDelivery[];
  }): Promise<'enqueued' | 'moved'>;
  /**
   * What is due, in turns: the oldest of every organization come first, and of every endpoint of
   * it. An endpoint whose last attempt has failed gets one message at a time, each half a minute
   * after the one before.
   */
  dueDeliveries(now: Date, limit: number): Promise<DueDelivery[]>;
  /** Notes what became of an attempt; what arrived is gone, and so is what is given up. */
  recordOutcome(
    delivery: Pick<WebhookDelivery, 'endpointId' | 'stream' | 'sequence'>,
    outcome: DeliveryOutcome,
  ): Promise<void>;
}

/** The secret that an endpoint's messages are signed with. */
export interface WebhookSecrets {
  secretOf(endpointId: string): string;
}
