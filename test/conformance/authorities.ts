import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImportedCertificate } from '../../src/services/authority-records.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityRecords,
  bytes,
  generation,
  issue,
  newId,
  newOrganization,
  seconds,
} from './fixtures.ts';

export const authoritiesConform = (name: string, open: OpenTestDatabase) =>
  describe(`authorities on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => authorityStore(opened.database);
    const created = async () => {
      const organizationId = await newOrganization(opened.database);
      const records = authorityRecords(organizationId);
      expect(await store().createAuthority(records)).toBe('created');
      return records;
    };

    test('an authority is created with its issuer and envelope, once', async () => {
      const records = await created();
      const { authority, issuer, key } = records;
      expect(await store().findAuthority(authority.id)).toEqual(authority);
      expect(await store().findIssuer(issuer.id)).toEqual(issuer);
      expect(await store().findEnvelope(key.keyId)).toEqual(key);

      const again = { ...authorityRecords(authority.organizationId), authority };
      expect(await store().createAuthority(again)).toBe('exists');
      expect(await store().findIssuer(again.issuer.id)).toBeUndefined();
      expect(await store().findEnvelope(again.key.keyId)).toBeUndefined();
    });

    test('optional fields come back, booleans stay booleans', async () => {
      const parent = await created();
      const records = authorityRecords(parent.authority.organizationId);
      const authority = { ...records.authority, parentId: parent.authority.id, external: true };
      const issuer = { ...records.issuer, request: bytes('csr') };
      await store().createAuthority({ ...records, authority, issuer });
      expect(await store().findAuthority(authority.id)).toEqual(authority);
      expect(await store().findIssuer(issuer.id)).toEqual(issuer);
      expect((await store().listAuthorities()).map(({ id }) => id)).toContain(authority.id);
    });

    test('of concurrent generations with one number one is added', async () => {
      const { authority } = await created();
      const outcomes = await Promise.all(
        [2, 2, 2, 3].map((number) =>
          store().addIssuer({
            ...generation(authority.id, number),
            audit: audit(authority.organizationId, 'authority.rolled-over', authority.id),
          }),
        ),
      );
      expect(outcomes.sort()).toEqual(['added', 'added', 'exists', 'exists']);
      const numbers = (await store().listIssuers(authority.id)).map((issuer) => issuer.generation);
      expect(numbers).toEqual([3, 2, 1]);
    });

    test('the key of an issuer is known as an authority key, another is not', async () => {
      const { issuer } = await created();
      const fingerprint = createHash('sha256').update(issuer.spki).digest('hex');
      expect(await store().isAuthorityKey(fingerprint)).toBe(true);
      expect(await store().isAuthorityKey('00'.repeat(32))).toBe(false);
    });

    const imported = (organizationId: string): ImportedCertificate => ({
      id: newId('cert'),
      organizationId,
      der: bytes('der'),
      serial: 'abc',
      subject: 'CN=Sub',
      commonName: 'Sub',
      profile: 'sub',
      profileHash: 'hash',
      spkiSha256: 'spki',
      notBefore: testTime,
      notAfter: seconds(1000),
    });

    test('of activations below two roots with one identity at once one succeeds', async () => {
      const identity = newId('root');
      const activate = async (sha256: string) => {
        const { authority, issuer } = await created();
        const outcome = await store().activateIssuer({
          ...{ issuerId: issuer.id, certificate: imported(authority.organizationId) },
          ...{ chain: [bytes(sha256)], root: { identity, sha256 } },
          audit: audit(authority.organizationId, 'authority.activated', authority.id),
        });
        return { outcome, state: (await store().findAuthority(authority.id))?.state, sha256 };
      };
      const both = await Promise.all([activate('one'), activate('another')]);
      const counted = both.map(({ outcome, state }) => `${outcome} ${state}`).sort();
      expect(counted).toEqual(['activated active', 'root-namesake awaiting-certificate']);
      // The same root stands above as many as it likes.
      const claimed = both.find(({ outcome }) => outcome === 'activated')?.sha256 ?? '';
      expect((await activate(claimed)).outcome).toBe('activated');
    });

    test('activating with a foreign certificate stores it and its chain, once', async () => {
      const { authority, issuer } = await created();
      const activate = (certificate: ImportedCertificate) =>
        store().activateIssuer({
          issuerId: issuer.id,
          certificate,
          chain: [bytes('upper'), bytes('root')],
          root: { identity: newId('root'), sha256: 'sha256' },
          audit: audit(authority.organizationId, 'authority.activated', authority.id),
        });
      const certificate = imported(authority.organizationId);
      expect(await activate(certificate)).toBe('activated');
      const second = imported(authority.organizationId);
      expect(await activate(second)).toBe('not-awaiting');

      expect(await store().findIssuer(issuer.id)).toEqual({
        ...issuer,
        state: 'active',
        certificateId: certificate.id,
        certificate: certificate.der,
      });
      expect((await store().findAuthority(authority.id))?.state).toBe('active');
      expect(await store().externalChain(issuer.id)).toEqual([bytes('upper'), bytes('root')]);
      const whole = [certificate.der, bytes('upper'), bytes('root')];
      expect(await store().externalChains()).toContainEqual(whole);
      const certificates = certificateStore(opened.database);
      const stored = await certificates.findCertificate(certificate.id);
      const { commonName: _, ...shown } = certificate;
      expect(stored).toEqual({ ...shown, state: 'issued', createdAt: testTime });
      expect(await certificates.findCertificate(second.id)).toBeUndefined();
    });

    test('a self-signed issuer tells that it signed itself', async () => {
      const { issuerId, certificateId } = await activeAuthority(opened.database);
      const issuer = await store().findIssuer(issuerId);
      expect(issuer).toMatchObject({ state: 'active', certificateId, signedById: issuerId });
      expect(issuer?.certificate).toEqual(bytes(`der of ${certificateId}`));
      expect(await store().externalChain(issuerId)).toEqual([]);
      const own = bytes(`der of ${certificateId}`);
      expect((await store().externalChains()).flat()).not.toContainEqual(own);
    });

    test('a new generation retires the active one when its certificate comes', async () => {
      const { organizationId, authorityId, issuerId } = await activeAuthority(opened.database);
      const next = generation(authorityId, 2);
      await store().addIssuer({ ...next, audit: audit(organizationId, 'x.added', authorityId) });
      expect((await store().findIssuer(issuerId))?.state).toBe('active');
      await issue(opened.database, organizationId, next.issuer.id, {
        subjectIssuerId: next.issuer.id,
      });
      const states = (await store().listIssuers(authorityId)).map(({ state }) => state);
      expect(states).toEqual(['active', 'retired']);
    });

    test('an authority of an unknown organization is refused by the database', async () => {
      await expect(store().createAuthority(authorityRecords('nobody'))).rejects.toThrow();
    });
  });
