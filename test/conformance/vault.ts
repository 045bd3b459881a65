import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditStore } from '../../src/storage/audit.ts';
import { vaultStore } from '../../src/storage/vault.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { audit, bytes } from './fixtures.ts';

export const vaultConforms = (name: string, open: OpenTestDatabase) =>
  describe(`vault on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    test('K1: the record that was stored first is the one for all', async () => {
      const store = vaultStore(opened.database);
      expect(await store.findVault()).toBeUndefined();
      const records = ['a', 'b', 'c'].map((salt) => ({
        salt: bytes(salt),
        costN: 131072,
        blockSize: 8,
        parallelization: 1,
        check: bytes('check'),
      }));
      const results = await Promise.all(
        records.map((record) =>
          store.createVault(record, audit('instance', 'vault.created', 'vault')),
        ),
      );
      const kept = await store.findVault();
      expect(records).toContainEqual(kept);
      for (const result of results) expect(result).toEqual(kept);
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10);
      expect(entries.map(({ action }) => action)).toEqual(['vault.created']);
    });
  });
