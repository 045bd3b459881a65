import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorityStore } from '../../src/storage/authorities.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  changeStatus,
  good,
  held,
  issue,
  pending,
  revoked,
} from './fixtures.ts';

export const statusesConform = (name: string, open: OpenTestDatabase) =>
  describe(`statuses on ${name}`, () => {
    let opened: TestDatabase;
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => statusStore(opened.database);
    const issued = () => issue(opened.database, ca.organizationId, ca.issuerId);
    const read = (serial: string) => store().readStatus(ca.issuerId, serial);
    const sequence = async () => (await store().readSequences([ca.issuerId])).get(ca.issuerId);

    test('every issuer is listed with what OCSP requests name it by', async () => {
      const issuer = await authorityStore(opened.database).findIssuer(ca.issuerId);
      expect(await store().listIssuerKeys()).toContainEqual({
        issuerId: ca.issuerId,
        authorityId: ca.authorityId,
        subject: issuer?.subject,
        spki: issuer?.spki,
      });
    });

    test('O5: a status comes with the sequence number that it was read at', async () => {
      const certificate = await issued();
      const before = (await sequence()) ?? -1;
      expect(await read(certificate.serial)).toEqual({ sequence: before, status: good });
      await changeStatus(opened.database, certificate.id, held);
      expect(await read(certificate.serial)).toEqual({ sequence: before + 1, status: held });
      await changeStatus(opened.database, certificate.id, revoked);
      expect(await read(certificate.serial)).toEqual({ sequence: before + 2, status: revoked });
    });

    test('O2: a serial number that was not issued by this issuer has no status', async () => {
      const { serial } = await issued();
      const certificate = pending(ca.organizationId, ca.issuerId);
      const issuance = issuanceStore(opened.database);
      await issuance.recordPending({ certificate });
      const unknown = { sequence: await sequence() };
      expect(await read(certificate.serial)).toEqual(unknown);
      await issuance.recordAbandoned({
        certificateId: certificate.id,
        leaseOwner: certificate.lease.owner,
        audit: audit(ca.organizationId, 'certificate.abandoned', certificate.id),
      });
      expect(await read(certificate.serial)).toEqual(unknown);
      expect(await read('0')).toEqual(unknown);
      const other = await activeAuthority(opened.database);
      expect(await store().readStatus(other.issuerId, serial)).toEqual({ sequence: 0 });
      expect(await store().readStatus('nobody', serial)).toBeUndefined();
    });

    test('sequence numbers of many issuers are read, of unknown ones not', async () => {
      const strangers = Array.from({ length: 1200 }, (_, index) => `nobody-${index}`);
      const other = await activeAuthority(opened.database);
      const ids = [ca.issuerId, ...strangers, other.issuerId];
      const sequences = await store().readSequences(ids);
      expect([...sequences.keys()].sort()).toEqual([ca.issuerId, other.issuerId].sort());
      expect(sequences.get(other.issuerId)).toBe(0);
      expect(await store().readSequences([])).toEqual(new Map());
    });

    test('changes are read oldest first, each certificate with its latest', async () => {
      const own = await activeAuthority(opened.database);
      const leaves = [1, 2, 3].map(() => issue(opened.database, own.organizationId, own.issuerId));
      const [a, b, c] = await Promise.all(leaves);
      for (const [leaf, status] of [
        [b, held],
        [a, revoked],
        [c, revoked],
        [b, good],
      ] as const) {
        await changeStatus(opened.database, leaf?.id ?? '', status);
      }
      const changes = await store().readChanges(own.issuerId, 0, 10);
      expect(changes).toEqual([
        { serial: a?.serial, sequence: 2 },
        { serial: c?.serial, sequence: 3 },
        { serial: b?.serial, sequence: 4 },
      ]);
      expect(await store().readChanges(own.issuerId, 0, 2)).toEqual(changes.slice(0, 2));
      expect(await store().readChanges(own.issuerId, 3, 10)).toEqual(changes.slice(2));
      expect(await store().readChanges(own.issuerId, 4, 10)).toEqual([]);
      expect(await store().readChanges(own.issuerId, -1, 10)).toEqual(changes);
    });
  });
