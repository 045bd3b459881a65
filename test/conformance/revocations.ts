import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../src/pki/lifecycle.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { jobStore } from '../../src/storage/jobs.ts';
import { revocationStore } from '../../src/storage/revocations.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityRecords,
  bytes,
  changeStatus,
  compromised,
  generation,
  good,
  held,
  issue,
  newId,
  newOrganization,
  pending,
  request,
  revoked,
  seconds,
} from './fixtures.ts';

export const revocationsConform = (name: string, open: OpenTestDatabase) =>
  describe(`revocations on ${name}`, () => {
    let opened: TestDatabase;
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => revocationStore(opened.database);
    const certificates = () => certificateStore(opened.database);
    const authorities = () => authorityStore(opened.database);
    const issued = (change = {}) =>
      issue(opened.database, ca.organizationId, ca.issuerId, { certificate: change });
    const change = (...args: [string, Status, Parameters<typeof changeStatus>[3]?]) =>
      changeStatus(opened.database, ...args);
    const sequence = async (issuerId = ca.issuerId) =>
      (await statusStore(opened.database).readSequences([issuerId])).get(issuerId) ?? -1;
    const auditedSubjects = async (action: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter((entry) => entry.action === action).map((entry) => entry.subject);
    };

    test('a change is on record with date, reason, sequence number and audit entry', async () => {
      const certificate = await issued();
      const before = await sequence();
      expect(await change(certificate.id, revoked)).toEqual({
        outcome: 'changed',
        sequence: before + 1,
      });
      const record = await certificates().findCertificate(certificate.id);
      expect(record).toMatchObject({
        state: 'revoked',
        revocationReason: 'superseded',
        revokedAt: testTime,
        der: bytes(`der of ${certificate.id}`),
      });
      expect(await certificates().findBySerial(ca.issuerId, certificate.serial)).toEqual(record);
      const listed = await certificates().listCertificates(
        { serial: certificate.serial },
        { limit: 1 },
      );
      expect(listed.items).toEqual([record]);
      expect(await sequence()).toBe(before + 1);
      expect(await auditedSubjects('certificate.revoked')).toContain(certificate.id);
      expect(await certificates().isBlockedKey(certificate.spkiSha256)).toBe(false);
    });

    test('a hold that is lifted leaves neither date nor reason', async () => {
      const certificate = await issued();
      await change(certificate.id, held);
      expect(await certificates().findCertificate(certificate.id)).toMatchObject({
        state: 'held',
        revocationReason: 'certificateHold',
        revokedAt: testTime,
      });
      const before = await sequence();
      expect(await change(certificate.id, good)).toEqual({
        outcome: 'changed',
        sequence: before + 1,
      });
      const record = await certificates().findCertificate(certificate.id);
      expect(record?.state).toBe('issued');
      expect(record).not.toHaveProperty('revokedAt');
      expect(record).not.toHaveProperty('revocationReason');
    });

    test.each<[string, Status, Status]>([
      ['another state', good, { ...revoked }],
      ['another reason', revoked, { ...revoked, reason: 'unspecified' }],
      ['another date', revoked, { ...revoked, revokedAt: seconds(0.001) }],
      ['no date', revoked, { state: 'revoked', reason: 'superseded' }],
      ['no reason', revoked, { state: 'revoked', revokedAt: testTime }],
    ])(
      'a change from %s than the one on record is stale and changes nothing',
      async (_, is, from) => {
        const certificate = await issued();
        if (is !== good) await change(certificate.id, is);
        const before = await sequence();
        const record = await certificates().findCertificate(certificate.id);
        const audited = (await auditedSubjects('certificate.stale')).length;
        const outcome = await change(certificate.id, compromised, {
          from,
          blockKey: true,
          audit: audit(ca.organizationId, 'certificate.stale', certificate.id),
        });
        expect(outcome).toEqual({ outcome: 'stale' });
        expect(await certificates().findCertificate(certificate.id)).toEqual(record);
        expect(await sequence()).toBe(before);
        expect(await certificates().isBlockedKey(certificate.spkiSha256)).toBe(false);
        expect(await auditedSubjects('certificate.stale')).toHaveLength(audited);
      },
    );

    test('what is pending, or nowhere, has no status to change', async () => {
      const certificate = pending(ca.organizationId, ca.issuerId);
      await issuanceStore(opened.database).recordPending({ certificate });
      expect(await change(certificate.id, revoked, { from: good })).toEqual({ outcome: 'stale' });
      const nobody = store().recordStatusChange({
        certificateId: 'nobody',
        from: good,
        to: revoked,
        blockKey: false,
        crlDue: testTime,
        audit: audit(ca.organizationId, 'certificate.revoked', 'nobody'),
      });
      expect(await nobody).toEqual({ outcome: 'stale' });
    });

    test('O5: 20 concurrent changes of one issuer are numbered without gaps', async () => {
      const own = await activeAuthority(opened.database);
      const leaves = await Promise.all(
        Array.from({ length: 20 }, () => issue(opened.database, own.organizationId, own.issuerId)),
      );
      const results = await Promise.all(leaves.map(({ id }) => change(id, revoked)));
      const numbers = results.map((result) =>
        result.outcome === 'changed' ? result.sequence : result.outcome,
      );
      const expected = Array.from({ length: 20 }, (_, index) => index + 1);
      expect([...numbers].sort((a, b) => Number(a) - Number(b))).toEqual(expected);
      expect(await sequence(own.issuerId)).toBe(20);
      expect(await sequence()).not.toBe(20);
    });

    test('of concurrent changes of one certificate one is made', async () => {
      const certificate = await issued();
      const results = await Promise.all(
        Array.from({ length: 10 }, () => change(certificate.id, revoked, { from: good })),
      );
      expect(results.filter(({ outcome }) => outcome === 'changed')).toHaveLength(1);
      expect(results.filter(({ outcome }) => outcome === 'stale')).toHaveLength(9);
    });

    test('revoking goes on beside issuing', async () => {
      const leaves = await Promise.all(Array.from({ length: 10 }, () => issued()));
      const outcomes = await Promise.all([
        ...leaves.map(({ id }) => change(id, revoked)),
        ...leaves.map(() => issued()),
      ]);
      expect(outcomes).toHaveLength(20);
    });

    test('C3: a compromised key is blocked, twice is no error', async () => {
      const spkiSha256 = newId('spki');
      const key = { spkiSha256, subject: 'CN=one' };
      const both = [await issued(key), await issued(key)];
      for (const { id } of both) {
        expect(await change(id, compromised, { blockKey: true })).toMatchObject({
          outcome: 'changed',
        });
      }
      expect(await certificates().isBlockedKey(spkiSha256)).toBe(true);
    });

    test('a status that contradicts itself is refused by the database', async () => {
      const certificate = await issued();
      const contradictions: Status[] = [
        { state: 'revoked', reason: 'superseded' },
        { state: 'revoked', revokedAt: testTime },
        { state: 'issued', reason: 'superseded', revokedAt: testTime },
        { state: 'revoked', reason: 'removeFromCRL' as 'superseded', revokedAt: testTime },
      ];
      for (const to of contradictions) await expect(change(certificate.id, to)).rejects.toThrow();
      expect((await certificates().findCertificate(certificate.id))?.state).toBe('issued');
    });

    test('the CRL job of the issuer is brought forward, never put off', async () => {
      const own = await activeAuthority(opened.database);
      const jobs = jobStore(opened.database);
      const leaf = () => issue(opened.database, own.organizationId, own.issuerId);
      const dueAt = async () => {
        const row = await opened.database
          .reader('jobs')
          .where({ name: `crl:${own.issuerId}` })
          .first('due_at');
        return row.due_at;
      };
      await jobs.claim(seconds(1), { owner: 'x', until: seconds(2) }, 1000);
      await jobs.release(`crl:${own.issuerId}`, 'x', seconds(5000));
      expect(await dueAt()).toBe(seconds(5000).toISOString());
      await change((await leaf()).id, revoked, { crlDue: seconds(100) });
      expect(await dueAt()).toBe(seconds(100).toISOString());
      await change((await leaf()).id, revoked, { crlDue: seconds(200) });
      expect(await dueAt()).toBe(seconds(100).toISOString());
    });

    describe('an authority', () => {
      const rollOver = async ({
        organizationId,
        authorityId,
      }: Awaited<ReturnType<typeof activeAuthority>>) => {
        const next = generation(authorityId, 2);
        await authorities().addIssuer({ ...next, audit: audit(organizationId, 'x', authorityId) });
        const certify = () =>
          issue(opened.database, organizationId, next.issuer.id, {
            subjectIssuerId: next.issuer.id,
          });
        return { issuerId: next.issuer.id, certify };
      };
      const revoke = ({ issuerId, certificateId }: { issuerId: string; certificateId: string }) =>
        change(certificateId, revoked, { revokesIssuerId: issuerId });
      const states = async (own: { authorityId: string }) => ({
        authority: (await authorities().findAuthority(own.authorityId))?.state,
        issuers: (await authorities().listIssuers(own.authorityId)).map(({ state }) => state),
      });

      test('the issuer of its own certificate is found, a leaf has none', async () => {
        expect(await store().issuerOfCertificate(ca.certificateId)).toBe(ca.issuerId);
        expect(await store().issuerOfCertificate((await issued()).id)).toBeUndefined();
        expect(await store().issuerOfCertificate('nobody')).toBeUndefined();
      });

      test('A2: ends with its only issuer and signs nothing after that', async () => {
        const own = await activeAuthority(opened.database);
        expect(await revoke(own)).toEqual({ outcome: 'changed', sequence: 1 });
        expect(await states(own)).toEqual({ authority: 'revoked', issuers: ['revoked'] });
        const certificate = pending(own.organizationId, own.issuerId);
        for (const signer of [{}, { statusSigner: true } as const]) {
          expect(
            await issuanceStore(opened.database).recordPending({ certificate, ...signer }),
          ).toEqual({ outcome: 'issuer-not-active' });
        }
      });

      test('A2: what it was signing at that moment is not issued', async () => {
        const own = await activeAuthority(opened.database);
        const certificate = pending(own.organizationId, own.issuerId);
        const asked = request(own.organizationId, own.authorityId);
        const issuance = issuanceStore(opened.database);
        await issuance.recordPending({ certificate, request: asked });
        await revoke(own);
        const outcome = await issuance.recordIssued({
          certificateId: certificate.id,
          leaseOwner: certificate.lease.owner,
          der: bytes('der'),
          requestId: asked.id,
          audit: audit(own.organizationId, 'certificate.issued', certificate.id),
        });
        expect(outcome).toBe('lease-lost');
        expect((await certificates().findCertificate(certificate.id))?.state).toBe('abandoned');
        expect((await certificates().findRequest(asked.id))?.state).toBe('abandoned');
        expect(await auditedSubjects('certificate.abandoned')).toContain(certificate.id);
      });

      test('goes on when an older generation is revoked', async () => {
        const own = await activeAuthority(opened.database);
        const next = await rollOver(own);
        await next.certify();
        await revoke(own);
        expect(await states(own)).toEqual({ authority: 'active', issuers: ['active', 'revoked'] });
      });

      test('ends while its next generation awaits a certificate, and begins again with it', async () => {
        const own = await activeAuthority(opened.database);
        const next = await rollOver(own);
        await revoke(own);
        expect(await states(own)).toEqual({
          authority: 'revoked',
          issuers: ['awaiting-certificate', 'revoked'],
        });
        await next.certify();
        expect(await states(own)).toEqual({ authority: 'active', issuers: ['active', 'revoked'] });
      });

      test('is not ended by the certificate of somebody else', async () => {
        const own = await activeAuthority(opened.database);
        const leaf = await issued();
        await expect(
          change(leaf.id, revoked, { revokesIssuerId: own.issuerId }),
        ).rejects.toMatchObject({ code: 'inconsistent' });
        expect(await states(own)).toEqual({ authority: 'active', issuers: ['active'] });
        expect((await certificates().findCertificate(leaf.id))?.state).toBe('issued');
      });

      test('a retired issuer certifies its OCSP responder, nothing else', async () => {
        const own = await activeAuthority(opened.database);
        await (await rollOver(own)).certify();
        const issuance = issuanceStore(opened.database);
        const certificate = pending(own.organizationId, own.issuerId);
        expect((await issuance.recordPending({ certificate })).outcome).toBe('issuer-not-active');
        expect((await issuance.recordPending({ certificate, statusSigner: true })).outcome).toBe(
          'recorded',
        );
      });

      test('an awaiting issuer does not certify an OCSP responder', async () => {
        const organizationId = await newOrganization(opened.database);
        const records = authorityRecords(organizationId);
        await authorities().createAuthority(records);
        const certificate = pending(organizationId, records.issuer.id);
        const outcome = await issuanceStore(opened.database).recordPending({
          certificate,
          statusSigner: true,
        });
        expect(outcome.outcome).toBe('issuer-not-active');
      });

      test('an activated issuer has its CRL and its OCSP responder due at once', async () => {
        const own = await activeAuthority(opened.database);
        const jobs = await opened.database
          .reader('jobs')
          .whereLike('name', `%:${own.issuerId}`)
          .orderBy('name')
          .select('name', 'due_at');
        const due_at = testTime.toISOString();
        expect(jobs).toEqual([
          { name: `crl:${own.issuerId}`, due_at },
          { name: `ocsp-signer:${own.issuerId}`, due_at },
        ]);
      });
    });
  });
