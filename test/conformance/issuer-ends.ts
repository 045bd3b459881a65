import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issuerEndStore } from '../../src/storage/issuer-ends.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { activeAuthority, changeStatus, revoked, seconds } from './fixtures.ts';

export const issuerEndsConform = (name: string, open: OpenTestDatabase) =>
  describe(`the ends of issuers on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    test('active issuers that end before a moment are listed, others are not', async () => {
      const store = issuerEndStore(opened.database);
      const own = await activeAuthority(opened.database);
      const { certificateId, issuerId } = await activeAuthority(opened.database);
      await changeStatus(opened.database, certificateId, revoked, { revokesIssuerId: issuerId });
      // The fixtures' certificates end an hour after their making.
      expect(await store.listEndsBefore(seconds(3600))).toEqual([]);
      expect(await store.listEndsBefore(seconds(3601))).toEqual([
        {
          issuerId: own.issuerId,
          authorityId: own.authorityId,
          organizationId: own.organizationId,
          profile: 'root',
          notAfter: seconds(3600),
        },
      ]);
    });
  });
