import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vaultStore } from '../../src/storage/vault.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { bytes } from './fixtures.ts';

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
      const results = await Promise.all(records.map((record) => store.createVault(record)));
      const kept = await store.findVault();
      expect(records).toContainEqual(kept);
      for (const result of results) expect(result).toEqual(kept);
    });
  });
