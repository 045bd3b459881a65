import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertificateFilter } from '../../src/services/certificate-records.ts';
import { InvalidCursor } from '../../src/services/pages.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { activeAuthority, issue, pending, seconds, setState } from './fixtures.ts';

export const certificatesConform = (name: string, open: OpenTestDatabase) =>
  describe(`certificates on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => certificateStore(opened.database);

    async function walk(filter: CertificateFilter, limit: number, between = async () => {}) {
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store().listCertificates(filter, {
          limit,
          ...(cursor === undefined ? {} : { cursor }),
        });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        ids.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
        await between();
      } while (cursor !== undefined);
      return ids;
    }

    test('pages are complete and without duplicates while rows are inserted', async () => {
      const { organizationId, issuerId } = await activeAuthority(opened.database);
      const filter = { organizationId, issuerIds: [issuerId], profile: 'leaf' };
      // Several rows share a moment, so that pages end inside of it.
      const make = (index: number) =>
        issue(opened.database, organizationId, issuerId, {
          certificate: { createdAt: seconds(Math.floor(index / 4)) },
        });
      for (let index = 0; index < 20; index += 1) await make(index);
      const before = await walk(filter, 100);
      let extra = 100;
      const walked = await walk(filter, 3, async () => {
        await make(extra++);
        await make(0);
      });
      // 20 and the authority's own; rows inserted below the cursor may appear as well.
      expect(before).toHaveLength(21);
      expect(new Set(walked).size).toBe(walked.length);
      expect(walked.filter((id) => before.includes(id))).toEqual(before);
    });

    test('a listing goes from newest to oldest and ends without a cursor', async () => {
      const { organizationId, issuerId, certificateId } = await activeAuthority(opened.database);
      const [first, second] = [
        await issue(opened.database, organizationId, issuerId, {
          certificate: { createdAt: seconds(2) },
        }),
        await issue(opened.database, organizationId, issuerId, {
          certificate: { createdAt: seconds(1) },
        }),
      ];
      const all = [first.id, second.id, certificateId];
      for (const limit of [1, 2, 3, 4]) expect(await walk({ organizationId }, limit)).toEqual(all);
      const exact = await store().listCertificates({ organizationId }, { limit: 3 });
      expect(exact).not.toHaveProperty('nextCursor');
    });

    test('every field of a filter must hold', async () => {
      const { organizationId, issuerId, certificateId } = await activeAuthority(opened.database);
      const one = await issue(opened.database, organizationId, issuerId, {
        certificate: { profile: 'special', notAfter: seconds(10), createdAt: seconds(1) },
      });
      await setState(opened.database, one.id, 'revoked');
      const matches: [CertificateFilter, string[]][] = [
        [{ organizationId }, [one.id, certificateId]],
        [{ organizationId, state: 'revoked' }, [one.id]],
        [{ organizationId, state: 'issued' }, [certificateId]],
        [{ organizationId, profile: 'special' }, [one.id]],
        [{ organizationId, serial: one.serial }, [one.id]],
        [{ organizationId, commonName: one.id.toUpperCase() }, [one.id]],
        [{ organizationId, commonName: 'nobody' }, []],
        [{ organizationId, expiresBefore: seconds(10) }, []],
        [{ organizationId, expiresBefore: seconds(10.001) }, [one.id]],
        [{ issuerIds: [issuerId] }, [one.id, certificateId]],
        [{ organizationId, issuerIds: [] }, []],
        [{ organizationId: 'nobody', issuerIds: [issuerId] }, []],
        [{ organizationId, state: 'issued', profile: 'special' }, []],
        [{ organizationId: `' OR 1=1 --` }, []],
      ];
      for (const [filter, ids] of matches)
        expect(await walk(filter, 10), JSON.stringify(filter)).toEqual(ids);
    });

    test.each([
      '',
      'x',
      'bm9ib2R5',
      Buffer.from("2026-11-22T10:00:00.000Z ' OR 1=1 --").toString('base64url'),
      Buffer.from('2026-02-31T10:00:00.000Z id').toString('base64url'),
      Buffer.from('2026-11-22T10:00:00Z id').toString('base64url'),
      `${Buffer.from('2026-11-22T10:00:00.000Z id').toString('base64url')}=`,
      ` ${Buffer.from('2026-11-22T10:00:00.000Z id').toString('base64url')}`,
    ])('W2: the cursor %j is refused', async (cursor) => {
      await expect(store().listCertificates({}, { limit: 1, cursor })).rejects.toThrow(
        InvalidCursor,
      );
    });

    test('C3: a key is in use when a valid certificate with another subject has it', async () => {
      const { organizationId, issuerId } = await activeAuthority(opened.database);
      await issuanceStore(opened.database).recordPending({
        certificate: pending(organizationId, issuerId, { spkiSha256: 'p', subject: 'CN=a' }),
      });
      expect(await store().isCertifiedForOther('p', 'CN=b', testTime)).toBe(true);
      const certificate = await issue(opened.database, organizationId, issuerId, {
        certificate: { spkiSha256: 'k', subject: 'CN=a' },
      });
      expect(await store().isCertifiedForOther('k', 'CN=a', testTime)).toBe(false);
      expect(await store().isCertifiedForOther('k', 'CN=b', testTime)).toBe(true);
      expect(await store().isCertifiedForOther('k', 'CN=b', seconds(3600))).toBe(true);
      expect(await store().isCertifiedForOther('k', 'CN=b', seconds(3601))).toBe(false);
      expect(await store().isCertifiedForOther('other', 'CN=b', testTime)).toBe(false);
      await setState(opened.database, certificate.id, 'held');
      expect(await store().isCertifiedForOther('k', 'CN=b', testTime)).toBe(true);
      await setState(opened.database, certificate.id, 'revoked');
      expect(await store().isCertifiedForOther('k', 'CN=b', testTime)).toBe(false);
    });

    test('C3: a blocked key is known', async () => {
      await opened.database.write(async ({ knex }) => {
        await knex('blocked_keys').insert({
          spki_sha256: 'bad',
          reason: 'keyCompromise',
          created_at: testTime.toISOString(),
        });
      });
      expect(await store().isBlockedKey('bad')).toBe(true);
      expect(await store().isBlockedKey('good')).toBe(false);
    });

    test('what is not there is undefined', async () => {
      expect(await store().findCertificate('nobody')).toBeUndefined();
      expect(await store().findBySerial('nobody', '1')).toBeUndefined();
      expect(await store().findRequest('nobody')).toBeUndefined();
    });
  });
