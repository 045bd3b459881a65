import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Organization, OrganizationChange } from '../../src/services/organizations.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { organizationStore } from '../../src/storage/organizations.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { audit, authorityRecords, issue, newId, newOrganization } from './fixtures.ts';

export const organizationsConform = (name: string, open: OpenTestDatabase) =>
  describe(`organizations on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => organizationStore(opened.database);
    const create = (organization: Organization) =>
      store().createOrganization({
        organization,
        audit: audit(organization.id, 'organization.created', organization.id),
      });
    const change = (id: string, details: OrganizationChange) =>
      store().changeOrganization({
        id,
        change: details,
        audit: audit(id, 'organization.changed', id),
      });
    const entriesOf = async (id: string) => {
      const streams = await auditStore(opened.database).listStreams();
      const entries = await Promise.all(
        streams.map(({ stream }) => auditStore(opened.database).readStream(stream, 0, 1_000)),
      );
      return entries
        .flat()
        .filter(({ organizationId }) => organizationId === id)
        .map(({ action }) => action);
    };

    test('an organization is created once and changed by its id, each with its entry', async () => {
      const id = newId('org');
      const first: Organization = {
        id,
        name: 'Bahnhofstraße',
        country: 'DE',
        roles: ['cpo', 'mo'],
        stationsOnFirstSight: true,
        wmis: ['DEM', '1EV'],
        providers: ['DE8EV'],
        operators: ['DEICE', 'NLICE'],
      };
      expect(await create(first)).toBe('created');
      expect(await create({ id, name: 'Other', roles: [] })).toBe('exists');
      expect(await store().findOrganization(id)).toEqual(first);
      const second: Organization = { id, name: 'Other', roles: ['mo'] };
      const everything: OrganizationChange = {
        ...{ name: 'Other', country: null, roles: ['mo'], stationsOnFirstSight: false },
        ...{ wmis: [], providers: [], operators: [] },
      };
      expect(await change(id, everything)).toEqual(second);
      expect(await store().findOrganization(id)).toEqual(second);
      expect(await store().listOrganizations()).toEqual([second]);
      expect(await entriesOf(id)).toEqual(['organization.created', 'organization.changed']);
    });

    test('one that is not there is not changed', async () => {
      const id = newId('org');
      expect(await change(id, { name: 'Nobody' })).toBe('missing');
      expect(await store().findOrganization(id)).toBeUndefined();
      expect(await entriesOf(id)).toEqual([]);
    });

    test('a change leaves alone what it does not name', async () => {
      const id = newId('org');
      const first: Organization = {
        ...{ id, name: 'First', country: 'DE', roles: ['cpo'], stationsOnFirstSight: true },
      };
      await create(first);
      expect(await change(id, { name: 'Second' })).toEqual({ ...first, name: 'Second' });
      expect(await change(id, {})).toEqual({ ...first, name: 'Second' });
      const { country: _, ...rest } = first;
      expect(await change(id, { country: null })).toEqual({ ...rest, name: 'Second' });
      expect(await store().findOrganization(id)).toEqual({ ...rest, name: 'Second' });
    });

    test('of changes at once to different details none is lost', async () => {
      const changes: OrganizationChange[] = [
        ...[{ name: 'Second' }, { country: 'FR' }, { roles: ['mo' as const] }],
        ...[{ stationsOnFirstSight: true }, { wmis: ['DEM'] }, { providers: ['DE8EV'] }],
        { operators: ['DEICE'] },
      ];
      for (let round = 0; round < 5; round += 1) {
        const id = newId('org');
        await create({ id, name: 'First', country: 'DE', roles: ['cpo'] });
        await Promise.all(changes.map((one) => change(id, one)));
        expect(await store().findOrganization(id)).toEqual({
          ...{ id, name: 'Second', country: 'FR', roles: ['mo'], stationsOnFirstSight: true },
          ...{ wmis: ['DEM'], providers: ['DE8EV'], operators: ['DEICE'] },
        });
      }
    });

    test('an operator is taken while an organization has it, and by nothing like it', async () => {
      const id = newId('org');
      await create({ id, name: 'First', roles: ['cpo'], operators: ['SEAB1', 'SEAB2'] });
      expect(await store().isOperatorTaken('SEAB1')).toBe(true);
      expect(await store().isOperatorTaken('SEAB2')).toBe(true);
      for (const other of ['SEAB3', 'SEAB', 'EAB1', 'S%', '_EAB1', '"', '']) {
        expect(await store().isOperatorTaken(other), other).toBe(false);
      }
      await change(id, { operators: ['SEAB2'] });
      expect(await store().isOperatorTaken('SEAB1')).toBe(false);
      await change(id, { operators: [] });
      expect(await store().isOperatorTaken('SEAB2')).toBe(false);
    });

    test('of concurrent creations one creates', async () => {
      const id = newId('org');
      const outcomes = await Promise.all(
        ['a', 'b', 'c'].map((name) => create({ id, name, roles: [] })),
      );
      expect(outcomes.sort()).toEqual(['created', 'exists', 'exists']);
    });

    test('its name stays while a key that is named after it awaits a certificate', async () => {
      const id = await newOrganization(opened.database);
      const before = await store().findOrganization(id);
      if (!before) throw new Error('it is missing');
      const records = authorityRecords(id);
      await authorityStore(opened.database).createAuthority(records);
      expect(await change(id, { name: 'Other' })).toBe('authority-awaiting');
      expect(await change(id, { country: 'FR' })).toBe('authority-awaiting');
      expect(await store().findOrganization(id)).toEqual(before);
      // What is in no name is free to change.
      const changed: OrganizationChange = { roles: ['mo'], stationsOnFirstSight: true };
      expect(await change(id, { ...changed, name: before.name })).toEqual({
        ...{ ...before, roles: ['mo'], stationsOnFirstSight: true },
      });

      await issue(opened.database, id, records.issuer.id, { subjectIssuerId: records.issuer.id });
      expect(await change(id, { name: 'Other' })).toMatchObject({ name: 'Other', roles: ['mo'] });
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
      const before = (await store().listOrganizations()).length;
      expect(await store().findOrganization(hostile)).toBeUndefined();
      const organization = { id: hostile, name: hostile, roles: [] };
      await create(organization);
      expect(await store().findOrganization(hostile)).toEqual(organization);
      expect(await store().listOrganizations()).toHaveLength(before + 1);
    });
  });
