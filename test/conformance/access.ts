import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../../src/services/access-records.ts';
import { InvalidCursor } from '../../src/services/pages.ts';
import { accessStore } from '../../src/storage/access.ts';
import { apiClientStore } from '../../src/storage/api-clients.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, newId, newOrganization, seconds } from './fixtures.ts';

const offered = audit('instance', 'bootstrap.offered', 'bootstrap');

export const accessConforms = (name: string, open: OpenTestDatabase) =>
  describe(`access on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => accessStore(opened.database);
    const clients = () => apiClientStore(opened.database);
    const newClient = async (change: Partial<ApiClient> = {}) => {
      const id = newId('client');
      const organizationId = await newOrganization(opened.database);
      const client: ApiClient = {
        id,
        organizationId,
        name: 'Somebody',
        roles: ['cpo-operator', 'auditor'],
        secretSha256: `secret of ${id}`,
        createdAt: testTime,
        ...change,
      };
      return { client, audit: audit(client.organizationId, 'client.created', id) };
    };
    const stored = async (change: Partial<ApiClient> = {}): Promise<ApiClient> => {
      const command = await newClient(change);
      await clients().createClient(command);
      return command.client;
    };
    const rotate = (client: ApiClient, change: { from?: string; until?: Date } = {}) =>
      clients().rotateSecret({
        clientId: client.id,
        from: change.from ?? client.secretSha256,
        secretSha256: `next ${change.from ?? client.secretSha256}`,
        oldUntil: change.until ?? seconds(10),
        audit: audit(client.organizationId, 'client.rotated', client.id),
      });
    const disable = (client: ApiClient, keepOneOf: string[] = [], at = testTime) =>
      clients().disableClient({
        clientId: client.id,
        keepOneOf,
        audit: { ...audit(client.organizationId, 'client.disabled', client.id), at },
      });
    const entriesAbout = async ({ id }: ApiClient): Promise<string[]> =>
      (
        await opened.database.reader('audit_entries').where({ subject: id }).orderBy('sequence')
      ).map(({ action }) => action);

    test('the bootstrap secret is replaced until it is used, and makes one client', async () => {
      expect(await store().findBootstrap()).toBeUndefined();
      expect(await store().createFirstClient(await newClient())).toBe('used');
      expect(await store().putBootstrap('first', seconds(1), offered)).toBe('stored');
      expect(await store().putBootstrap('second', seconds(2), offered)).toBe('stored');
      const bootstrap = { secretSha256: 'second', expiresAt: seconds(2) };
      expect(await store().findBootstrap()).toEqual(bootstrap);

      const commands = [await newClient(), await newClient(), await newClient()];
      const outcomes = await Promise.all(commands.map((one) => store().createFirstClient(one)));
      expect([...outcomes].sort()).toEqual(['created', 'used', 'used']);
      const found = await Promise.all(commands.map((one) => store().findClient(one.client.id)));
      const winner = outcomes.indexOf('created');
      expect(found.filter((client) => client !== undefined)).toEqual([commands[winner]?.client]);

      expect(await store().findBootstrap()).toBe('used');
      expect(await store().putBootstrap('third', seconds(3), offered)).toBe('used');
      expect(await store().findBootstrap()).toBe('used');
    });

    test('a client that cannot be created leaves the bootstrap secret, K6 and no audit entry', async () => {
      const fresh = await open();
      const access = accessStore(fresh.database);
      await access.putBootstrap('secret', seconds(1), offered);
      const command = await newClient();
      await expect(access.createFirstClient(command)).rejects.toThrow();
      expect(await access.findBootstrap()).toMatchObject({ secretSha256: 'secret' });
      const entries: { action: string }[] = await fresh.database.reader('audit_entries');
      expect(entries.map(({ action }) => action)).toEqual(['bootstrap.offered']);
      await fresh.remove();
    });

    test('a client is found as it was stored', async () => {
      const client = await stored({ expiresAt: seconds(1000), createdBy: 'client:maker' });
      expect(await store().findClient(client.id)).toEqual(client);
      expect(await clients().findClient(client.id)).toEqual(client);
    });

    test('a client was last here to the minute', async () => {
      const client = await stored();
      const other = await stored();
      const lastUsed = async () => (await store().findClient(client.id))?.lastUsedAt;
      for (const at of [0, 59]) await store().noteUse(client.id, seconds(at));
      expect(await lastUsed()).toEqual(seconds(0));
      await store().noteUse(client.id, seconds(60));
      expect(await lastUsed()).toEqual(seconds(60));
      expect((await store().findClient(other.id))?.lastUsedAt).toBeUndefined();
      await store().noteUse('cli_nobody', seconds(1));
    });

    test('W4 a rotated secret stands beside the new one until its end', async () => {
      const client = await stored();
      expect(await rotate(client)).toBe('rotated');
      expect(await store().findClient(client.id)).toMatchObject({
        secretSha256: `next ${client.secretSha256}`,
        oldSecret: { sha256: client.secretSha256, until: seconds(10) },
      });
      expect(await entriesAbout(client)).toEqual(['client.created', 'client.rotated']);
    });

    test('of two rotations at once one is done; a third secret ends the first', async () => {
      const client = await stored();
      const outcomes = await Promise.all([rotate(client), rotate(client)]);
      expect(outcomes.sort()).toEqual(['changed', 'rotated']);
      expect(await rotate(client, { from: `next ${client.secretSha256}` })).toBe('rotated');
      expect(JSON.stringify(await store().findClient(client.id))).not.toContain(
        `"${client.secretSha256}"`,
      );
    });

    test('a disabled client stays disabled and listed', async () => {
      const client = await stored();
      expect(await disable(client)).toBe('disabled');
      expect(await disable(client, [], seconds(9))).toBe('unchanged');
      expect(await store().findClient(client.id)).toMatchObject({ disabledAt: testTime });
      expect(await rotate(client)).toBe('changed');
      expect(await entriesAbout(client)).toEqual(['client.created', 'client.disabled']);
    });

    test('the last lasting client of a role is kept, also from two that end each other', async () => {
      const role = `super-${newId('role').replaceAll(/\d/g, 'x')}`;
      const member = (change: Partial<ApiClient> = {}) => stored({ roles: ['a', role], ...change });
      const passing = await member({ expiresAt: seconds(10) });
      const [one, two] = [await member(), await member()];
      const longer = await stored({ roles: [`${role}-too`] });
      const outcomes = await Promise.all([disable(one, [role]), disable(two, [role])]);
      expect(outcomes.sort()).toEqual(['disabled', 'last']);
      expect(await disable(passing, [role])).toBe('disabled');
      expect(await disable(longer, [role])).toBe('disabled');
    });

    test('pages of clients go from new to old, for one organization or all', async () => {
      const organizationId = await newOrganization(opened.database);
      const made: ApiClient[] = [];
      for (const age of [3, 2, 2, 1]) {
        made.push(await stored({ organizationId, createdAt: seconds(-age) }));
      }
      const expected = made.map(({ id }) => id).reverse();
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await clients().listClients(
          { organizationId },
          { limit: 3, ...(cursor === undefined ? {} : { cursor }) },
        );
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(expected);
      const all = await clients().listClients({}, { limit: 200 });
      expect(all.items.length).toBeGreaterThan(made.length);
      expect(all.items.map(({ id }) => id)).toEqual(expect.arrayContaining(expected));
      await expect(clients().listClients({}, { limit: 1, cursor: 'bm9wZQ' })).rejects.toThrow(
        InvalidCursor,
      );
    });
  });
