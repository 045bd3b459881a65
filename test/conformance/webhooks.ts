import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NewWebhookEndpoint, WebhookDelivery } from '../../src/services/webhook-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { webhookStore } from '../../src/storage/webhooks.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, newId, newOrganization, seconds } from './fixtures.ts';

const STREAM = 'process-1';

export const webhooksConform = (name: string, open: OpenTestDatabase) =>
  describe(`webhooks on ${name}`, () => {
    let opened: TestDatabase;
    let organizationId: string;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());
    beforeEach(async () => {
      organizationId = await newOrganization(opened.database);
    });

    const store = () => webhookStore(opened.database);
    const newEndpoint = (change: Partial<NewWebhookEndpoint> = {}): NewWebhookEndpoint => ({
      ...{ id: newId('whk'), organizationId, url: 'https://a.example/b', createdAt: testTime },
      ...{ events: ['mo.contract.added', 'certificate.issued'] },
      ...change,
    });
    const add = async (endpoint = newEndpoint(), limit = 10) => {
      const outcome = await store().createEndpoint({
        ...{ endpoint, limit },
        audit: audit(endpoint.organizationId, 'webhook.created', endpoint.id),
      });
      return { endpoint, outcome };
    };
    const remove = (id: string) =>
      store().deleteEndpoint({ id, audit: audit(organizationId, 'webhook.deleted', id) });
    const happen = (action = 'certificate.issued') =>
      auditStore(opened.database).recordAudit(audit(organizationId, action, newId('crt')));
    const position = async () =>
      (await store().streamsBehind()).find(({ stream }) => stream === STREAM)?.after;
    const head = async () =>
      (await auditStore(opened.database).listStreams()).find(({ stream }) => stream === STREAM)
        ?.sequence ?? 0;
    const message = (endpointId: string, sequence: number, at = testTime): WebhookDelivery => ({
      ...{ endpointId, stream: STREAM, sequence, body: `{"n":${sequence}}` },
      ...{ event: 'certificate.issued', createdAt: at },
    });
    /** Takes everything that is behind, as these deliveries. */
    const enqueue = async (...deliveries: WebhookDelivery[]) => {
      await happen();
      const after = (await position()) ?? 0;
      return store().enqueue({ stream: STREAM, after, upTo: await head(), deliveries });
    };
    const due = async (at: Date, limit = 100) =>
      (await store().dueDeliveries(at, limit)).filter(
        (delivery) => delivery.organizationId === organizationId,
      );

    test('an endpoint comes back as it was made, alone and in its list', async () => {
      const { endpoint, outcome } = await add();
      expect(outcome).toBe('created');
      expect(await store().findEndpoint(endpoint.id)).toEqual({ ...endpoint, waiting: 0 });
      const other = (await add()).endpoint;
      expect(await store().listEndpoints(organizationId)).toEqual(
        [endpoint, other].map((each) => ({ ...each, waiting: 0 })),
      );
      expect(await store().listSubscribers()).toEqual(expect.arrayContaining([endpoint, other]));
      expect(await store().findEndpoint('another')).toBeUndefined();
    });

    test('an organization has so many and no more, however many ask at once', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, async () => (await add(newEndpoint(), 3)).outcome),
      );
      expect(outcomes.sort()).toEqual([
        ...['created', 'created', 'created'],
        ...['too-many', 'too-many'],
      ]);
    });

    test('an endpoint changes; one that is gone does not', async () => {
      const { endpoint } = await add();
      const change = (id: string) =>
        store().changeEndpoint({
          ...{ id, url: 'https://c.example/', events: ['mo.contract.added'] },
          audit: audit(organizationId, 'webhook.changed', id),
        });
      expect(await change(endpoint.id)).toBe('changed');
      expect(await store().findEndpoint(endpoint.id)).toMatchObject({
        ...{ url: 'https://c.example/', events: ['mo.contract.added'] },
      });
      expect(await change('another')).toBe('missing');
    });

    test('what was written before the first endpoint is for none', async () => {
      for (const { id } of await store().listSubscribers()) await remove(id);
      await happen();
      await add();
      // Only the entry of the endpoint itself is behind.
      expect(await position()).toBe((await head()) - 1);
    });

    test('a stretch of a stream is taken once, by whoever comes first', async () => {
      const { endpoint } = await add();
      await happen();
      const after = (await position()) ?? 0;
      const upTo = await head();
      const take = () =>
        store().enqueue({
          ...{ stream: STREAM, after, upTo },
          deliveries: [message(endpoint.id, upTo)],
        });
      const outcomes = await Promise.all([take(), take(), take()]);
      expect(outcomes.sort()).toEqual(['enqueued', 'moved', 'moved']);
      expect(await position()).toBeUndefined();
      expect(await due(testTime)).toHaveLength(1);
      expect((await store().findEndpoint(endpoint.id))?.waiting).toBe(1);
    });

    test('a message is due until it has arrived, and again when it has not', async () => {
      const { endpoint } = await add();
      const sent = message(endpoint.id, 1_000_001);
      await enqueue(sent);
      expect(await due(testTime)).toEqual([
        { ...sent, attempts: 0, url: endpoint.url, organizationId },
      ]);
      const [at, again] = [seconds(1), seconds(31)];
      await store().recordOutcome(sent, {
        ...{ kind: 'failed', at, reason: 'http-500', again, giveUpBefore: testTime },
        audit: audit(organizationId, 'webhook.given-up', endpoint.id),
      });
      expect(await due(seconds(30))).toEqual([]);
      expect(await due(seconds(31))).toMatchObject([{ sequence: 1_000_001, attempts: 1 }]);
      expect((await store().findEndpoint(endpoint.id))?.failure).toEqual({
        ...{ at, reason: 'http-500' },
      });
      await store().recordOutcome(sent, { kind: 'delivered', at: seconds(32) });
      expect(await due(seconds(99))).toEqual([]);
      const { failure, deliveredAt, waiting } = (await store().findEndpoint(endpoint.id)) ?? {};
      expect({ failure, deliveredAt, waiting }).toEqual({
        ...{ failure: undefined, deliveredAt: seconds(32), waiting: 0 },
      });
    });

    test('what an endpoint has not taken for too long is given up at once, in one entry', async () => {
      const { endpoint } = await add();
      const other = (await add()).endpoint;
      const old = [1_000_002, 1_000_003, 1_000_004].map((n) => message(endpoint.id, n));
      const young = message(endpoint.id, 1_000_005, seconds(10));
      await enqueue(...old, young, message(other.id, 1_000_002));
      await store().recordOutcome(old[1] as WebhookDelivery, {
        ...{ kind: 'failed', at: seconds(11), reason: 'timed-out', again: seconds(20) },
        ...{
          giveUpBefore: seconds(10),
          audit: audit(organizationId, 'webhook.given-up', endpoint.id),
        },
      });
      expect((await store().findEndpoint(endpoint.id))?.waiting).toBe(1);
      expect((await store().findEndpoint(other.id))?.waiting).toBe(1);
      const givenUp = async () =>
        await auditStore(opened.database).listEntries(
          { organizationId, action: 'webhook.given-up' },
          { limit: 10 },
        );
      const [entry] = (await givenUp()).items;
      expect(entry?.subject).toBe(endpoint.id);
      expect(JSON.parse(entry?.details ?? '{}')).toMatchObject({ messages: 3 });
      await store().recordOutcome(young, {
        ...{ kind: 'failed', at: seconds(11), reason: 'timed-out', again: seconds(20) },
        ...{
          giveUpBefore: seconds(10),
          audit: audit(organizationId, 'webhook.given-up', endpoint.id),
        },
      });
      expect((await givenUp()).items).toHaveLength(1);
    });

    test('an endpoint with much to hear leaves room for others', async () => {
      const busy = (await add()).endpoint;
      const other = (await add()).endpoint;
      await enqueue(
        ...Array.from({ length: 25 }, (_, n) => message(busy.id, 2_000_000 + n)),
        message(other.id, 2_000_100, seconds(5)),
      );
      const ids = (await due(seconds(5))).map(({ endpointId }) => endpointId);
      expect(ids.filter((id) => id === busy.id)).toHaveLength(20);
      expect(ids.slice(0, 2).sort()).toEqual([busy.id, other.id].sort());
    });

    test('an endpoint that has failed is tried with one message, after half a minute', async () => {
      const { endpoint } = await add();
      const [first, ...more] = [1, 2, 3].map((n) => message(endpoint.id, 2_100_000 + n));
      await enqueue(first as WebhookDelivery, ...more);
      await store().recordOutcome(first as WebhookDelivery, {
        ...{ kind: 'failed', at: seconds(1), reason: 'timed-out', again: seconds(31) },
        ...{
          giveUpBefore: testTime,
          audit: audit(organizationId, 'webhook.given-up', endpoint.id),
        },
      });
      expect(await due(seconds(30))).toEqual([]);
      expect(await due(seconds(31))).toMatchObject([{ sequence: 2_100_002 }]);
      await store().recordOutcome(more[0] as WebhookDelivery, {
        kind: 'delivered',
        at: seconds(31),
      });
      expect(await due(seconds(31))).toHaveLength(2);
    });

    test('an organization with many endpoints does not keep others waiting', async () => {
      const many = await Promise.all(Array.from({ length: 8 }, async () => (await add()).endpoint));
      await enqueue(...many.map(({ id }, n) => message(id, 2_200_000 + n)));
      const crowded = organizationId;
      organizationId = await newOrganization(opened.database);
      const { endpoint } = await add();
      await enqueue(message(endpoint.id, 2_200_100, seconds(50)));
      const all = await store().dueDeliveries(seconds(50), 100);
      const turns = all.map((delivery) => delivery.organizationId);
      expect(turns.filter((id) => id === crowded)).toHaveLength(8);
      const second = turns.indexOf(crowded, turns.indexOf(crowded) + 1);
      expect(turns.indexOf(organizationId)).toBeLessThan(second);
    });

    test('an endpoint that is deleted takes with it what waits, and hears nothing more', async () => {
      const { endpoint } = await add();
      await enqueue(message(endpoint.id, 3_000_000));
      expect(await remove(endpoint.id)).toBe('deleted');
      expect(await remove(endpoint.id)).toBe('missing');
      expect(await due(seconds(99))).toEqual([]);
      expect(await enqueue(message(endpoint.id, 3_000_001))).toBe('enqueued');
      expect(await due(seconds(99))).toEqual([]);
    });
  });
