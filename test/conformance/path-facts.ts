import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorityStore } from '../../src/storage/authorities.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { pathFactStore } from '../../src/storage/path-facts.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityBelow,
  authorityRecords,
  bytes,
  generation,
  issue,
  newId,
  newOrganization,
  pending,
  setState,
} from './fixtures.ts';

export const pathFactsConform = (name: string, open: OpenTestDatabase) =>
  describe(`path facts on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => pathFactStore(opened.database);
    const nameOf = (issuerId: string) => bytes(`subject of ${issuerId}`);
    const named = (issuerIds: string[], serials: string[] = []) =>
      store().issuersNamed(issuerIds.map(nameOf), serials);

    const below = (signedById: string) => authorityBelow(opened.database, signedById);

    test('an issuer is found by its name, with all above it and what each has signed', async () => {
      const root = await activeAuthority(opened.database);
      const first = await below(root.issuerId);
      const second = await below(first.issuerId);
      const leaf = await issue(opened.database, second.organizationId, second.issuerId);
      const facts = await named([second.issuerId], [leaf.serial, 'nobodys']);
      const expected = [
        {
          id: second.issuerId,
          organizationId: second.organizationId,
          profile: 'sub-ca',
          state: 'active',
          certificate: bytes(`der of ${second.certificate.id}`),
          signedById: first.issuerId,
          statuses: new Map([[leaf.serial, 'issued']]),
          signed: new Map([[leaf.serial, 'tbs']]),
        },
        {
          id: first.issuerId,
          organizationId: first.organizationId,
          profile: 'sub-ca',
          state: 'active',
          certificate: bytes(`der of ${first.certificate.id}`),
          signedById: root.issuerId,
          statuses: new Map([[second.certificate.serial, 'issued']]),
          signed: new Map([[second.certificate.serial, 'tbs']]),
        },
        {
          id: root.issuerId,
          organizationId: root.organizationId,
          profile: 'root',
          state: 'active',
          certificate: bytes(`der of ${root.certificateId}`),
          signedById: root.issuerId,
          statuses: new Map([
            [root.certificateId, 'issued'],
            [first.certificate.serial, 'issued'],
          ]),
          signed: new Map([
            [root.certificateId, 'tbs'],
            [first.certificate.serial, 'tbs'],
          ]),
        },
      ];
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
      expect(facts.toSorted(byId)).toEqual(expected.sort(byId));
    });

    test('nothing of others: neither siblings, nor issuers of other names', async () => {
      const root = await activeAuthority(opened.database);
      const one = await below(root.issuerId);
      const sibling = await below(root.issuerId);
      const ids = (await named([one.issuerId])).map(({ id }) => id);
      expect(ids.sort()).toEqual([root.issuerId, one.issuerId].sort());
      expect(ids).not.toContain(sibling.issuerId);
      expect(await store().issuersNamed([], ['1'])).toEqual([]);
      expect(await store().issuersNamed([bytes('nobody')], ['1'])).toEqual([]);
    });

    test('O7 what was held or revoked says so, with the issuer that ended', async () => {
      const root = await activeAuthority(opened.database);
      const sub = await below(root.issuerId);
      const [good, held, revoked] = [
        await issue(opened.database, sub.organizationId, sub.issuerId),
        await issue(opened.database, sub.organizationId, sub.issuerId),
        await issue(opened.database, sub.organizationId, sub.issuerId),
      ] as const;
      const waiting = pending(sub.organizationId, sub.issuerId);
      await issuanceStore(opened.database).recordPending({ certificate: waiting });
      await setState(opened.database, held.id, 'held');
      await setState(opened.database, revoked.id, 'revoked');
      const serials = [good, held, revoked, waiting].map(({ serial }) => serial);
      const [own] = (await named([sub.issuerId], serials)).filter(({ id }) => id === sub.issuerId);
      expect(own?.statuses).toEqual(
        new Map([
          [good.serial, 'issued'],
          [held.serial, 'held'],
          [revoked.serial, 'revoked'],
          [waiting.serial, 'pending'],
        ]),
      );
      await setState(opened.database, sub.certificate.id, 'revoked');
      const above = (await named([sub.issuerId])).find(({ id }) => id === root.issuerId);
      expect(above?.statuses.get(sub.certificate.serial)).toBe('revoked');
    });

    test('[V2G2-878] issuers of one name are all found; one without certificate is not', async () => {
      const first = await activeAuthority(opened.database);
      const second = await activeAuthority(opened.database);
      const subject = nameOf(first.issuerId);
      await opened.database.write(({ knex }) =>
        knex('issuers')
          .where({ id: second.issuerId })
          .update({ subject: Buffer.from(subject) }),
      );
      const next = generation(first.authorityId, 2);
      await authorityStore(opened.database).addIssuer({
        ...{ issuer: { ...next.issuer, subject }, key: next.key },
        audit: audit(first.organizationId, 'authority.rollover-started', newId('x')),
      });
      const found = await store().issuersNamed([subject], []);
      expect(found.map(({ id }) => id).sort()).toEqual([first.issuerId, second.issuerId].sort());
    });

    test('an issuer that was certified elsewhere is found without one above it', async () => {
      const organizationId = await newOrganization(opened.database);
      const records = authorityRecords(organizationId);
      const { id } = records.issuer;
      await authorityStore(opened.database).createAuthority(records);
      await authorityStore(opened.database).activateIssuer({
        issuerId: id,
        certificate: {
          ...{ id: newId('cert'), organizationId, der: bytes('der'), serial: '1', subject: 'CN=x' },
          ...{ commonName: 'x', profile: 'root', profileHash: 'hash', spkiSha256: 'spki' },
          ...{ notBefore: testTime, notAfter: testTime },
        },
        chain: [bytes('above')],
        root: { identity: newId('root'), sha256: 'sha256' },
        audit: audit(organizationId, 'authority.activated', id),
      });
      const [found] = await named([id]);
      expect(found).toEqual({
        ...{ id, organizationId, profile: 'root', state: 'active', certificate: bytes('der') },
        ...{ statuses: new Map(), signed: new Map() },
      });
    });
  });
