import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessStore } from '../../src/storage/access.ts';
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
    const newClient = async () => {
      const id = newId('client');
      const organizationId = await newOrganization(opened.database);
      const client = {
        id,
        organizationId,
        name: 'Somebody',
        roles: ['administrator', 'auditor'],
        secretSha256: 'ab',
        createdAt: testTime,
      };
      return { client, audit: audit(organizationId, 'client.created', id) };
    };

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
      const clients = await Promise.all(commands.map((one) => store().findClient(one.client.id)));
      const winner = outcomes.indexOf('created');
      expect(clients.filter((client) => client !== undefined)).toEqual([commands[winner]?.client]);

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

    test('tokens are found until they are deleted after their end', async () => {
      const command = await newClient();
      await store().createClient(command);
      expect(await store().findClient(command.client.id)).toEqual(command.client);
      const tokens = [1, 2, 3].map((end) => ({
        tokenSha256: `token ${end}`,
        clientId: command.client.id,
        expiresAt: seconds(end),
      }));
      for (const token of tokens) await store().createToken(token);
      expect(await store().findToken('token 2')).toEqual(tokens[1]);
      expect(await store().deleteExpiredTokens(seconds(2))).toBe(1);
      expect(await store().findToken('token 1')).toBeUndefined();
      expect(await store().findToken('token 2')).toEqual(tokens[1]);
    });
  });
