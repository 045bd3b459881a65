import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidCursor } from '../../src/services/pages.ts';
import type { TrustAnchor } from '../../src/services/trust-anchor-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { trustAnchorStore } from '../../src/storage/trust-anchors.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, bytes, newId, newOrganization, seconds } from './fixtures.ts';

export const trustAnchorsConform = (name: string, open: OpenTestDatabase) =>
  describe(`trust anchors on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => trustAnchorStore(opened.database);
    const newAnchor = (organizationId: string, change: Partial<TrustAnchor> = {}): TrustAnchor => {
      const id = newId('anc');
      return {
        ...{ id, organizationId, sha256: `sha256 of ${id}`, certificate: bytes(`der of ${id}`) },
        ...{ subject: `CN=${id}`, notBefore: testTime, notAfter: seconds(3600) },
        ...{ purposes: ['distribute'], addedAt: testTime },
        ...change,
      };
    };
    const add = (anchor: TrustAnchor, { nameKey = anchor.subject, limit = 100 } = {}) =>
      store().importAnchor({
        ...{ anchor, nameKey, limit },
        audit: audit(anchor.organizationId, 'trust-anchor.imported', anchor.id),
      });
    const change = (
      { id, organizationId }: TrustAnchor,
      from: TrustAnchor['purposes'],
      to: TrustAnchor['purposes'],
    ) =>
      store().changePurposes({
        ...{ id, from, to },
        audit: audit(organizationId, 'trust-anchor.trusted', id),
      });
    const remove = ({ id, organizationId }: TrustAnchor) =>
      store().removeAnchor({ id, audit: audit(organizationId, 'trust-anchor.removed', id) });
    const audited = async ({ id }: TrustAnchor) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter(({ subject }) => subject === id).map(({ action }) => action);
    };

    test('an anchor comes back as it was imported, by its id and by its certificate', async () => {
      const anchor = newAnchor(await newOrganization(opened.database));
      expect(await add(anchor)).toBe('imported');
      expect(await store().findAnchor(anchor.id)).toEqual(anchor);
      expect(await store().findAnchorOf(anchor.organizationId, anchor.sha256)).toEqual(anchor);
      expect(await store().findAnchorOf('another', anchor.sha256)).toBeUndefined();
      expect(await store().findAnchor('another')).toBeUndefined();
    });

    test('as what it is listed comes back, and is changed by who knows what it was', async () => {
      const organizationId = await newOrganization(opened.database);
      const listed = newAnchor(organizationId, { rootType: 'MO' });
      const silent = newAnchor(organizationId);
      for (const anchor of [listed, silent]) await add(anchor);
      expect(await store().findAnchor(listed.id)).toEqual(listed);
      const say = (
        { id }: TrustAnchor,
        from: TrustAnchor['rootType'],
        to: NonNullable<TrustAnchor['rootType']>,
      ) =>
        store().changeRootType({
          ...{ id, from, to },
          audit: audit(organizationId, 'trust-anchor.listed', id),
        });
      expect(await say(silent, 'OEM', 'MO')).toBe('stale');
      expect(await say(silent, undefined, 'OEM')).toBe('changed');
      expect(await say(listed, undefined, 'V2G')).toBe('stale');
      expect(await say(listed, 'MO', 'V2G')).toBe('changed');
      expect(await store().findAnchor(silent.id)).toEqual({ ...silent, rootType: 'OEM' });
      expect(await store().findAnchor(listed.id)).toEqual({ ...listed, rootType: 'V2G' });
      expect(await audited(silent)).toEqual(['trust-anchor.imported', 'trust-anchor.listed']);
      await remove(silent);
      expect(await say(silent, 'OEM', 'MO')).toBe('stale');
      await expect(add(newAnchor(organizationId, { rootType: 'ANY' as 'PE' }))).rejects.toThrow();
    });

    test('a certificate is imported once for each organization, whoever tries at once', async () => {
      const organizationId = await newOrganization(opened.database);
      const first = newAnchor(organizationId);
      const { sha256 } = first;
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => add(newAnchor(organizationId, { sha256 }))),
      );
      expect(outcomes.filter((outcome) => outcome === 'imported')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(9);
      expect(await add(first)).toBe('exists');
      expect(await audited(first)).toEqual([]);
      const elsewhere = newAnchor(await newOrganization(opened.database), { sha256 });
      expect(await add(elsewhere)).toBe('imported');
    });

    test('an organization has no more than its limit, and those removed do not count', async () => {
      const organizationId = await newOrganization(opened.database);
      const anchors = Array.from({ length: 6 }, () => newAnchor(organizationId));
      const outcomes = await Promise.all(anchors.map((anchor) => add(anchor, { limit: 3 })));
      expect(outcomes.filter((outcome) => outcome === 'imported')).toHaveLength(3);
      expect(outcomes.filter((outcome) => outcome === 'too-many')).toHaveLength(3);
      const there = anchors[outcomes.indexOf('imported')] as TrustAnchor;
      expect(await remove(there)).toBe('removed');
      expect(await add(newAnchor(organizationId), { limit: 3 })).toBe('imported');
    });

    test('what it is for changes from what it was, and from nothing else', async () => {
      const anchor = newAnchor(await newOrganization(opened.database));
      await add(anchor);
      expect(await change(anchor, ['distribute'], ['distribute', 'v2g'])).toBe('changed');
      expect(await change(anchor, ['distribute'], ['oem-provisioning'])).toBe('stale');
      const { purposes } = (await store().findAnchor(anchor.id)) as TrustAnchor;
      expect(purposes).toEqual(['distribute', 'v2g']);
      expect(await audited(anchor)).toEqual(['trust-anchor.imported', 'trust-anchor.trusted']);
    });

    test('one that is removed is nowhere, and can be imported anew', async () => {
      const anchor = newAnchor(await newOrganization(opened.database), { purposes: ['v2g'] });
      await add(anchor);
      const outcomes = await Promise.all([remove(anchor), remove(anchor)]);
      expect(outcomes.sort()).toEqual(['missing', 'removed']);
      const { organizationId, sha256, subject } = anchor;
      expect(await store().findAnchor(anchor.id)).toBeUndefined();
      expect(await store().findAnchorOf(organizationId, sha256)).toBeUndefined();
      expect(await store().anchorsNamed(organizationId, 'v2g', [subject])).toEqual([]);
      expect(await change(anchor, ['v2g'], ['distribute'])).toBe('stale');
      const page = await store().listAnchors({ organizationId }, { limit: 10 });
      expect(page).toEqual({ items: [] });
      expect(await audited(anchor)).toEqual(['trust-anchor.imported', 'trust-anchor.removed']);
      const again = newAnchor(organizationId, { sha256 });
      expect(await add(again)).toBe('imported');
      expect(await store().findAnchorOf(organizationId, sha256)).toEqual(again);
    });

    test('W8 by name only those of the organization that are for the purpose', async () => {
      const organizationId = await newOrganization(opened.database);
      const other = await newOrganization(opened.database);
      const [mine, twin, distributed, foreign, third] = [
        newAnchor(organizationId, { purposes: ['distribute', 'v2g'] }),
        newAnchor(organizationId, { purposes: ['v2g'] }),
        newAnchor(organizationId),
        newAnchor(other, { purposes: ['v2g'] }),
        newAnchor(organizationId, { purposes: ['oem-provisioning', 'v2g'] }),
      ] as const;
      for (const anchor of [mine, twin, distributed, foreign])
        await add(anchor, { nameKey: 'one' });
      await add(third, { nameKey: 'three' });
      const named = (purpose: 'v2g' | 'oem-provisioning', ...keys: string[]) =>
        store().anchorsNamed(organizationId, purpose, keys);
      expect(await named('v2g', 'one')).toEqual([mine.certificate, twin.certificate]);
      expect(await named('v2g', 'two', 'three', 'one')).toEqual([
        mine.certificate,
        twin.certificate,
        third.certificate,
      ]);
      expect(await named('oem-provisioning', 'one', 'three')).toEqual([third.certificate]);
      expect(await named('v2g', 'two')).toEqual([]);
      expect(await named('v2g')).toEqual([]);
    });

    test('pages are complete, newest first, and keep to organization and purpose', async () => {
      const organizationId = await newOrganization(opened.database);
      const anchors: TrustAnchor[] = [];
      for (let index = 0; index < 5; index++) {
        const purposes = index % 2 === 0 ? (['v2g'] as const) : (['distribute'] as const);
        // Pairs of one moment.
        const addedAt = seconds(Math.floor(index / 2));
        const anchor = newAnchor(organizationId, { addedAt, purposes });
        await add(anchor);
        anchors.unshift(anchor);
      }
      await add(newAnchor(await newOrganization(opened.database)));
      const walk = async (filter: Parameters<ReturnType<typeof store>['listAnchors']>[0]) => {
        const items: TrustAnchor[] = [];
        let cursor: string | undefined;
        do {
          const position = cursor === undefined ? {} : { cursor };
          const page = await store().listAnchors(filter, { limit: 2, ...position });
          expect(page.items.length).toBeLessThanOrEqual(2);
          items.push(...page.items);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return items;
      };
      expect(await walk({ organizationId })).toEqual(anchors);
      const trusted = anchors.filter(({ purposes }) => purposes.includes('v2g'));
      expect(await walk({ organizationId, purpose: 'v2g' })).toEqual(trusted);
      expect((await walk({})).length).toBeGreaterThan(anchors.length);
    });

    test('W2: a cursor that was made up is refused', async () => {
      const listing = store().listAnchors({}, { limit: 1, cursor: 'nonsense' });
      await expect(listing).rejects.toThrow(InvalidCursor);
    });
  });
