import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenKey } from '../../src/services/token-key-records.ts';
import { tokenKeyStore } from '../../src/storage/token-keys.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, newId, seconds } from './fixtures.ts';

export const tokenKeysConform = (name: string, open: OpenTestDatabase) =>
  describe(`token keys on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => tokenKeyStore(opened.database);
    const newKey = (generation: number): TokenKey => ({
      ...{ generation, keyId: newId('key'), spki: Uint8Array.of(generation, 1) },
      ...{ envelope: Uint8Array.of(generation, 2), createdAt: testTime },
      signsFrom: seconds(generation),
    });
    const create = (key: TokenKey) =>
      store().createTokenKey({ key, audit: audit('instance', 'token-key.created', key.keyId) });
    const remove = ({ keyId }: TokenKey) =>
      store().removeTokenKey({ keyId, audit: audit('instance', 'token-key.deleted', keyId) });
    const entriesAbout = async ({ keyId }: TokenKey): Promise<string[]> =>
      (
        await opened.database.reader('audit_entries').where({ subject: keyId }).orderBy('sequence')
      ).map(({ action }) => action);

    test('one of each generation is kept, with its entry, whoever comes at once', async () => {
      expect(await store().listTokenKeys()).toEqual([]);
      const rivals = [newKey(1), newKey(1), newKey(1)];
      const outcomes = await Promise.all(rivals.map(create));
      expect([...outcomes].sort()).toEqual(['created', 'exists', 'exists']);
      const first = rivals[outcomes.indexOf('created')] as TokenKey;
      expect(await store().listTokenKeys()).toEqual([first]);
      for (const rival of rivals) {
        expect(await entriesAbout(rival)).toEqual(rival === first ? ['token-key.created'] : []);
      }
      const next = [newKey(2), newKey(10)] as const;
      for (const key of next) expect(await create(key)).toBe('created');
      expect(await store().listTokenKeys()).toEqual([next[1], next[0], first]);

      expect(await Promise.all([remove(first), remove(first)])).toEqual(
        expect.arrayContaining(['removed', 'missing']),
      );
      expect(await store().listTokenKeys()).toEqual([next[1], next[0]]);
      expect(await entriesAbout(first)).toEqual(['token-key.created', 'token-key.deleted']);
      // Its private half is gone with it.
      const rows = await opened.database.reader('token_keys').where({ key_id: first.keyId });
      expect(rows).toEqual([]);
    });
  });
