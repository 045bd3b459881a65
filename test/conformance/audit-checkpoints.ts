import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CheckpointHeads } from '../../src/pki/checkpoint.ts';
import type { StoredCheckpoint } from '../../src/services/audit-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { checkpointStore } from '../../src/storage/audit-checkpoints.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { audit, bytes, seconds } from './fixtures.ts';

const octets = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

const checkpoint = (
  number: number,
  sequences: Readonly<Record<string, number>>,
): StoredCheckpoint => ({
  number,
  at: seconds(number).toISOString(),
  previous: octets(number - 1),
  headsHash: octets(number),
  keySha256: octets(200),
  signature: new Uint8Array(64).fill(number),
  changed: Object.entries(sequences).map(([stream, sequence]) => ({
    stream,
    sequence,
    hash: octets(sequence),
  })),
});

export const checkpointsConform = (name: string, open: OpenTestDatabase) =>
  describe(`audit checkpoints on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
      // The streams that heads speak of.
      await opened.database.write(async ({ knex }) => {
        await knex('audit_streams').insert(
          ['a', 'b', 'c'].map((stream) => ({
            stream,
            sequence: 0,
            hash: Buffer.alloc(32),
            created_at: seconds(0).toISOString(),
          })),
        );
      });
    });
    afterAll(() => opened.remove());
    const store = () => checkpointStore(opened.database);
    const sequencesAt = async (number: number) =>
      (await store().headsAt(number)).map(({ stream, sequence }) => [stream, sequence]);

    test('the key that was stored first is the one for all, and has the only entry', async () => {
      expect(await store().listKeys()).toEqual([]);
      const commands = ['x', 'y', 'z'].map((keyId) => ({
        key: {
          keyId,
          spki: bytes(`spki of ${keyId}`),
          envelope: bytes(`envelope of ${keyId}`),
          createdAt: seconds(1),
        },
        audit: audit('instance', 'audit.key-created', keyId),
      }));
      const results = await Promise.all(commands.map((command) => store().createKey(command)));
      const keys = await store().listKeys();
      expect(keys).toHaveLength(1);
      expect(commands.map(({ key }) => key)).toContainEqual(keys[0]);
      for (const result of results) expect(result).toEqual(keys[0]);
      const { items } = await auditStore(opened.database).listEntries(
        { action: 'audit.key-created' },
        { limit: 10 },
      );
      expect(items.map(({ subject }) => subject)).toEqual([keys[0]?.keyId]);
    });

    test('a checkpoint comes back as it was told', async () => {
      expect(await store().latestCheckpoint()).toBeUndefined();
      const first = checkpoint(1, { a: 3, b: 1 });
      expect(await store().recordCheckpoint(first)).toBe('recorded');
      const { changed, ...statement } = first;
      expect(await store().latestCheckpoint()).toEqual(statement);
      expect(await store().findCheckpoint(1)).toEqual(statement);
      expect(await store().findCheckpoint(2)).toBeUndefined();
      expect(await store().headsAt(1)).toEqual(changed);
      expect(await store().readCheckpoints(0, 10)).toEqual([first]);
    });

    test('K6 one of many that have the same number counts, whole', async () => {
      const many = Array.from({ length: 10 }, (_, index) => ({
        ...checkpoint(2, { a: 10 + index }),
        signature: new Uint8Array(64).fill(100 + index),
      }));
      const outcomes = await Promise.all(many.map((one) => store().recordCheckpoint(one)));
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
      const [stored] = await store().readCheckpoints(1, 10);
      expect(many).toContainEqual(stored);
      expect(await sequencesAt(2)).toEqual([
        ['a', stored?.changed[0]?.sequence],
        ['b', 1],
      ]);
    });

    test('the heads at any checkpoint are those that a walk from the first one gives', async () => {
      await store().recordCheckpoint(checkpoint(3, { b: 7, c: 2 }));
      await store().recordCheckpoint(checkpoint(4, { c: 3 }));
      await store().recordCheckpoint(checkpoint(5, { a: 50, b: 8 }));
      const heads = new CheckpointHeads();
      const pages = [await store().readCheckpoints(0, 2), await store().readCheckpoints(2, 200)];
      expect(pages.map((page) => page.map(({ number }) => number))).toEqual([
        [1, 2],
        [3, 4, 5],
      ]);
      for (const { number, changed } of pages.flat()) {
        for (const head of changed) heads.advance(head);
        expect(await store().headsAt(number)).toEqual(heads.all());
      }
      expect(await sequencesAt(5)).toEqual([
        ['a', 50],
        ['b', 8],
        ['c', 3],
      ]);
    });

    test('what checkpoints say of a stream comes by number, above one and up to another', async () => {
      const read = async (...args: [after: number, upTo: number, limit: number]) =>
        (await store().readHeads('b', ...args)).map(({ sequence }) => sequence);
      expect(await read(0, 100, 10)).toEqual([1, 7, 8]);
      expect(await read(1, 7, 10)).toEqual([7]);
      expect(await read(0, 100, 2)).toEqual([1, 7]);
    });
  });
