import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RootEnd } from '../../src/services/root-ends.ts';
import type { TrustAnchor } from '../../src/services/trust-anchor-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { rootEndStore } from '../../src/storage/root-ends.ts';
import { trustAnchorStore } from '../../src/storage/trust-anchors.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityBelow,
  bytes,
  changeStatus,
  newId,
  newOrganization,
  revoked,
  seconds,
} from './fixtures.ts';

export const rootEndsConform = (name: string, open: OpenTestDatabase) =>
  describe(`the ends of roots on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => rootEndStore(opened.database);
    const next = (...profiles: string[]) => store().nextEnds(profiles, 1_000);
    const ids = async (...profiles: string[]) => (await next(...profiles)).map(({ id }) => id);
    const note = (root: Pick<RootEnd, 'id' | 'organizationId' | 'own'>) =>
      store().noteEnd({ root, audit: audit(root.organizationId, 'root.expired', root.id) });
    const audited = async (id: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 100_000);
      return entries.filter(({ subject, action }) => subject === id && action === 'root.expired');
    };
    const anchors = () => trustAnchorStore(opened.database);
    async function newAnchor(end: number) {
      const organizationId = await newOrganization(opened.database);
      const id = newId('anc');
      const anchor: TrustAnchor = {
        ...{ id, organizationId, sha256: `sha256 of ${id}`, certificate: bytes(`der of ${id}`) },
        ...{ subject: `CN=${id}`, notBefore: testTime, notAfter: seconds(end), rootType: 'MO' },
        ...{ purposes: ['distribute'], addedAt: testTime },
      };
      await anchors().importAnchor({
        ...{ anchor, nameKey: id, limit: 10 },
        audit: audit(organizationId, 'trust-anchor.imported', id),
      });
      return anchor;
    }

    test('roots of these profiles and all anchors are listed, the nearest end first', async () => {
      const late = await newAnchor(7200);
      const early = await newAnchor(10);
      const own = await activeAuthority(opened.database);
      const below = await authorityBelow(opened.database, own.issuerId);
      const found = await next('root', 'sub-ca');
      const ends = found.map(({ notAfter }) => notAfter.getTime());
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
      const { id, organizationId, certificate, subject, notAfter, rootType } = early;
      expect(found).toContainEqual({
        ...{ id, organizationId, certificate, subject, notAfter, rootType },
      });
      expect(found).toContainEqual({
        ...{ id: own.issuerId, organizationId: own.organizationId, notAfter: seconds(3600) },
        own: {
          authorityId: own.authorityId,
          certificateId: own.certificateId,
          profile: 'root',
        },
        certificate: bytes(`der of ${own.certificateId}`),
        subject: `CN=${own.certificateId}`,
      });
      expect(found.map((one) => one.id)).toContain(late.id);
      expect(found.map((one) => one.id)).not.toContain(below.issuerId);
      expect(await ids('other')).not.toContain(own.issuerId);
      expect((await store().nextEnds(['root'], 1))[0]?.id).toBe(early.id);
    });

    test('what is revoked, stopped or removed has no end to be told', async () => {
      const ended = await activeAuthority(opened.database);
      const stopped = await activeAuthority(opened.database);
      await changeStatus(opened.database, ended.certificateId, revoked, {
        revokesIssuerId: ended.issuerId,
      });
      await opened.database.write(({ knex }) =>
        knex('issuers').where({ id: stopped.issuerId }).update({ state: 'retired' }),
      );
      const removed = await newAnchor(10);
      const { id, organizationId } = removed;
      expect(await ids()).toContain(id);
      const entry = audit(organizationId, 'trust-anchor.removed', id);
      await anchors().removeAnchor({ id, audit: entry });
      const found = await ids('root');
      for (const gone of [ended.issuerId, stopped.issuerId, id]) expect(found).not.toContain(gone);
      expect(await note(removed)).toBe('known');
      expect(await audited(id)).toEqual([]);
    });

    test('an end is noted once, however many look at once, and is not listed again', async () => {
      const anchor = await newAnchor(10);
      const authority = await activeAuthority(opened.database);
      const { issuerId: id, organizationId, authorityId, certificateId } = authority;
      const own = { authorityId, certificateId, profile: 'root' };
      for (const root of [anchor, { id, organizationId, own }]) {
        const outcomes = await Promise.all([note(root), note(root), note(root)]);
        expect(outcomes.sort()).toEqual(['known', 'known', 'noted']);
        expect(await note(root)).toBe('known');
        expect(await audited(root.id)).toHaveLength(1);
        expect(await ids('root')).not.toContain(root.id);
      }
    });
  });
