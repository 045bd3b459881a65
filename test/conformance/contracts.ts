import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { spkiFingerprint } from '../../src/pki/key-identifier.ts';
import {
  type BroughtBundle,
  type BundleToIssue,
  type Contract,
  contractLimits,
  type SealedBundle,
} from '../../src/services/contract-records.ts';
import type { ProvisioningCertificate } from '../../src/services/provisioning-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { contractStore } from '../../src/storage/contracts.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { provisioningStore } from '../../src/storage/provisioning.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  activeAuthority,
  audit,
  authorityBelow,
  bytes,
  changeStatus,
  compromised,
  good,
  held,
  newId,
  newOrganization,
  newRegistration,
  pending,
  seconds,
  setState,
  toOperators,
} from './fixtures.ts';

export const contractsConform = (name: string, open: OpenTestDatabase) =>
  describe(`contracts on ${name}`, () => {
    let opened: TestDatabase;
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    /** Of whom all contracts are here that are not about cars. */
    let car: ProvisioningCertificate;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
      car = await registered();
    });
    afterAll(() => opened.remove());

    const store = () => contractStore(opened.database);
    const issuance = () => issuanceStore(opened.database);
    const certificates = () => certificateStore(opened.database);
    const stateOf = async (id: string) => (await certificates().findCertificate(id))?.state;

    let count = 0;
    const newEmaid = () => `DE8EVC${String(++count).padStart(8, '0')}`;
    const newPcid = () => `DEM${String(++count).padStart(14, '0')}`;
    const newContract = (change: Partial<Contract> = {}): Contract => ({
      id: newId('contract'),
      organizationId: ca.organizationId,
      emaid: newEmaid(),
      pcid: newPcid(),
      standard: 'iso15118-2',
      issuing: { authorityId: ca.authorityId, profile: 'contract' },
      state: 'active',
      isDefault: false,
      priority: 0,
      createdAt: testTime,
      changedAt: testTime,
      ...change,
    });
    const sealed = (contractId: string, change: Partial<SealedBundle> = {}): SealedBundle => ({
      id: newId('bundle'),
      contractId,
      generation: 1,
      subCertificates: [bytes('sub 2'), bytes('sub 1')],
      dhPublicKey: bytes('dh'),
      encryptedPrivateKey: bytes('encrypted'),
      curve: 'P-256',
      recipientSha256: 'recipient',
      reason: 'created',
      createdAt: testTime,
      ...change,
    });
    const provisioning = () => provisioningStore(opened.database);
    async function registered(
      change: Partial<ProvisioningCertificate> = {},
      replaces?: string,
    ): Promise<ProvisioningCertificate> {
      const one = newRegistration(ca.organizationId, change);
      const command = {
        ...{ certificate: one, ...(replaces ? { replaces } : {}), audit: [] },
        forOperators: toOperators(one.pcid),
      };
      expect(await provisioning().register(command)).toBe('registered');
      return one;
    }
    const removed = ({ id, organizationId, pcid }: ProvisioningCertificate) =>
      provisioning().deleteRegistered({
        id,
        audit: audit(organizationId, 'provisioning-certificate.deleted', id),
        forOperators: toOperators(pcid, 'vehicle.deregistered'),
      });
    const certificate = () => pending(ca.organizationId, ca.issuerId);
    const first = (contract: Contract, change: Partial<BundleToIssue> = {}): BundleToIssue => ({
      bundle: sealed(contract.id),
      registrationId: car.id,
      contract,
      makesDefault: false,
      audit: [audit(ca.organizationId, 'contract.created', contract.id)],
      ...change,
    });
    const next = (contractId: string, generation: number, change = {}): BundleToIssue => ({
      bundle: sealed(contractId, { generation, reason: 'renewed' }),
      registrationId: car.id,
      audit: [audit(ca.organizationId, 'contract.renewed', contractId)],
      ...change,
    });

    /** Both steps, at once. */
    async function issueBundle(bundle: BundleToIssue) {
      const row = certificate();
      const recorded = await issuance().recordPending({ certificate: row, bundle });
      if (recorded.outcome !== 'recorded') throw new Error(recorded.outcome);
      expect(await finish(row.id, bundle)).toBe('issued');
      return row.id;
    }
    const finish = (certificateId: string, bundle: BundleToIssue) =>
      issuance().recordIssued({
        ...{
          certificateId,
          leaseOwner: 'process-1',
          der: bytes(`der of ${certificateId}`),
          bundle,
        },
        audit: audit(ca.organizationId, 'certificate.issued', certificateId),
      });
    async function begun(change: Partial<Contract> = {}, bundle: Partial<BundleToIssue> = {}) {
      const contract = newContract(change);
      const certificateId = await issueBundle(first(contract, bundle));
      return { contract, certificateId };
    }
    const changeState = (
      id: string,
      change: Partial<Parameters<ReturnType<typeof store>['changeState']>[0]>,
    ) =>
      store().changeState({
        ...{ id, from: ['active', 'suspended'], to: 'ended', crlDue: seconds(5) },
        audit: audit(ca.organizationId, 'contract.ended', id),
        ...change,
      });
    const auditedFor = async (subject: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 100_000);
      return entries.filter((entry) => entry.subject === subject).map((entry) => entry.action);
    };

    test('S3: a contract is seen when its first bundle is issued, with it, and not before', async () => {
      const contract = newContract({ validityDays: 90, priority: 7 });
      const bundle = first(contract);
      const row = certificate();
      expect(await issuance().recordPending({ certificate: row, bundle })).toEqual({
        outcome: 'recorded',
      });
      expect(await store().findContract(contract.id)).toBeUndefined();
      expect(await store().listBundles(contract.id)).toEqual([]);
      const filter = { pcid: contract.pcid };
      expect((await store().listContracts(filter, { limit: 9 })).items).toEqual([]);
      expect(await store().contractsOfCar(contract.pcid, 'iso15118-2')).toEqual([]);

      expect(await finish(row.id, bundle)).toBe('issued');
      expect(await store().findContract(contract.id)).toEqual(contract);
      expect(await store().listBundles(contract.id)).toEqual([
        {
          ...bundle.bundle,
          certificateId: row.id,
          certificate: bytes(`der of ${row.id}`),
          notBefore: row.notBefore,
          notAfter: row.notAfter,
          certificateState: 'issued',
          authorityRevoked: false,
        },
      ]);
      expect(await auditedFor(contract.id)).toEqual(['contract.created']);
    });

    test('a bundle tells that an authority above its certificate is revoked', async () => {
      const root = await activeAuthority(opened.database);
      const sub = await authorityBelow(opened.database, root.issuerId);
      const issuers = [ca, sub, await authorityBelow(opened.database, sub.issuerId)];
      const contracts: string[] = [];
      for (const { organizationId, issuerId } of issuers) {
        const contract = newContract({ organizationId });
        const row = pending(organizationId, issuerId);
        const bundle = first(contract);
        await issuance().recordPending({ certificate: row, bundle });
        expect(await finish(row.id, bundle)).toBe('issued');
        contracts.push(contract.id);
      }
      const told = () =>
        Promise.all(
          contracts.map(async (id) => (await store().listBundles(id))[0]?.authorityRevoked),
        );
      expect(await told()).toEqual([false, false, false]);
      await changeStatus(opened.database, sub.certificate.id, compromised, {
        revokesIssuerId: sub.issuerId,
      });
      expect(await told()).toEqual([false, true, true]);
    });

    test.each(['recordAbandoned', 'abandonExpired'] as const)(
      'S3: %s takes the bundle back, and the contract that begins with it',
      async (how) => {
        const contract = newContract();
        const row = certificate();
        await issuance().recordPending({ certificate: row, bundle: first(contract) });
        if (how === 'abandonExpired') await issuance().abandonExpired(seconds(61));
        else {
          await issuance().recordAbandoned({
            ...{ certificateId: row.id, leaseOwner: 'process-1' },
            audit: audit(ca.organizationId, 'certificate.abandoned', row.id),
          });
        }
        expect(await stateOf(row.id)).toBe('abandoned');
        expect(await finish(row.id, first(contract))).toBe('lease-lost');
        const left = await opened.database.reader('contract_bundles').where({
          certificate_id: row.id,
        });
        expect(left).toEqual([]);
        // Nothing stands in the way of another attempt.
        const { id } = contract;
        await issueBundle(first(newContract({ emaid: contract.emaid, pcid: contract.pcid })));
        expect(await store().findContract(id)).toBeUndefined();
      },
    );

    test('an abandoned renewal leaves the contract as it was', async () => {
      const { contract, certificateId } = await begun();
      const row = certificate();
      await issuance().recordPending({ certificate: row, bundle: next(contract.id, 2) });
      await issuance().abandonExpired(seconds(61));
      expect(await store().findContract(contract.id)).toEqual(contract);
      const bundles = await store().listBundles(contract.id);
      expect(bundles.map((bundle) => bundle.certificateId)).toEqual([certificateId]);
      await issueBundle(next(contract.id, 2));
    });

    test('of contracts for one EMAID, car and standard at once one is recorded', async () => {
      const one = newContract();
      const same = { emaid: `${one.emaid}X`, pcid: one.pcid };
      const outcomes = await Promise.all(
        [one, newContract(same), newContract(same)].map((contract) =>
          issuance().recordPending({ certificate: certificate(), bundle: first(contract) }),
        ),
      );
      const counted = outcomes.map(({ outcome }) => outcome).sort();
      expect(counted).toEqual(['contract-exists', 'contract-exists', 'recorded']);
      // Another car, another standard, another EMAID: all of them contracts of their own.
      await begun({ ...same, pcid: newPcid() });
      await begun({ ...same, standard: 'iso15118-20' });
      await begun({ pcid: one.pcid });
    });

    test('an EMAID can have a contract again when the one before has ended', async () => {
      const { contract } = await begun();
      await changeState(contract.id, {});
      const { contract: again } = await begun({ emaid: contract.emaid, pcid: contract.pcid });
      const found = await store().listContracts({ emaid: contract.emaid }, { limit: 9 });
      expect(found.items.map(({ id }) => id).sort()).toEqual([contract.id, again.id].sort());
    });

    test('of bundles with one number at once one is recorded; the serial number of others is free', async () => {
      const { contract } = await begun();
      const rows = [certificate(), certificate(), certificate()];
      const outcomes = await Promise.all(
        rows.map((row) =>
          issuance().recordPending({ certificate: row, bundle: next(contract.id, 2) }),
        ),
      );
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
        'bundle-outrun',
        'bundle-outrun',
        'recorded',
      ]);
      const states = await Promise.all(rows.map(({ id }) => stateOf(id)));
      expect(states.filter((state) => state !== undefined)).toEqual(['pending']);
    });

    test('a new bundle revokes the certificates of former ones as superseded where it is to', async () => {
      const { contract, certificateId } = await begun();
      const second = await issueBundle(next(contract.id, 2));
      expect(await stateOf(certificateId)).toBe('issued');
      await setState(opened.database, second, 'held');
      const revokesFormer = { crlDue: seconds(5) };
      const third = await issueBundle(next(contract.id, 3, { revokesFormer }));
      for (const id of [certificateId, second]) {
        const record = await certificates().findCertificate(id);
        expect(record).toMatchObject({ state: 'revoked', revocationReason: 'superseded' });
        expect(await auditedFor(id)).toContain('certificate.revoked');
        const status = await statusStore(opened.database).readStatus(ca.issuerId, id);
        expect(status?.status?.state).toBe('revoked');
      }
      expect(await stateOf(third)).toBe('issued');
      const bundles = await store().listBundles(contract.id);
      expect(bundles.map(({ certificateState }) => certificateState)).toEqual([
        'issued',
        'revoked',
        'revoked',
      ]);
      const job = await opened.database.reader('jobs').where({ name: `crl:${ca.issuerId}` });
      expect(job).toHaveLength(1);
    });

    test('a renewal whose lease is lost revokes nothing', async () => {
      const { contract, certificateId } = await begun();
      const bundle = next(contract.id, 2, { revokesFormer: { crlDue: seconds(5) } });
      const row = certificate();
      await issuance().recordPending({ certificate: row, bundle });
      await issuance().abandonExpired(seconds(61));
      expect(await finish(row.id, bundle)).toBe('lease-lost');
      expect(await stateOf(certificateId)).toBe('issued');
    });

    test('ending revokes all certificates of a contract, and ends what is being issued', async () => {
      const { contract, certificateId } = await begun();
      const second = await issueBundle(next(contract.id, 2));
      const row = certificate();
      await issuance().recordPending({ certificate: row, bundle: next(contract.id, 3) });
      const result = await changeState(contract.id, { reason: 'moved away' });
      expect(result.outcome).toBe('changed');
      const statuses = result.outcome === 'changed' ? result.statuses : [];
      expect(statuses.map(({ serial }) => serial).sort()).toEqual([certificateId, second].sort());
      expect(new Set(statuses.map(({ sequence }) => sequence)).size).toBe(2);
      for (const id of [certificateId, second]) {
        expect(await certificates().findCertificate(id)).toMatchObject({
          ...{ state: 'revoked', revocationReason: 'cessationOfOperation' },
        });
      }
      expect(await stateOf(row.id)).toBe('abandoned');
      expect(await finish(row.id, next(contract.id, 3))).toBe('lease-lost');
      expect(await store().findContract(contract.id)).toMatchObject({
        ...{ state: 'ended', reason: 'moved away', isDefault: false },
      });
      expect(await changeState(contract.id, {})).toEqual({ outcome: 'stale' });
      const refused = { certificate: certificate(), bundle: next(contract.id, 3) };
      expect(await issuance().recordPending(refused)).toEqual({ outcome: 'contract-not-active' });
    });

    test('of ending and a renewal at once nothing valid is left', async () => {
      for (let round = 0; round < 8; round += 1) {
        const { contract, certificateId } = await begun();
        const bundle = next(contract.id, 2);
        const row = certificate();
        const renewal = async () => {
          const { outcome } = await issuance().recordPending({ certificate: row, bundle });
          return outcome === 'recorded' ? finish(row.id, bundle) : outcome;
        };
        await Promise.all([renewal(), changeState(contract.id, {})]);
        expect(await stateOf(certificateId)).toBe('revoked');
        expect(['revoked', 'abandoned', undefined]).toContain(await stateOf(row.id));
      }
    });

    test('suspending holds, resuming releases what suspending has held, and nothing else', async () => {
      const { contract, certificateId } = await begun();
      const second = await issueBundle(next(contract.id, 2));
      const third = await issueBundle(next(contract.id, 3));
      await setState(opened.database, second, 'revoked');
      await changeStatus(opened.database, third, held);
      const at = seconds(10);
      const suspension = audit(ca.organizationId, 'contract.suspended', contract.id);
      await changeState(contract.id, {
        ...{ from: ['active'], to: 'suspended', reason: 'unpaid', audit: { ...suspension, at } },
      });
      expect(await store().findContract(contract.id)).toMatchObject({
        ...{ state: 'suspended', changedAt: at, reason: 'unpaid' },
      });
      expect(await stateOf(certificateId)).toBe('held');
      const refused = { certificate: certificate(), bundle: next(contract.id, 4) };
      expect(await issuance().recordPending(refused)).toEqual({ outcome: 'contract-not-active' });

      const resumption = audit(ca.organizationId, 'contract.resumed', contract.id);
      await changeState(contract.id, { from: ['suspended'], to: 'active', audit: resumption });
      expect(await stateOf(certificateId)).toBe('issued');
      expect(await stateOf(second)).toBe('revoked');
      expect(await stateOf(third)).toBe('held');
      const resumed = await store().findContract(contract.id);
      expect(resumed?.state).toBe('active');
      expect(resumed?.reason).toBeUndefined();
      await changeStatus(opened.database, third, good);
    });

    test('of any number of contracts of a car one is the default, whoever is faster', async () => {
      const pcid = newPcid();
      const other = await newOrganization(opened.database);
      const { contract: a } = await begun({ pcid }, { makesDefault: true });
      const { contract: b } = await begun({ pcid, organizationId: other }, { makesDefault: true });
      const { contract: c } = await begun({ pcid, priority: 5 });
      const { contract: d } = await begun({ pcid, priority: 9 });
      const order = async () =>
        (await store().contractsOfCar(pcid, 'iso15118-2')).map(({ id }) => id);
      expect(await order()).toEqual([b.id, d.id, c.id, a.id]);
      await Promise.all(
        [a, b, c, d].map(({ id }) =>
          store().changeRank({
            ...{ id, isDefault: true },
            audit: audit(ca.organizationId, 'contract.ranked', id),
          }),
        ),
      );
      const all = await store().contractsOfCar(pcid, 'iso15118-2');
      expect(all.filter(({ isDefault }) => isDefault)).toHaveLength(1);
      const [first] = all;
      const rank = { id: c.id, isDefault: false, priority: 100 };
      const ranked = audit(ca.organizationId, 'contract.ranked', c.id);
      expect(await store().changeRank({ ...rank, audit: ranked })).toBe('changed');
      await changeState(a.id, {});
      expect(await store().changeRank({ ...rank, id: a.id, audit: ranked })).toBe('ended');
      const [now] = await order();
      expect(now).toBe(first?.id === c.id || first?.id === a.id ? c.id : first?.id);
    });

    test('a suspended contract becomes nobody’s default, and is none more by being one', async () => {
      const pcid = newPcid();
      const { contract: default_ } = await begun({ pcid }, { makesDefault: true });
      const { contract } = await begun({ pcid });
      const rank = (isDefault: boolean) =>
        store().changeRank({
          ...{ id: contract.id, isDefault, priority: 50 },
          audit: audit(ca.organizationId, 'contract.ranked', contract.id),
        });
      await changeState(contract.id, { from: ['active'], to: 'suspended' });
      expect(await rank(true)).toBe('not-active');
      const [first, second] = await store().contractsOfCar(pcid, 'iso15118-2');
      expect([first?.id, first?.isDefault, second?.priority]).toEqual([default_.id, true, 0]);
      expect(await auditedFor(contract.id)).not.toContain('contract.ranked');
      expect(await rank(false)).toBe('changed');
    });

    describe('a car has room', () => {
      const { ofCar, ofOperator } = contractLimits;
      const recorded = async (contract: Contract, registrationId: string) => {
        const bundle = first(contract, { registrationId });
        const answer = await issuance().recordPending({ certificate: certificate(), bundle });
        return answer.outcome;
      };
      const brought = (contract: Contract, registrationId: string) => {
        const { issuing: _, ...rest } = contract;
        const bundle = {
          ...sealed(contract.id),
          ...{ certificate: bytes('brought'), notBefore: testTime, notAfter: seconds(3600) },
        };
        return store().createBrought({
          ...{ contract: rest, bundle, registrationId, makesDefault: false, audit: [] },
        });
      };

      test('for so many contracts of one operator, however many are made at once', async () => {
        const { pcid, id } = await registered();
        const outcomes = await Promise.all(
          Array.from({ length: ofOperator + 3 }, () => recorded(newContract({ pcid }), id)),
        );
        expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(ofOperator);
        expect(outcomes.filter((outcome) => outcome === 'car-full')).toHaveLength(3);
        expect(await brought(newContract({ pcid }), id)).toBe('car-full');
        // Of the other standard, of another operator: both have room.
        expect(await recorded(newContract({ pcid, standard: 'iso15118-20' }), id)).toBe('recorded');
        const organizationId = await newOrganization(opened.database);
        expect(await brought(newContract({ pcid, organizationId }), id)).toBe('created');
        // What never began takes no room.
        await issuance().abandonExpired(seconds(61));
        expect(await recorded(newContract({ pcid }), id)).toBe('recorded');
      });

      test('for one that it has already no second time, and for another when one has ended', async () => {
        const { pcid, id } = await registered();
        const made = [];
        for (let index = 0; index < ofOperator; index += 1) {
          made.push((await begun({ pcid }, { registrationId: id })).contract);
        }
        const [one] = made;
        if (!one) throw new Error('none');
        expect(await recorded(newContract({ pcid, emaid: one.emaid }), id)).toBe('contract-exists');
        expect(await brought(newContract({ pcid, emaid: one.emaid }), id)).toBe('exists');
        await changeState(one.id, { from: ['active'], to: 'suspended' });
        expect(await recorded(newContract({ pcid }), id)).toBe('car-full');
        await changeState(one.id, {});
        expect(await recorded(newContract({ pcid }), id)).toBe('recorded');
      });

      test('for so many of all operators together', async () => {
        const { pcid, id } = await registered();
        let organizationId = '';
        for (let made = 0; made < ofCar; made += 1) {
          if (made % ofOperator === 0) organizationId = await newOrganization(opened.database);
          expect(await brought(newContract({ pcid, organizationId }), id)).toBe('created');
        }
        expect(await brought(newContract({ pcid }), id)).toBe('car-full');
        expect(await recorded(newContract({ pcid }), id)).toBe('car-full');
      });
    });

    test('contracts are listed newest first, by what they are found with, in pages', async () => {
      const organizationId = await newOrganization(opened.database);
      const made: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        const createdAt = seconds(index);
        made.unshift((await begun({ organizationId, createdAt })).contract.id);
      }
      const page = await store().listContracts({ organizationId }, { limit: 3 });
      expect(page.items.map(({ id }) => id)).toEqual(made.slice(0, 3));
      const cursor = page.nextCursor ?? '';
      const rest = await store().listContracts({ organizationId }, { limit: 3, cursor });
      expect(rest.items.map(({ id }) => id)).toEqual(made.slice(3));
      expect(rest.nextCursor).toBeUndefined();
      await changeState(made[1] ?? '', {});
      const filter = { organizationId, state: 'ended' } as const;
      const ended = await store().listContracts(filter, { limit: 9 });
      expect(ended.items.map(({ id }) => id)).toEqual([made[1]]);
      const [newest] = page.items;
      const withDigit = { emaid: `${newest?.emaid}Q`, organizationId };
      const found = await store().listContracts(withDigit, { limit: 9 });
      expect(found.items.map(({ id }) => id)).toEqual([newest?.id]);
    });

    test('two processes decide as one, where there can be two', async () => {
      const { database } = opened;
      const other = name === 'SQLite' ? database : await opened.open('process-2');
      const stores = [contractStore(database), contractStore(other)] as const;
      const issuing = [issuanceStore(database), issuanceStore(other)] as const;
      for (let round = 0; round < 6; round += 1) {
        const wanted = newContract();
        const outcomes = await Promise.all(
          issuing.map((each) => {
            const contract = { ...wanted, id: newId('contract') };
            const bundle = first(contract);
            return each.recordPending({ certificate: certificate(), bundle });
          }),
        );
        const counted = outcomes.map(({ outcome }) => outcome).sort();
        expect(counted).toEqual(['contract-exists', 'recorded']);

        const pcid = newPcid();
        const [a, b] = [await begun({ pcid }), await begun({ pcid })];
        const ranks = [a.contract, b.contract].map(({ id }, index) =>
          stores[index]?.changeRank({
            ...{ id, isDefault: true },
            audit: audit(ca.organizationId, 'contract.ranked', id),
          }),
        );
        expect(await Promise.all(ranks)).toEqual(['changed', 'changed']);
        const both = await store().contractsOfCar(pcid, 'iso15118-2');
        expect(both.filter(({ isDefault }) => isDefault)).toHaveLength(1);

        // One renews and revokes the former, the other ends.
        const revokesFormer = { crlDue: seconds(5) };
        const bundle = next(a.contract.id, 2, { revokesFormer });
        const row = certificate();
        const renewal = async () => {
          const { outcome } = await issuing[0].recordPending({ certificate: row, bundle });
          return outcome === 'recorded' ? finish(row.id, bundle) : outcome;
        };
        const ending = stores[1].changeState({
          ...{ id: a.contract.id, from: ['active'], to: 'ended', crlDue: seconds(5) },
          audit: audit(ca.organizationId, 'contract.ended', a.contract.id),
        });
        await Promise.all([renewal(), ending]);
        expect(await stateOf(a.certificateId)).toBe('revoked');
        expect(['revoked', 'abandoned', undefined]).toContain(await stateOf(row.id));
      }
    });

    test('a bundle that is brought has no row of a certificate, and ends with its contract', async () => {
      const { issuing: _, ...contract } = newContract();
      const bundle = (generation: number): BroughtBundle => ({
        ...sealed(contract.id, { generation }),
        ...{ certificate: bytes('brought'), notBefore: testTime, notAfter: seconds(3600) },
      });
      const created = [audit(ca.organizationId, 'contract.bundle-brought', contract.id)];
      const registrationId = car.id;
      const command = {
        ...{ contract, bundle: bundle(1), registrationId, makesDefault: true },
        audit: created,
      };
      expect(await store().createBrought(command)).toBe('created');
      expect(
        await store().createBrought({ ...command, contract: { ...contract, id: newId('c') } }),
      ).toBe('exists');
      expect(await store().findContract(contract.id)).toEqual({ ...contract, isDefault: true });
      const [brought] = await store().listBundles(contract.id);
      expect(brought).toMatchObject({ certificate: bytes('brought'), certificateState: 'issued' });
      expect(brought?.certificateId).toBeUndefined();

      const entry = audit(ca.organizationId, 'contract.bundle-brought', contract.id);
      const again = () => store().addBrought({ bundle: bundle(2), registrationId, audit: entry });
      const both = await Promise.all([again(), again()]);
      expect(both.map(({ outcome }) => outcome).sort()).toEqual(['added', 'outrun']);
      await changeState(contract.id, {});
      expect(await again()).toEqual({ outcome: 'not-active' });
      expect(await store().findByCertificate(contract.emaid, bytes('brought'))).toMatchObject({
        id: contract.id,
      });
      // It may be brought again for the next contract: that one is meant then.
      const following = { ...contract, id: newId('a-contract') };
      const another = { ...bundle(1), id: newId('bundle'), contractId: following.id };
      const anew = { ...command, contract: following, bundle: another };
      expect(await store().createBrought(anew)).toBe('created');
      expect(await store().findByCertificate(contract.emaid, bytes('brought'))).toMatchObject({
        id: following.id,
      });
    });

    describe('a bundle that is brought with a certificate that was issued here', () => {
      const brought = async (
        der: Uint8Array,
        { organizationId = ca.organizationId, emaid = newEmaid() } = {},
      ) => {
        const { issuing: _, ...contract } = newContract({ organizationId, emaid });
        const bundle = {
          ...sealed(contract.id),
          ...{ certificate: der, notBefore: testTime, notAfter: seconds(3600) },
        };
        const outcome = await store().createBrought({
          ...{ contract, bundle, registrationId: car.id, makesDefault: false, audit: [] },
        });
        expect(outcome).toBe('created');
        return contract.id;
      };
      async function issuedHere(
        { certificate }: { certificate: Certificate } = foreignRoot(),
        {
          by = ca,
          ...change
        }: {
          readonly subject?: string;
          readonly by?: Pick<typeof ca, 'organizationId' | 'issuerId'>;
        } = {},
      ) {
        const row = { ...pending(by.organizationId, by.issuerId), ...change };
        const named = { ...row, spkiSha256: spkiFingerprint(certificate.spki) };
        expect(await issuance().recordPending({ certificate: named })).toEqual({
          outcome: 'recorded',
        });
        const issued = await issuance().recordIssued({
          ...{ certificateId: row.id, leaseOwner: 'process-1', der: certificate.der },
          audit: audit(ca.organizationId, 'certificate.issued', row.id),
        });
        expect(issued).toBe('issued');
        return { id: row.id, der: certificate.der, serial: row.serial };
      }

      test('is held, released and revoked with its contract', async () => {
        const { id, der, serial } = await issuedHere();
        const contract = await brought(der);
        const steps = [
          [{ from: ['active'], to: 'suspended' }, 'held'],
          [{ from: ['suspended'], to: 'active' }, 'issued'],
          [{ to: 'ended' }, 'revoked'],
        ] as const;
        for (const [step, state] of steps) {
          const outcome = await changeState(contract, step);
          expect(outcome).toMatchObject({ statuses: [{ issuerId: ca.issuerId, serial }] });
          expect(await stateOf(id)).toBe(state);
        }
        expect(await auditedFor(id)).toContain('certificate.revoked');
      });

      test('tells what has become of it, and that an authority above it is revoked', async () => {
        const root = await activeAuthority(opened.database);
        const sub = await authorityBelow(opened.database, root.issuerId);
        const below = await authorityBelow(opened.database, sub.issuerId);
        const contracts: string[] = [];
        for (const by of [root, sub, below]) {
          const { organizationId } = by;
          const { der } = await issuedHere(foreignRoot(), { by });
          contracts.push(await brought(der, { organizationId }));
        }
        const told = async () =>
          (await Promise.all(contracts.map((id) => store().listBundles(id)))).map(([bundle]) => [
            bundle?.certificateState,
            bundle?.authorityRevoked,
          ]);
        expect(await told()).toEqual(Array(3).fill(['issued', false]));
        const revokesIssuerId = sub.issuerId;
        await changeStatus(opened.database, sub.certificate.id, compromised, { revokesIssuerId });
        await changeState(contracts[0] ?? '', { to: 'suspended' });
        expect(await told()).toEqual([
          ['held', false],
          ['issued', true],
          ['issued', true],
        ]);
      });

      test('keeps it where that is asked for, and where another contract has it', async () => {
        const { id, der } = await issuedHere();
        const emaid = newEmaid();
        const [first, second] = [await brought(der, { emaid }), await brought(der, { emaid })];
        await changeState(first, {});
        expect(await stateOf(id)).toBe('issued');
        await changeState(second, { keepsBrought: true });
        expect(await stateOf(id)).toBe('issued');
        await changeState(await brought(der, { emaid }), {});
        expect(await stateOf(id)).toBe('revoked');
      });

      test('is superseded by the next for a car with another key, if it is not that itself', async () => {
        const [one, other] = [await issuedHere(), await issuedHere()];
        const contract = await brought(one.der);
        const elsewhere = foreignRoot().certificate.der;
        const add = (generation: number, der: Uint8Array, supersedes?: { crlDue: Date }) =>
          store().addBrought({
            bundle: {
              ...sealed(contract, { generation }),
              ...{ certificate: der, notBefore: testTime, notAfter: seconds(3600) },
            },
            ...{ registrationId: car.id, ...(supersedes ? { supersedes } : {}) },
            audit: audit(ca.organizationId, 'contract.bundle-brought', contract),
          });
        const supersedes = { crlDue: seconds(5) };
        const nothing = { outcome: 'added', statuses: [] };
        expect(await add(2, other.der)).toEqual(nothing);
        expect(await add(3, elsewhere)).toEqual(nothing);
        // One that is outrun revokes nothing.
        expect(await add(3, one.der, supersedes)).toEqual({ outcome: 'outrun' });
        expect(await stateOf(one.id)).toBe('issued');
        const { serial } = one;
        expect(await add(4, other.der, supersedes)).toMatchObject({
          ...{ outcome: 'added', statuses: [{ issuerId: ca.issuerId, serial }] },
        });
        expect(await certificates().findCertificate(one.id)).toMatchObject({
          ...{ state: 'revoked', revocationReason: 'superseded' },
        });
        expect(await auditedFor(one.id)).toContain('certificate.revoked');
        expect(await stateOf(other.id)).toBe('issued');
        const entries = await auditStore(opened.database).readStream('process-1', 0, 100_000);
        const [last] = entries.filter(({ subject }) => subject === contract).slice(-1);
        expect(JSON.parse(last?.details ?? '').formerLeft).toEqual([
          createHash('sha256').update(elsewhere).digest('hex'),
        ]);
      });

      test('is not kept because another organization has brought it as well', async () => {
        const { id, der } = await issuedHere();
        const emaid = newEmaid();
        const contract = await brought(der, { emaid });
        const organizationId = await newOrganization(opened.database);
        const foreign = await brought(der, { emaid, organizationId });
        await changeState(contract, {});
        expect(await stateOf(id)).toBe('revoked');
        expect(await store().findContract(foreign)).toMatchObject({ state: 'active' });
      });

      test('means the contract that goes on, and of these the one that was there first', async () => {
        const emaid = newEmaid();
        const der = foreignRoot().certificate.der;
        const contracts = [await brought(der, { emaid }), await brought(der, { emaid })].sort();
        const [first = '', second = ''] = contracts;
        const found = async () => (await store().findByCertificate(emaid, der))?.id;
        expect(await found()).toBe(first);
        await changeState(first, { to: 'suspended' });
        expect(await found()).toBe(second);
        await changeState(second, {});
        expect(await found()).toBe(first);
        await changeState(first, {});
        expect(await found()).toBeDefined();
        const third = await brought(der, { emaid });
        await changeState(third, { to: 'suspended' });
        expect(await found()).toBe(third);
      });

      test('is that one octet for octet: another one of its key goes on', async () => {
        const { key, ...one } = foreignRoot();
        const subject = 'CN=Of one key';
        const brings = await issuedHere(one, { subject });
        const other = await issuedHere(foreignRoot({}, { key }), { subject });
        await changeState(await brought(brings.der), {});
        expect([await stateOf(brings.id), await stateOf(other.id)]).toEqual(['revoked', 'issued']);
      });

      test('names what is left elsewhere while that has not ended', async () => {
        const contract = await brought(foreignRoot().certificate.der);
        const add = (generation: number, at: Date) => {
          const entry = audit(ca.organizationId, 'contract.bundle-brought', contract);
          return store().addBrought({
            bundle: {
              ...sealed(contract, { generation }),
              certificate: foreignRoot().certificate.der,
              ...{ notBefore: testTime, notAfter: seconds(3600 * generation) },
            },
            ...{ registrationId: car.id, supersedes: { crlDue: at }, audit: { ...entry, at } },
          });
        };
        const left = async () => {
          const entries = await auditStore(opened.database).readStream('process-1', 0, 100_000);
          const [last] = entries.filter(({ subject }) => subject === contract).slice(-1);
          return (JSON.parse(last?.details ?? '{}').formerLeft ?? []).length;
        };
        await add(2, seconds(3599));
        expect(await left()).toBe(1);
        // The first one ends at this moment.
        await add(3, seconds(3600));
        expect(await left()).toBe(1);
        await add(4, seconds(3 * 3600));
        expect(await left()).toBe(0);
      });

      test('takes nothing from another organization', async () => {
        const { id, der } = await issuedHere();
        const organizationId = await newOrganization(opened.database);
        await changeState(await brought(der, { organizationId }), {});
        expect(await stateOf(id)).toBe('issued');
      });
    });

    test('a contract is found by a certificate of any of its bundles and its EMAID', async () => {
      const { contract, certificateId } = await begun({ emaid: 'DE8EVCFINDABLE1' });
      const second = await issueBundle(next(contract.id, 2));
      await begun({ emaid: 'DE8EVCFINDABLE' });
      const found = async (emaid: string, der: Uint8Array) =>
        (await store().findByCertificate(emaid, der))?.id;
      for (const id of [certificateId, second]) {
        expect(await found('DE8EVCFINDABLE', bytes(`der of ${id}`))).toBe(contract.id);
      }
      await changeState(contract.id, {});
      expect(await found('DE8EVCFINDABLE1', bytes(`der of ${second}`))).toBe(contract.id);
      expect(await found('DE8EVCFINDABL2', bytes(`der of ${second}`))).toBeUndefined();
      expect(await found('DE8EVCFINDABLE', bytes('another'))).toBeUndefined();
    });

    describe('the car of a contract', () => {
      test('that is registered anew or deleted gets no bundle that was made for it before', async () => {
        const { pcid, id: registrationId } = await registered();
        const { contract } = await begun({ pcid }, { registrationId });
        const anew = await registered({ pcid }, registrationId);
        const late = (bundle: BundleToIssue) =>
          issuance().recordPending({ certificate: certificate(), bundle });
        const changed = { outcome: 'vehicle-changed' };
        expect(await late(next(contract.id, 2, { registrationId }))).toEqual(changed);
        expect(await late(first(newContract({ pcid }), { registrationId }))).toEqual(changed);
        expect(await late(first(newContract({ pcid }), { registrationId: 'none' }))).toEqual(
          changed,
        );
        await issueBundle(next(contract.id, 2, { registrationId: anew.id }));

        expect(await removed(anew)).toBe('deleted');
        const { issuing: _, ...brought } = newContract({ pcid });
        const bundle: BroughtBundle = {
          ...sealed(brought.id),
          ...{ certificate: bytes('brought'), notBefore: testTime, notAfter: seconds(3600) },
        };
        const command = { contract: brought, bundle, registrationId: anew.id, makesDefault: false };
        expect(await store().createBrought({ ...command, audit: [] })).toBe('vehicle-changed');
        const entry = audit(ca.organizationId, 'contract.bundle-brought', brought.id);
        const added = store().addBrought({ bundle, registrationId: anew.id, audit: entry });
        expect(await added).toEqual(changed);
        expect(await store().findContract(brought.id)).toBeUndefined();
        expect(await store().listBundles(contract.id)).toHaveLength(2);
      });

      test('takes with it the contracts that are being made when it is deleted', async () => {
        const one = await registered();
        const { pcid, id: registrationId } = one;
        const kept = await begun({ pcid }, { registrationId });
        const other = certificate();
        const elsewhere = first(newContract());
        await issuance().recordPending({ certificate: other, bundle: elsewhere });
        const row = certificate();
        const bundle = first(newContract({ pcid }), { registrationId });
        await issuance().recordPending({ certificate: row, bundle });
        expect(await removed(one)).toBe('deleted');
        expect([await stateOf(row.id), await stateOf(other.id)]).toEqual(['abandoned', 'pending']);
        expect(await finish(row.id, bundle)).toBe('lease-lost');
        expect(await store().contractsOfCar(pcid, 'iso15118-2')).toHaveLength(1);
        expect(await stateOf(kept.certificateId)).toBe('issued');
        expect(await finish(other.id, elsewhere)).toBe('issued');
      });

      test('has none left of which nobody knows, when contracts are made while it is deleted', async () => {
        for (let round = 0; round < 8; round += 1) {
          const one = await registered();
          const { pcid, id: registrationId } = one;
          const creation = async () => {
            const row = certificate();
            const bundle = first(newContract({ pcid }), { registrationId });
            const recorded = await issuance().recordPending({ certificate: row, bundle });
            if (recorded.outcome === 'recorded') await finish(row.id, bundle);
          };
          const deletion = async () => {
            expect(await removed(one)).toBe('deleted');
            const found = await store().contractsOfCar(pcid, 'iso15118-2');
            for (const { id } of found) await changeState(id, {});
          };
          await Promise.all([creation(), deletion(), creation()]);
          expect(await store().contractsOfCar(pcid, 'iso15118-2')).toEqual([]);
        }
      });

      test('that is registered anew or deleted is told to the operators of its contracts', async () => {
        const told = async (pcid: string) => {
          const entries = await auditStore(opened.database).readStream('process-1', 0, 100_000);
          return entries
            .filter(({ subject }) => subject === pcid)
            .map(({ action, organizationId, details }) => [
              ...[action, organizationId, JSON.parse(details).contracts],
            ]);
        };
        const one = await registered();
        const { pcid } = one;
        const another = await newOrganization(opened.database);
        const contracts = [];
        for (const organizationId of [ca.organizationId, another, ca.organizationId]) {
          const { contract } = await begun({ pcid, organizationId }, { registrationId: one.id });
          contracts.push(contract.id);
        }
        const [first, theirs, last] = contracts;
        // Of the other standard, of another car, ended: none of them is concerned.
        await begun({ pcid, standard: 'iso15118-20' }, { registrationId: one.id });
        await begun();
        const over = await begun({ pcid }, { registrationId: one.id });
        await changeState(over.contract.id, {});
        await changeState(String(last), { from: ['active'], to: 'suspended' });
        expect(await told(pcid)).toEqual([]);
        const anew = await registered({ pcid }, one.id);
        const both = [
          [ca.organizationId, [first, last]],
          [another, [theirs]],
        ] as const;
        const heard = both.map((each) => ['vehicle.reregistered', ...each]);
        expect(await told(pcid)).toEqual(heard);
        expect(await removed(anew)).toBe('deleted');
        heard.push(...both.map((each) => ['vehicle.deregistered', ...each]));
        expect(await told(pcid)).toEqual(heard);
        // Who deletes again tells nobody again; who registers anew tells of contracts that are left.
        expect(await removed(anew)).toBe('unchanged');
        expect(await told(pcid)).toEqual(heard);
      });

      test('is nobody else’s while there are contracts that were made for it', async () => {
        const one = await registered();
        const { pcid, id: registrationId } = one;
        const { contract } = await begun({ pcid }, { registrationId });
        await removed(one);
        const organizationId = await newOrganization(opened.database);
        const theirs = (change: Partial<ProvisioningCertificate> = {}) =>
          provisioning().register({
            certificate: newRegistration(organizationId, { pcid, ...change }),
            audit: [],
            forOperators: toOperators(pcid),
          });
        expect(await theirs()).toBe('taken');
        await changeState(contract.id, {});
        expect(await theirs()).toBe('registered');
      });

      test('may be registered anew by its maker, with the contracts that it has', async () => {
        const one = await registered();
        await begun({ pcid: one.pcid }, { registrationId: one.id });
        await removed(one);
        await registered({ pcid: one.pcid });
      });
    });
  });
