import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crlStore } from '../../src/storage/crls.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { observationStore } from '../../src/storage/observations.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { activeAuthority, audit, bytes, issue, pending, seconds } from './fixtures.ts';

export const observationsConform = (name: string, open: OpenTestDatabase) =>
  describe(`what is watched on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const observe = (maxCrls = 10) => observationStore(opened.database).observe(maxCrls);

    test('an empty database has nothing to watch', async () => {
      expect(await observe()).toEqual({ pendingCertificates: 0, crls: [] });
    });

    test('pending certificates, CRLs by their end, and the issuer that ends first', async () => {
      const { organizationId, issuerId } = await activeAuthority(opened.database);
      const other = await activeAuthority(opened.database);
      await issue(opened.database, organizationId, issuerId, {
        // A leaf that ends earlier is not an issuer.
        certificate: { notAfter: seconds(60) },
      });
      for (const _ of [1, 2]) {
        await issuanceStore(opened.database).recordPending({
          certificate: pending(organizationId, issuerId),
        });
      }
      const publish = (issuer: string, number: number, nextUpdate: Date) =>
        crlStore(opened.database).publish(
          {
            ...{ issuerId: issuer, number, sequence: 0, length: 3 },
            ...{ thisUpdate: seconds(0), nextUpdate },
          },
          [bytes('crl')],
          audit(organizationId, 'crl.published', issuer),
        );
      await publish(issuerId, 7, seconds(200));
      await publish(other.issuerId, 1, seconds(100));

      const crls = [
        { issuerId: other.issuerId, number: 1, ...update(100) },
        { issuerId, number: 7, ...update(200) },
      ];
      expect(await observe()).toEqual({
        pendingCertificates: 2,
        crls,
        firstIssuerEnd: seconds(3600),
      });
      expect((await observe(1)).crls).toEqual(crls.slice(0, 1));
    });
  });

const update = (end: number) => ({ thisUpdate: seconds(0), nextUpdate: seconds(end) });
