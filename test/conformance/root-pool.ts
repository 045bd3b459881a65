import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorityStore } from '../../src/storage/authorities.ts';
import { rootPoolStore } from '../../src/storage/root-pool.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityBelow,
  bytes,
  changeStatus,
  generation,
  issue,
  revoked as revokedStatus,
  seconds,
} from './fixtures.ts';

export const rootPoolConforms = (name: string, open: OpenTestDatabase) =>
  describe(`the pool of roots on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => rootPoolStore(opened.database);
    const idsAt = async (at: Date, ...profiles: string[]) =>
      (await store().rootsAt(profiles, at)).map(({ issuerId }) => issuerId);

    test('has the roots of these profiles, of every organization', async () => {
      const one = await activeAuthority(opened.database);
      const two = await activeAuthority(opened.database);
      const below = await authorityBelow(opened.database, one.issuerId);
      const roots = await store().rootsAt(['root', 'sub-ca'], testTime);
      expect(roots).toContainEqual({
        issuerId: one.issuerId,
        organizationId: one.organizationId,
        profile: 'root',
        publicUrl: 'http://pki.example',
        certificate: bytes(`der of ${one.certificateId}`),
      });
      const ids = roots.map(({ issuerId }) => issuerId);
      expect(ids).toContain(two.issuerId);
      expect(ids).not.toContain(below.issuerId);
      expect(await idsAt(testTime, 'sub-ca', 'other')).toEqual([]);
      expect(await idsAt(testTime)).toEqual([]);
    });

    test('has them from the first to the last moment of their validity', async () => {
      const { issuerId } = await activeAuthority(opened.database);
      const has = async (at: Date) => (await idsAt(at, 'root')).includes(issuerId);
      expect([await has(seconds(-1)), await has(testTime)]).toEqual([false, true]);
      expect([await has(seconds(3600)), await has(seconds(3601))]).toEqual([true, false]);
    });

    test('of an authority that was rolled over it has every generation that is valid', async () => {
      const { authorityId, organizationId, issuerId } = await activeAuthority(opened.database);
      const { issuer, key } = generation(authorityId, 2);
      await authorityStore(opened.database).addIssuer({
        ...{ issuer, key },
        audit: audit(organizationId, 'authority.rolled-over', authorityId),
      });
      // It awaits its certificate.
      expect(await idsAt(testTime, 'root')).not.toContain(issuer.id);
      await issue(opened.database, organizationId, issuer.id, { subjectIssuerId: issuer.id });
      const ids = await idsAt(testTime, 'root');
      expect(ids).toContain(issuer.id);
      // Certificates below it are still good.
      expect(ids).toContain(issuerId);
      await opened.database.write(({ knex }) =>
        knex('issuers').where({ id: issuer.id }).update({ state: 'retired' }),
      );
      expect(await idsAt(testTime, 'root')).not.toContain(issuerId);
    });

    test('nothing of a retired authority and nothing revoked is in it, and a revoked key is known', async () => {
      const retired = await activeAuthority(opened.database);
      const revoked = await activeAuthority(opened.database);
      const spki = async ({ issuerId }: { issuerId: string }): Promise<string> => {
        const row = await opened.database.reader('issuers').where({ id: issuerId }).first();
        return row.spki_sha256;
      };
      const keys = [await spki(retired), await spki(revoked), 'of nobody'];
      expect(await store().revokedKeys(keys)).toEqual([]);
      await opened.database.write(({ knex }) =>
        knex('issuers').where({ id: retired.issuerId }).update({ state: 'retired' }),
      );
      await changeStatus(opened.database, revoked.certificateId, revokedStatus, {
        revokesIssuerId: revoked.issuerId,
      });
      const ids = await idsAt(testTime, 'root');
      expect(ids).not.toContain(retired.issuerId);
      expect(ids).not.toContain(revoked.issuerId);
      expect(await store().revokedKeys(keys)).toEqual([keys[1]]);
      expect(await store().revokedKeys([])).toEqual([]);
    });
  });
