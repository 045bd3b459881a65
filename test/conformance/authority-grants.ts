import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { authorityGrantStore } from '../../src/storage/authority-grants.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityRecords,
  newId,
  newOrganization,
  pending,
} from './fixtures.ts';

export const authorityGrantsConform = (name: string, open: OpenTestDatabase) =>
  describe(`authority grants on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => authorityGrantStore(opened.database);
    const command = (owner: string, authorityId: string, organizationId: string, what: string) => ({
      authorityId,
      organizationId,
      audit: {
        ...audit(owner, `authority-grant.${what}`, authorityId),
        counterpart: organizationId,
      },
    });
    /** Whose logs an authority's grants stand in. */
    const entriesOf = async (authorityId: string) => {
      const streams = await auditStore(opened.database).listStreams();
      const entries = await Promise.all(
        streams.map(({ stream }) => auditStore(opened.database).readStream(stream, 0, 1_000)),
      );
      return entries
        .flat()
        .filter(({ subject, action }) => subject === authorityId && /grant/.test(action))
        .map(({ action, organizationId }) => `${action} ${organizationId}`);
    };

    /** An active root, another organization, and an authority of that one awaiting under the root. */
    const crossing = async () => {
      const above = await activeAuthority(opened.database);
      const other = await newOrganization(opened.database);
      const records = authorityRecords(other);
      const authority = { ...records.authority, parentId: above.authorityId };
      await authorityStore(opened.database).createAuthority({ ...records, authority });
      const sign = () =>
        issuanceStore(opened.database).recordPending({
          certificate: pending(other, above.issuerId),
          subjectIssuerId: records.issuer.id,
        });
      return { above, other, sign };
    };

    test('is given once and withdrawn once, with entries in both logs', async () => {
      const { above, other } = await crossing();
      const { organizationId: owner, authorityId } = above;
      const give = () => store().putGrant(command(owner, authorityId, other, 'granted'));
      const withdraw = () => store().deleteGrant(command(owner, authorityId, other, 'withdrawn'));
      expect((await Promise.all([give(), give(), give()])).sort()).toEqual([
        'exists',
        'exists',
        'granted',
      ]);
      const grant = { authorityId, organizationId: other, createdAt: testTime };
      expect(await store().findGrant(authorityId, other)).toEqual(grant);
      expect(await store().listGrants({ authorityId })).toEqual([grant]);
      expect(await store().listGrants({ organizationId: other })).toEqual([grant]);
      expect(await store().listGrants({ organizationId: owner })).toEqual([]);
      expect((await Promise.all([withdraw(), withdraw()])).sort()).toEqual([
        'missing',
        'withdrawn',
      ]);
      expect(await store().findGrant(authorityId, other)).toBeUndefined();
      expect(await entriesOf(authorityId)).toEqual([
        `authority-grant.granted ${owner}`,
        `authority-grant.granted ${other}`,
        `authority-grant.withdrawn ${owner}`,
        `authority-grant.withdrawn ${other}`,
      ]);
    });

    test('W8 without it, or withdrawn, no authority of another organization is certified', async () => {
      const { above, other, sign } = await crossing();
      const { organizationId: owner, authorityId } = above;
      expect(await sign()).toEqual({ outcome: 'not-granted' });
      await store().putGrant(command(owner, authorityId, other, 'granted'));
      expect(await sign()).toEqual({ outcome: 'recorded' });
      await store().deleteGrant(command(owner, authorityId, other, 'withdrawn'));
      expect(await sign()).toEqual({ outcome: 'not-granted' });
    });

    test('is for one authority and one organization', async () => {
      const one = await crossing();
      const two = await crossing();
      const { organizationId: owner, authorityId } = one.above;
      await store().putGrant(command(owner, authorityId, two.other, 'granted'));
      await store().putGrant(
        command(two.above.organizationId, two.above.authorityId, one.other, 'granted'),
      );
      expect(await one.sign()).toEqual({ outcome: 'not-granted' });
      expect(await two.sign()).toEqual({ outcome: 'not-granted' });
    });

    test('comes with the authority that it is for, once', async () => {
      const above = await activeAuthority(opened.database);
      const other = await newOrganization(opened.database);
      const grant = command(above.organizationId, above.authorityId, other, 'granted').audit;
      for (let count = 0; count < 2; count++) {
        const records = authorityRecords(other);
        const authority = { ...records.authority, parentId: above.authorityId };
        const create = { ...records, authority, grant };
        expect(await authorityStore(opened.database).createAuthority(create)).toBe('created');
      }
      expect(await store().findGrant(above.authorityId, other)).toBeDefined();
      expect(await entriesOf(above.authorityId)).toHaveLength(2);
    });

    test('nobody that does not exist is granted anything', async () => {
      const { organizationId: owner, authorityId } = await activeAuthority(opened.database);
      const nobody = newId('org');
      const grant = command(owner, authorityId, nobody, 'granted');
      await expect(store().putGrant(grant)).rejects.toThrow();
    });
  });
