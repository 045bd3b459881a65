import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidCursor } from '../../src/services/pages.ts';
import type {
  ProvisioningCertificate,
  ProvisioningRecord,
} from '../../src/services/provisioning-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { provisioningStore } from '../../src/storage/provisioning.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  audit,
  newId,
  newOrganization,
  newRegistration,
  seconds,
  toOperators,
} from './fixtures.ts';

export const provisioningConforms = (name: string, open: OpenTestDatabase) =>
  describe(`provisioning certificates on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => provisioningStore(opened.database);
    const certificateFor = newRegistration;
    const register = (certificate: ProvisioningCertificate, replaces?: string) =>
      store().register({
        certificate,
        ...(replaces === undefined ? {} : { replaces }),
        audit: [
          ...(replaces === undefined
            ? []
            : [audit(certificate.organizationId, 'provisioning-certificate.replaced', replaces)]),
          audit(certificate.organizationId, 'provisioning-certificate.registered', certificate.id),
        ],
        forOperators: toOperators(certificate.pcid),
      });
    const remove = ({ id, organizationId, pcid }: ProvisioningCertificate) =>
      store().deleteRegistered({
        id,
        audit: audit(organizationId, 'provisioning-certificate.deleted', id),
        forOperators: toOperators(pcid, 'vehicle.deregistered'),
      });
    const audited = async (id: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter(({ subject }) => subject === id).map(({ action }) => action);
    };

    test('one comes back as it was registered: by its id, its PCID and its hash', async () => {
      const one = certificateFor(await newOrganization(opened.database), {
        standard: 'iso15118-20',
        x448PublicKey: new Uint8Array(56).fill(9),
      });
      expect(await register(one)).toBe('registered');
      expect(await store().findProvisioning(one.id)).toEqual({ ...one, state: 'registered' });
      expect(await store().findByPcid(one.pcid, 'iso15118-20')).toEqual(one);
      expect(await store().findBySha256(one.sha256)).toEqual(one);
      expect(await store().findByPcid(one.pcid, 'iso15118-2')).toBeUndefined();
      expect(await store().findBySha256('another')).toBeUndefined();
      expect(await store().findProvisioning('pcp-none')).toBeUndefined();
      expect(await audited(one.id)).toEqual(['provisioning-certificate.registered']);
    });

    test('one without certificates above it has none', async () => {
      const one = certificateFor(await newOrganization(opened.database), { subCertificates: [] });
      await register(one);
      expect(await store().findByPcid(one.pcid, one.standard)).toEqual(one);
    });

    test('a vehicle has one for each standard, and each is replaced by itself', async () => {
      const organizationId = await newOrganization(opened.database);
      const old = certificateFor(organizationId);
      const other = certificateFor(organizationId, { pcid: old.pcid, standard: 'iso15118-20' });
      await register(old);
      expect(await register(other)).toBe('registered');
      const registeredAt = seconds(5);
      const young = certificateFor(organizationId, { pcid: old.pcid, registeredAt });
      expect(await register(young, old.id)).toBe('registered');
      expect(await store().findByPcid(old.pcid, 'iso15118-2')).toEqual(young);
      expect(await store().findByPcid(old.pcid, 'iso15118-20')).toEqual(other);
      expect(await store().findBySha256(old.sha256)).toBeUndefined();
      expect(await store().findProvisioning(old.id)).toEqual({
        ...{ ...old, state: 'replaced', endedAt: registeredAt },
      });
      expect(await store().findProvisioning(young.id)).toEqual({
        ...{ ...young, state: 'registered', replaces: old.id },
      });
      expect(await audited(old.id)).toEqual([
        'provisioning-certificate.registered',
        'provisioning-certificate.replaced',
      ]);
    });

    test('what is registered is not what the caller knew: nothing is written', async () => {
      const organizationId = await newOrganization(opened.database);
      const first = certificateFor(organizationId);
      const second = certificateFor(organizationId, { pcid: first.pcid });
      expect(await register(first, 'pcp-none')).toBe('changed');
      expect(await store().findProvisioning(first.id)).toBeUndefined();
      await register(first);
      expect(await register(second)).toBe('changed');
      expect(await register(second, 'pcp-none')).toBe('changed');
      expect(await store().findByPcid(first.pcid, first.standard)).toEqual(first);
      expect(await audited(second.id)).toEqual([]);
    });

    test.each(['iso15118-2', 'iso15118-20'] as const)(
      'C7 a PCID that another organization has registered is taken, for %s too',
      async (standard) => {
        const mine = certificateFor(await newOrganization(opened.database));
        await register(mine);
        const { pcid } = mine;
        const theirs = certificateFor(await newOrganization(opened.database), { pcid, standard });
        expect(await register(theirs)).toBe('taken');
        expect(await register(theirs, mine.id)).toBe('taken');
        expect(await store().findProvisioning(theirs.id)).toBeUndefined();
        expect(await audited(theirs.id)).toEqual([]);
        await remove(mine);
        expect(await register(theirs)).toBe('registered');
      },
    );

    test('C7 of 20 concurrent owners of a vehicle, for either standard, one is', async () => {
      const organizations = await Promise.all(
        Array.from({ length: 20 }, () => newOrganization(opened.database)),
      );
      const pcid = newId('PCID');
      const outcomes = await Promise.all(
        organizations.map((organizationId, index) =>
          register(
            certificateFor(organizationId, {
              ...{ pcid, standard: index % 2 === 0 ? 'iso15118-2' : 'iso15118-20' },
            }),
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(19);
    });

    test('of 20 concurrent replacements of one, one is', async () => {
      const old = certificateFor(await newOrganization(opened.database));
      await register(old);
      const { organizationId, pcid } = old;
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () =>
          register(certificateFor(organizationId, { pcid }), old.id),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(19);
    });

    test('one is deleted once, stays as history, and makes room for its like', async () => {
      const one = certificateFor(await newOrganization(opened.database));
      await register(one);
      const outcomes = await Promise.all([remove(one), remove(one), remove(one)]);
      expect(outcomes.sort()).toEqual(['deleted', 'unchanged', 'unchanged']);
      expect(await store().findByPcid(one.pcid, one.standard)).toBeUndefined();
      expect(await store().findBySha256(one.sha256)).toBeUndefined();
      expect(await store().findProvisioning(one.id)).toEqual({
        ...{ ...one, state: 'deleted', endedAt: testTime },
      });
      expect(await audited(one.id)).toEqual([
        'provisioning-certificate.registered',
        'provisioning-certificate.deleted',
      ]);
      const again = { ...one, id: newId('pcp') };
      expect(await register(again)).toBe('registered');
      expect(await store().findBySha256(one.sha256)).toEqual(again);
    });

    test('one that was replaced, or never was, is not deleted', async () => {
      const old = certificateFor(await newOrganization(opened.database));
      await register(old);
      await register(certificateFor(old.organizationId, { pcid: old.pcid }), old.id);
      expect(await remove(old)).toBe('unchanged');
      expect(await store().findProvisioning(old.id)).toMatchObject({ state: 'replaced' });
      expect(await remove({ ...old, id: 'pcp-none' })).toBe('unchanged');
      expect(await audited('pcp-none')).toEqual([]);
    });

    test('pages are complete, newest first, and of what was asked for', async () => {
      const organizationId = await newOrganization(opened.database);
      const other = await newOrganization(opened.database);
      const ids: string[] = [];
      for (let index = 0; index < 7; index++) {
        // Pairs of one moment.
        const registeredAt = seconds(Math.floor(index / 2));
        const one = certificateFor(organizationId, {
          registeredAt,
          notAfter: seconds(100 + index),
        });
        await register(one);
        await register(certificateFor(other, { registeredAt }));
        ids.unshift(one.id);
      }
      type Filter = Parameters<ReturnType<typeof store>['listProvisioning']>[0];
      const walk = async (filter: Filter) => {
        const items: ProvisioningRecord[] = [];
        let cursor: string | undefined;
        do {
          const page = await store().listProvisioning(filter, {
            limit: 3,
            ...(cursor === undefined ? {} : { cursor }),
          });
          expect(page.items.length).toBeLessThanOrEqual(3);
          items.push(...page.items);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return items.map(({ id }) => id);
      };
      expect(await walk({ organizationId })).toEqual(ids);
      expect(await walk({})).toEqual(expect.arrayContaining(ids));
      expect(await walk({ organizationId, expiresBefore: seconds(102) })).toEqual(ids.slice(5));

      const [newest = ''] = ids;
      const record = await store().findProvisioning(newest);
      if (!record) throw new Error('it is missing');
      const young = certificateFor(organizationId, { pcid: record.pcid, registeredAt: seconds(9) });
      await register(young, newest);
      const last = await store().findProvisioning(ids.at(-1) ?? '');
      if (!last) throw new Error('it is missing');
      await remove(last);
      const { pcid } = record;
      expect(await walk({ organizationId, pcid })).toEqual([young.id, newest]);
      expect(await walk({ organizationId, pcid, state: 'registered' })).toEqual([young.id]);
      expect(await walk({ organizationId, state: 'replaced' })).toEqual([newest]);
      expect(await walk({ organizationId, state: 'deleted' })).toEqual([last.id]);
      expect(await walk({ organizationId: other, pcid })).toEqual([]);
      expect(await walk({ organizationId, standard: 'iso15118-20' })).toEqual([]);
      expect(await walk({ pcid, standard: 'iso15118-2' })).toEqual([young.id, newest]);
    });

    test('W2: a cursor that was made up is refused', async () => {
      await expect(store().listProvisioning({}, { limit: 1, cursor: 'nonsense' })).rejects.toThrow(
        InvalidCursor,
      );
    });
  });
