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
      /** When to try again; never, if undefined: then with the entry that says so. */
      readonly again: Date | undefined;
      readonly audit?: AuditEvent;
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
  /** The oldest that are due. */
  dueDeliveries(now: Date, limit: number): Promise<DueDelivery[]>;
  /** Notes what became of an attempt; what arrived, or never will, is gone. */
  recordOutcome(
    delivery: Pick<WebhookDelivery, 'endpointId' | 'stream' | 'sequence'>,
    outcome: DeliveryOutcome,
  ): Promise<void>;
}

/** The secret that an endpoint's messages are signed with. */
export interface WebhookSecrets {
  secretOf(endpointId: string): string;
}
