import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChainedEntry, verifyStream } from '../../src/pki/ledger.ts';
import type { AuditFilter } from '../../src/services/audit-records.ts';
import { InvalidCursor } from '../../src/services/pages.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { cursorOf } from '../../src/storage/cursor.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, newOrganization, seconds } from './fixtures.ts';

export const auditConforms = (name: string, open: OpenTestDatabase) =>
  describe(`audit on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => auditStore(opened.database);
    const head = async () => (await store().listStreams())[0];
    const entries = () => store().readStream('process-1', 0, 10_000);

    test('the stream of this process exists from the start, empty', async () => {
      expect(await store().listStreams()).toEqual([
        { stream: 'process-1', sequence: 0, hash: new Uint8Array(32), createdAt: testTime },
      ]);
    });

    test('an entry comes back as it was told', async () => {
      const event = audit('org', 'thing.done', 'subject');
      await store().recordAudit(event);
      const [entry] = await entries();
      expect(entry).toMatchObject({
        stream: 'process-1',
        sequence: 1,
        at: '2026-11-22T10:00:00.000Z',
        organizationId: 'org',
        actor: 'client:test',
        action: 'thing.done',
        subject: 'subject',
      });
      expect(JSON.parse(entry?.details ?? '')).toEqual(event.details);
    });

    test('K6: the chain verifies across batches and rollbacks', async () => {
      const organizationId = await newOrganization(opened.database);
      const works = Array.from({ length: 150 }, (_, index) =>
        opened.database.write(async (tx) => {
          tx.appendAudit(audit(organizationId, 'thing.done', `a${index}`));
          if (index % 50 === 7) throw new Error('fails after its audit entry');
          tx.appendAudit(audit(organizationId, 'thing.done', `b${index}`));
        }),
      );
      const settled = await Promise.allSettled(works);
      expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3);
      const all = await entries();
      const current = await head();
      // The one before, and two of each work that did not fail.
      expect(all).toHaveLength(1 + 2 * 147);
      expect(verifyStream(all)).toEqual({
        ok: true,
        head: { sequence: current?.sequence, hash: current?.hash },
      });
      expect(all.map(({ subject }) => subject)).not.toContain('a7');
    });

    test('K6: an entry that the database refuses fails only its own caller', async () => {
      const before = await head();
      const bad = {
        ...audit('org', 'thing.done', 'bad'),
        organizationId: null as unknown as string,
      };
      const settled = await Promise.allSettled([
        store().recordAudit(audit('org', 'thing.done', 'good')),
        store().recordAudit(bad),
        store().recordAudit(audit('org', 'thing.done', 'good')),
      ]);
      expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await head())?.sequence).toBe((before?.sequence ?? 0) + 2);
      expect(verifyStream(await entries()).ok).toBe(true);
    });

    test('K6: pages of a stream verify from head to head', async () => {
      const all = await entries();
      const first = verifyStream(await store().readStream('process-1', 0, 10));
      if (!first.ok) throw new Error('the first page is broken');
      expect(first.head.sequence).toBe(10);
      const rest = await store().readStream('process-1', 10, 10_000);
      expect(verifyStream(rest, first.head)).toEqual(verifyStream(all));
    });

    test('K6: an entry that is changed in the database is found', async () => {
      await opened.database.write(async ({ knex }) => {
        await knex('audit_entries').where({ sequence: 5 }).update({ actor: 'client:other' });
      });
      expect(verifyStream(await entries())).toEqual({ ok: false, brokenAt: 5 });
    });

    describe('listed', () => {
      const at = (offset: number, subject: string, change = {}) => ({
        ...audit('listed', 'thing.done', subject),
        at: seconds(offset),
        ...change,
      });
      const list = async (filter: AuditFilter, limit = 100) =>
        (await store().listEntries(filter, { limit })).items.map(({ subject }) => subject);
      beforeAll(async () => {
        const events = [
          at(2, 'l2'),
          at(1, 'l1'),
          at(3, 'l3a', { actor: 'client:other' }),
          at(3, 'l3b', { action: 'thing.undone' }),
          at(4, 'elsewhere', { organizationId: 'elsewhere' }),
        ];
        for (const event of events) await store().recordAudit(event);
      });

      test('newest first, by time and then by number', async () => {
        const organizationId = 'listed';
        expect(await list({ organizationId })).toEqual(['l3b', 'l3a', 'l2', 'l1']);
        expect(await list({}, 2)).toEqual(['elsewhere', 'l3b']);
      });

      test('by everything that a filter can name', async () => {
        expect(await list({ actor: 'client:other', organizationId: 'listed' })).toEqual(['l3a']);
        expect(await list({ action: 'thing.undone' })).toEqual(['l3b']);
        expect(await list({ subject: 'l2' })).toEqual(['l2']);
        expect(await list({ since: seconds(2), until: seconds(3) })).toEqual(['l2']);
        expect(await list({ subject: 'l2', organizationId: 'elsewhere' })).toEqual([]);
        expect(await list({ subject: "' OR 1=1 --" })).toEqual([]);
      });

      test('page by page, each once', async () => {
        const whole = (await store().listEntries({}, { limit: 10_000 })).items;
        const paged: ChainedEntry[] = [];
        let cursor: string | undefined;
        do {
          const page = await store().listEntries(
            {},
            { limit: 7, ...(cursor === undefined ? {} : { cursor }) },
          );
          paged.push(...page.items);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        expect(paged).toEqual(whole);
      });

      test.each([
        'x',
        cursorOf({ createdAt: '2026-11-22T10:00:00.000Z', id: 'crt_1' }),
        cursorOf({ createdAt: '2026-11-22T10:00:00.000Z', id: '01/process-1' }),
        cursorOf({ createdAt: '2026-11-22T10:00:00.000Z', id: '1/' }),
      ])('the cursor %s is none of a listing', async (cursor) => {
        await expect(store().listEntries({}, { limit: 1, cursor })).rejects.toThrow(InvalidCursor);
      });
    });

    test('streams with entries are found one after the other', async () => {
      expect(await store().nextStreamWithEntries('')).toBe('process-1');
      expect(await store().nextStreamWithEntries('process-1')).toBeUndefined();
      expect((await store().findEntry('process-1', 2))?.sequence).toBe(2);
      expect(await store().findEntry('process-1', 1_000_000)).toBeUndefined();
    });

    test('reading connections cannot write', async () => {
      await expect(opened.database.reader('audit_entries').delete()).rejects.toThrow();
      expect((await entries()).length).toBeGreaterThan(0);
    });
  });
