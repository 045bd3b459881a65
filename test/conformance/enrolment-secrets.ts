import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PendingCertificate } from '../../src/services/certificate-records.ts';
import type { EnrolmentSecret } from '../../src/services/enrolment-secret-records.ts';
import { InvalidCursor } from '../../src/services/pages.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import type { Database } from '../../src/storage/database.ts';
import { enrolmentSecretStore } from '../../src/storage/enrolment-secrets.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  bytes,
  newId,
  newOrganization,
  pending,
  request,
  seconds,
} from './fixtures.ts';

export const enrolmentSecretsConform = (name: string, open: OpenTestDatabase) =>
  describe(`enrolment secrets on ${name}`, () => {
    let opened: TestDatabase;
    /** Two processes where the database takes two; the same one twice otherwise. */
    let processes: readonly [Database, Database];
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      const { database } = opened;
      processes = [database, name === 'SQLite' ? database : await opened.open('process-2')];
    });
    afterAll(() => opened.remove());
    beforeEach(async () => {
      ca = await activeAuthority(opened.database);
    });

    const store = () => enrolmentSecretStore(opened.database);
    const issuance = (database = opened.database) => issuanceStore(database);
    const newSecret = (change: Partial<EnrolmentSecret> = {}): EnrolmentSecret => {
      const id = newId('ens');
      return {
        ...{ id, organizationId: ca.organizationId, label: 'cpo', commonName: 'DE*ICE*E1' },
        secretSha256: `sha256 of ${id}`,
        ...{ createdBy: 'client:test', createdAt: testTime, expiresAt: seconds(600) },
        ...change,
      };
    };
    const created = async (change: Partial<EnrolmentSecret> = {}): Promise<EnrolmentSecret> => {
      const secret = newSecret(change);
      const { organizationId, id } = secret;
      await store().createSecret({
        secret,
        audit: audit(organizationId, 'enrolment-secret.created', id),
      });
      return secret;
    };
    const withdraw = ({ id, organizationId }: EnrolmentSecret) =>
      store().withdrawSecret({
        id,
        audit: audit(organizationId, 'enrolment-secret.withdrawn', id),
      });
    const newPending = (change: Partial<PendingCertificate> = {}) =>
      pending(ca.organizationId, ca.issuerId, change);
    /** A request with a certificate that is to be made with the secret. */
    const asked = (secretId: string, change: Partial<PendingCertificate> = {}) => ({
      certificate: newPending(change),
      request: request(ca.organizationId, ca.authorityId, {
        repeatKey: newId('key'),
        repeatUntil: seconds(3600),
      }),
      secretId,
    });
    const record = async (command: ReturnType<typeof asked>, database = opened.database) =>
      (await issuance(database).recordPending(command)).outcome;
    const issue = ({ certificate, request: { id } }: ReturnType<typeof asked>) =>
      issuance().recordIssued({
        certificateId: certificate.id,
        leaseOwner: 'process-1',
        der: bytes(`der of ${certificate.id}`),
        requestId: id,
        audit: audit(ca.organizationId, 'certificate.issued', certificate.id),
      });
    const isStored = async ({ certificate, request: { id } }: ReturnType<typeof asked>) => {
      const certificates = certificateStore(opened.database);
      const found = [
        await certificates.findCertificate(certificate.id),
        await certificates.findRequest(id),
      ];
      return found.some((one) => one !== undefined);
    };
    const audited = async (id: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter(({ subject }) => subject === id).map(({ action }) => action);
    };

    test('a secret comes back as it was made, by its id and by its hash', async () => {
      const secret = await created();
      expect(await store().findSecret(secret.id)).toEqual(secret);
      expect(await store().findSecretByHash(secret.secretSha256)).toEqual(secret);
      expect(await store().findSecretByHash('another')).toBeUndefined();
      expect(await audited(secret.id)).toEqual(['enrolment-secret.created']);
    });

    test('C7: of 20 requests at once one uses the secret, and the others leave no trace', async () => {
      const { id } = await created();
      const tried = Array.from({ length: 20 }, () => asked(id));
      const outcomes = await Promise.all(
        tried.map((command, index) => record(command, processes[index % 2 === 0 ? 0 : 1])),
      );
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'secret-in-use')).toHaveLength(19);
      const winner = tried[outcomes.indexOf('recorded')];
      const stored = await Promise.all(tried.map(isStored));
      expect(stored.map((one, index) => one === (tried[index] === winner))).not.toContain(false);
      expect((await store().findSecret(id))?.use).toEqual({
        certificateId: winner?.certificate.id,
        isPending: true,
      });
    });

    test('a secret is used up by what is issued with it, for good', async () => {
      const { id } = await created();
      const first = asked(id);
      expect(await record(first)).toBe('recorded');
      expect(await issue(first)).toBe('issued');
      expect((await store().findSecret(id))?.use).toEqual({
        certificateId: first.certificate.id,
        isPending: false,
      });
      const second = asked(id);
      expect(await record(second)).toBe('secret-spent');
      expect(await isStored(second)).toBe(false);
    });

    test('the same request again is a repeat, whatever has become of the secret', async () => {
      const { id } = await created();
      const first = asked(id);
      await record(first);
      await issue(first);
      const again = {
        ...asked(id),
        request: { ...first.request, id: newId('request') },
      };
      const outcome = await issuance().recordPending(again);
      expect(outcome).toMatchObject({ outcome: 'repeat', request: { id: first.request.id } });
    });

    test('S3: what a killed process was making does not use the secret up', async () => {
      const { id } = await created();
      const lost = asked(id, { lease: { owner: 'killed', until: seconds(60) } });
      expect(await record(lost)).toBe('recorded');
      expect(await record(asked(id))).toBe('secret-in-use');
      await issuance().abandonExpired(seconds(61));
      expect((await store().findSecret(id))?.use).toBeUndefined();
      const next = asked(id);
      expect(await record(next)).toBe('recorded');
      expect(await issue(next)).toBe('issued');
      expect(await record(asked(id))).toBe('secret-spent');
    });

    test('a secret that is over or withdrawn makes nothing', async () => {
      const over = await created({ expiresAt: testTime });
      const gone = await created();
      expect(await withdraw(gone)).toBe('withdrawn');
      for (const { id } of [over, gone]) {
        const command = asked(id);
        expect(await record(command)).toBe('secret-spent');
        expect(await isStored(command)).toBe(false);
      }
      expect(await store().findSecret(gone.id)).toEqual({ ...gone, withdrawnAt: testTime });
    });

    test('what is withdrawn or used is not withdrawn again', async () => {
      const twice = await created();
      expect(await withdraw(twice)).toBe('withdrawn');
      expect(await withdraw(twice)).toBe('unchanged');
      expect(await audited(twice.id)).toHaveLength(2);
      const used = await created();
      const command = asked(used.id);
      await record(command);
      expect(await withdraw(used)).toBe('unchanged');
      await issue(command);
      expect(await withdraw(used)).toBe('unchanged');
      expect(await store().findSecret(used.id)).not.toHaveProperty('withdrawnAt');
    });

    test('pages go from the newest to the oldest, of one organization', async () => {
      const organizationId = await newOrganization(opened.database);
      const secrets: EnrolmentSecret[] = [];
      for (let age = 3; age > 0; age -= 1) {
        secrets.unshift(await created({ organizationId, createdAt: seconds(-age) }));
      }
      const filter = { organizationId };
      const first = await store().listSecrets(filter, { limit: 2 });
      expect(first.items).toEqual(secrets.slice(0, 2));
      const cursor = first.nextCursor ?? '';
      expect(await store().listSecrets(filter, { limit: 2, cursor })).toEqual({
        items: secrets.slice(2),
      });
      const { items } = await store().listSecrets({}, { limit: 200 });
      expect(items.map(({ id }) => id)).toEqual(
        expect.arrayContaining(secrets.map(({ id }) => id)),
      );
      await expect(store().listSecrets({}, { limit: 2, cursor: 'x' })).rejects.toThrow(
        InvalidCursor,
      );
    });
  });
