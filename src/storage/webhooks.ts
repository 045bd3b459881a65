/** Webhook endpoints and deliveries in the database. */

import type { WebhookEventName } from '../services/webhook-events.ts';
import type {
  DueDelivery,
  NewWebhookEndpoint,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookStore,
} from '../services/webhook-records.ts';
import type { Database } from './database.ts';
import { rawRows } from './raw-rows.ts';
import type {
  OrganizationRow,
  StoredInteger,
  WebhookDeliveryRow,
  WebhookEndpointRow,
} from './rows.ts';
import { optional, timeOf, timeText } from './values.ts';

export function webhookStore(database: Database): WebhookStore {
  const { reader } = database;
  const endpoints = () =>
    reader<WebhookEndpointRow>('webhook_endpoints')
      .orderBy('created_at')
      .orderBy('id')
      .select<EndpointWithCount[]>(
        '*',
        reader.raw(
          `(SELECT COUNT(*) FROM webhook_deliveries d
            WHERE d.endpoint_id = webhook_endpoints.id) AS waiting`,
        ),
      );
  return {
    createEndpoint: ({ endpoint, limit, audit }) =>
      database.write(async (tx) => {
        const { organizationId: organization_id } = endpoint;
        // Endpoints of one organization are added one after the other.
        await tx
          .knex<OrganizationRow>('organizations')
          .where({ id: organization_id })
          .forUpdate()
          .first('id');
        const all = await tx.knex<WebhookEndpointRow>('webhook_endpoints').select();
        if (all.filter((row) => row.organization_id === organization_id).length >= limit) {
          return 'too-many';
        }
        // While there was none nobody has read the log: what is in it is not for this one.
        // Asked within the statement: of two first ones the later skips nothing of the earlier's.
        if (all.length === 0) await tx.knex.raw(SKIP_TO_NOW);
        await tx.knex<WebhookEndpointRow>('webhook_endpoints').insert({
          id: endpoint.id,
          organization_id,
          url: endpoint.url,
          events: JSON.stringify(endpoint.events),
          created_at: timeText(endpoint.createdAt),
          delivered_at: null,
          failed_at: null,
          failure: null,
        });
        tx.appendAudit(audit);
        return 'created';
      }),

    changeEndpoint: ({ id, url, events, audit }) =>
      database.write(async (tx) => {
        const changed = await tx
          .knex<WebhookEndpointRow>('webhook_endpoints')
          .where({ id })
          .update({ url, events: JSON.stringify(events), failed_at: null, failure: null });
        if (changed === 0) return 'missing';
        tx.appendAudit(audit);
        return 'changed';
      }),

    deleteEndpoint: ({ id, audit }) =>
      database.write(async (tx) => {
        // In this order: whoever enqueues meanwhile finds no endpoint to enqueue for.
        await tx.knex('webhook_endpoints').where({ id }).forUpdate().first('id');
        await tx.knex('webhook_deliveries').where({ endpoint_id: id }).delete();
        if ((await tx.knex('webhook_endpoints').where({ id }).delete()) === 0) return 'missing';
        tx.appendAudit(audit);
        return 'deleted';
      }),

    findEndpoint: async (id) => {
      const [row] = await endpoints().where({ id });
      return row && endpointOf(row);
    },

    listEndpoints: async (organizationId) => {
      const query = endpoints();
      if (organizationId !== undefined) query.where({ organization_id: organizationId });
      return (await query).map(endpointOf);
    },

    listSubscribers: async () =>
      (await reader<WebhookEndpointRow>('webhook_endpoints').orderBy('id')).map(subscriberOf),

    streamsBehind: async () => {
      const rows: { stream: string; after: StoredInteger | null }[] = await reader(
        'audit_streams as s',
      )
        .leftJoin('webhook_positions as p', 'p.stream', 's.stream')
        .whereRaw('s.sequence > COALESCE(p.sequence, 0)')
        .orderBy('s.stream')
        .select('s.stream', 'p.sequence as after');
      return rows.map(({ stream, after }) => ({ stream, after: Number(after ?? 0) }));
    },

    enqueue: ({ stream, after, upTo, deliveries }) =>
      database.write(async (tx) => {
        const { knex } = tx;
        // The row of the stream itself is its writer's, who would wait with all that it commits.
        const moved = await rawRows(tx, MOVE_POSITION, [stream, upTo, after]);
        if (moved.length === 0) return 'moved';
        const ids = [...new Set(deliveries.map(({ endpointId }) => endpointId))];
        const present: string[] = await knex('webhook_endpoints')
          .whereIn('id', ids)
          .forUpdate()
          .pluck('id');
        const rows = deliveries
          .filter(({ endpointId }) => present.includes(endpointId))
          .map(deliveryRow);
        for (let next = 0; next < rows.length; next += ROWS_PER_INSERT) {
          await knex('webhook_deliveries').insert(rows.slice(next, next + ROWS_PER_INSERT));
        }
        return 'enqueued';
      }),

    dueDeliveries: async (now, limit) => {
      const at = { knex: reader, dialect: database.dialect };
      const rested = new Date(now.getTime() - REST_MILLISECONDS);
      const bound = [timeText(rested), timeText(now), limit];
      const found = await rawRows<WebhookEndpointRow>(at, ENDPOINTS_DUE, bound);
      const queues = await Promise.all(
        found.map(async (endpoint) => {
          const rows = await reader<WebhookDeliveryRow>('webhook_deliveries')
            .where({ endpoint_id: endpoint.id })
            .where('due_at', '<=', timeText(now))
            .orderBy(['due_at', 'stream', 'sequence'])
            .limit(endpoint.failed_at === null ? PER_ENDPOINT : 1);
          return rows.map((row) => dueOf(row, endpoint));
        }),
      );
      const turns = Array.from({ length: PER_ENDPOINT }, (_, turn) =>
        queues.flatMap((queue) => queue[turn] ?? []),
      );
      return turns.flat().slice(0, limit);
    },

    recordOutcome: ({ endpointId, stream, sequence }, outcome) =>
      database.write(async (tx) => {
        const row = () =>
          tx
            .knex<WebhookDeliveryRow>('webhook_deliveries')
            .where({ endpoint_id: endpointId, stream, sequence });
        const endpoint = () =>
          tx.knex<WebhookEndpointRow>('webhook_endpoints').where({ id: endpointId });
        if (outcome.kind === 'delivered') {
          await row().delete();
          await endpoint().update({
            delivered_at: timeText(outcome.at),
            failed_at: null,
            failure: null,
          });
          return;
        }
        const { at, reason, again, giveUpBefore, audit } = outcome;
        await row()
          .update({ due_at: timeText(again) })
          .increment('attempts', 1);
        await endpoint().update({ failed_at: timeText(at), failure: reason });
        const messages = await tx
          .knex<WebhookDeliveryRow>('webhook_deliveries')
          .where({ endpoint_id: endpointId })
          .where('created_at', '<', timeText(giveUpBefore))
          .delete();
        if (messages > 0) tx.appendAudit({ ...audit, details: { ...audit.details, messages } });
      }),
  };
}

const SKIP_TO_NOW = `
  INSERT INTO webhook_positions (stream, sequence)
  SELECT stream, sequence FROM audit_streams
    WHERE sequence > 0 AND NOT EXISTS (SELECT 1 FROM webhook_endpoints) ORDER BY stream
  ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence
    WHERE excluded.sequence > webhook_positions.sequence`;

/** Compares and sets: two never take the same stretch. */
const MOVE_POSITION = `
  INSERT INTO webhook_positions (stream, sequence) VALUES (?, ?)
  ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence
    WHERE webhook_positions.sequence = ?
  RETURNING stream`;

/** Of one endpoint at a time: one that is slow must not keep all others waiting. */
const PER_ENDPOINT = 20;
/** How long an endpoint is left alone that has failed. */
const REST_MILLISECONDS = 30_000;

/** One endpoint of every organization first, then the next; by an index, however much waits. */
const ENDPOINTS_DUE = `
  SELECT * FROM (
    SELECT due.*, ROW_NUMBER() OVER (
      PARTITION BY organization_id
      ORDER BY CASE WHEN failed_at IS NULL THEN 0 ELSE 1 END, oldest, id
    ) AS turn
    FROM (
      SELECT e.*, (
        SELECT MIN(d.due_at) FROM webhook_deliveries d WHERE d.endpoint_id = e.id
      ) AS oldest
      FROM webhook_endpoints e WHERE e.failed_at IS NULL OR e.failed_at <= ?
    ) due WHERE oldest <= ?
  ) taken ORDER BY turn, oldest LIMIT ?`;

/** Rows per INSERT: far below the limits on bound values of either database. */
const ROWS_PER_INSERT = 100;

type EndpointWithCount = WebhookEndpointRow & { readonly waiting: StoredInteger };

const subscriberOf = (row: WebhookEndpointRow): NewWebhookEndpoint => ({
  id: row.id,
  organizationId: row.organization_id,
  url: row.url,
  events: JSON.parse(row.events) as WebhookEventName[],
  createdAt: timeOf(row.created_at),
});

const endpointOf = (row: EndpointWithCount): WebhookEndpoint => ({
  ...subscriberOf(row),
  waiting: Number(row.waiting),
  ...optional('deliveredAt', row.delivered_at === null ? null : timeOf(row.delivered_at)),
  ...optional(
    'failure',
    row.failed_at === null || row.failure === null
      ? null
      : { at: timeOf(row.failed_at), reason: row.failure },
  ),
});

const deliveryRow = (delivery: WebhookDelivery): WebhookDeliveryRow => ({
  endpoint_id: delivery.endpointId,
  stream: delivery.stream,
  sequence: delivery.sequence,
  event: delivery.event,
  body: delivery.body,
  created_at: timeText(delivery.createdAt),
  attempts: 0,
  due_at: timeText(delivery.createdAt),
});

const dueOf = (
  row: WebhookDeliveryRow,
  { url, organization_id }: WebhookEndpointRow,
): DueDelivery => ({
  endpointId: row.endpoint_id,
  stream: row.stream,
  sequence: Number(row.sequence),
  event: row.event as WebhookEventName,
  body: row.body,
  createdAt: timeOf(row.created_at),
  attempts: Number(row.attempts),
  url,
  organizationId: organization_id,
});
