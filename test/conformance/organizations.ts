import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditStore } from '../../src/storage/audit.ts';
import { organizationStore } from '../../src/storage/organizations.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { newId } from './fixtures.ts';

export const organizationsConform = (name: string, open: OpenTestDatabase) =>
  describe(`organizations on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    test('an organization comes back as it was put, and is updated by its id', async () => {
      const store = organizationStore(opened.database);
      const id = newId('org');
      const first = {
        id,
        name: 'Bahnhofstraße',
        country: 'DE',
        roles: ['cpo', 'mo'] as const,
        stationsOnFirstSight: true,
      };
      await store.putOrganization(first, testTime);
      expect(await store.findOrganization(id)).toEqual(first);
      const second = { id, name: 'Other', roles: [] };
      await store.putOrganization(second, testTime);
      expect(await store.findOrganization(id)).toEqual(second);
      expect(await store.listOrganizations()).toEqual([second]);
    });

    test('what changes has an audit entry, and what is so already has none', async () => {
      const store = organizationStore(opened.database);
      const id = newId('org');
      for (const name of ['A', 'A', 'B', 'B']) {
        await store.putOrganization({ id, name, roles: ['cpo'] }, testTime);
      }
      const { items } = await auditStore(opened.database).listEntries(
        { organizationId: id },
        { limit: 10 },
      );
      expect(items.map(({ action, details }) => [action, JSON.parse(details).name])).toEqual([
        ['organization.changed', 'B'],
        ['organization.created', 'A'],
      ]);
    });

    test.each([
      `' OR 1=1 --`,
      `x'); DROP TABLE organizations; --`,
      '"; SELECT 1; --',
      '? ?? :name $1 \\? %s',
      '\\',
      '` "',
      '🔌',
    ])('W2: %s is a value and nothing else', async (hostile) => {
      const store = organizationStore(opened.database);
      const before = (await store.listOrganizations()).length;
      expect(await store.findOrganization(hostile)).toBeUndefined();
      const organization = { id: hostile, name: hostile, roles: [] };
      await store.putOrganization(organization, testTime);
      expect(await store.findOrganization(hostile)).toEqual(organization);
      expect(await store.listOrganizations()).toHaveLength(before + 1);
    });
  });
