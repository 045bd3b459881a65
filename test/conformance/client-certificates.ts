import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient, ClientCertificate } from '../../src/services/access-records.ts';
import { accessStore } from '../../src/storage/access.ts';
import { apiClientStore } from '../../src/storage/api-clients.ts';
import { clientCertificateStore } from '../../src/storage/client-certificates.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, newId, newOrganization, seconds } from './fixtures.ts';

export const clientCertificatesConform = (name: string, open: OpenTestDatabase) =>
  describe(`certificates of API clients on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => clientCertificateStore(opened.database);
    const access = () => accessStore(opened.database);
    const newClient = async (change: Partial<ApiClient> = {}): Promise<ApiClient> => {
      const id = newId('client');
      const organizationId = await newOrganization(opened.database);
      const client: ApiClient = {
        ...{ id, organizationId, name: 'Somebody', roles: ['csms'], createdAt: testTime },
        secretSha256: `secret of ${id}`,
        ...change,
      };
      await apiClientStore(opened.database).createClient({
        client,
        audit: audit(organizationId, 'client.created', id),
      });
      return client;
    };
    const certificateOf = (
      { id }: ApiClient,
      change: Partial<ClientCertificate> = {},
    ): ClientCertificate => ({
      sha256: newId('sha256'),
      clientId: id,
      certificate: new Uint8Array([0, 255, 1]),
      subject: 'CN=a',
      notBefore: seconds(-10),
      notAfter: seconds(1000),
      addedAt: testTime,
      ...change,
    });
    const add = ({ id, organizationId }: ApiClient, certificate: ClientCertificate, limit = 20) =>
      store().addCertificate({
        certificate,
        limit,
        audit: audit(organizationId, 'certificate.added', id),
      });
    const remove = ({ id, organizationId }: ApiClient, sha256: string) =>
      store().removeCertificate({
        ...{ clientId: id, sha256 },
        audit: audit(organizationId, 'certificate.removed', id),
      });
    const disable = ({ id, organizationId }: ApiClient) =>
      apiClientStore(opened.database).disableClient({
        ...{ clientId: id, keepOneOf: [] },
        audit: audit(organizationId, 'client.disabled', id),
      });
    const holder = async (sha256: string) => (await access().findClientOfCertificate(sha256))?.id;
    const entriesAbout = async ({ id }: ApiClient): Promise<string[]> =>
      (
        await opened.database.reader('audit_entries').where({ subject: id }).orderBy('sequence')
      ).map(({ action }) => action);

    test('are found with their client, and listed from old to new', async () => {
      const client = await newClient({ expiresAt: seconds(1000) });
      const older = certificateOf(client, { addedAt: seconds(-5) });
      const newer = certificateOf(client);
      expect([await add(client, newer), await add(client, older)]).toEqual(['added', 'added']);
      expect(await access().findClientOfCertificate(older.sha256)).toEqual(client);
      expect(await holder('none')).toBeUndefined();
      expect(await store().listCertificates(client.id)).toEqual([older, newer]);
      expect(await store().listCertificates('none')).toEqual([]);
    });

    test('are removed from their client alone', async () => {
      const [client, other] = [await newClient(), await newClient()];
      const certificate = certificateOf(client);
      await add(client, certificate);
      expect(await remove(other, certificate.sha256)).toBe('missing');
      expect(await holder(certificate.sha256)).toBe(client.id);
      expect(await remove(client, certificate.sha256)).toBe('removed');
      expect(await remove(client, certificate.sha256)).toBe('missing');
      expect(await holder(certificate.sha256)).toBeUndefined();
      expect(await entriesAbout(client)).toEqual([
        'client.created',
        'certificate.added',
        'certificate.removed',
      ]);
      expect(await entriesAbout(other)).toEqual(['client.created']);
    });

    test('are of one client: of many at once one gets it', async () => {
      const clients = await Promise.all([1, 2, 3].map(() => newClient()));
      const sha256 = newId('sha256');
      const outcomes = await Promise.all(
        clients.map((client) => add(client, certificateOf(client, { sha256 }))),
      );
      expect([...outcomes].sort()).toEqual(['added', 'taken', 'taken']);
      const winner = clients[outcomes.indexOf('added')] as ApiClient;
      expect(await holder(sha256)).toBe(winner.id);
      expect(await add(winner, certificateOf(winner, { sha256 }))).toBe('exists');
      const entries = await Promise.all(clients.map(entriesAbout));
      expect(entries.flat().filter((action) => action === 'certificate.added')).toHaveLength(1);
    });

    test('are as many as may be, also of several at once', async () => {
      const client = await newClient();
      const all = Array.from({ length: 4 }, () => certificateOf(client));
      const outcomes = await Promise.all(all.map((one) => add(client, one, 2)));
      expect([...outcomes].sort()).toEqual(['added', 'added', 'too-many', 'too-many']);
      const [first] = await store().listCertificates(client.id);
      expect(await add(client, first as ClientCertificate, 2)).toBe('exists');
    });

    test('of those who have ended are for others to take, and not for them', async () => {
      const [ended, passing, next] = [
        await newClient(),
        await newClient({ expiresAt: seconds(5) }),
        await newClient(),
      ];
      const [one, two] = [certificateOf(ended), certificateOf(passing)];
      await add(ended, one);
      await add(passing, two);
      await disable(ended);
      const later = { addedAt: seconds(5) };
      expect(await add(ended, certificateOf(ended))).toBe('client-ended');
      expect(await add(passing, certificateOf(passing, later))).toBe('client-ended');
      expect(await add(next, certificateOf(next, { sha256: two.sha256 }))).toBe('taken');
      expect(await add(next, certificateOf(next, { sha256: one.sha256, ...later }))).toBe('added');
      expect(await add(next, certificateOf(next, { sha256: two.sha256, ...later }))).toBe('added');
      expect([await holder(one.sha256), await holder(two.sha256)]).toEqual([next.id, next.id]);
    });

    test('show that their client was here, to the minute', async () => {
      const client = await newClient();
      const lastUsed = async () => (await access().findClient(client.id))?.lastUsedAt;
      for (const second of [0, 59]) await access().noteUse(client.id, seconds(second));
      expect(await lastUsed()).toEqual(seconds(0));
      await access().noteUse(client.id, seconds(60));
      expect(await lastUsed()).toEqual(seconds(60));
    });
  });
