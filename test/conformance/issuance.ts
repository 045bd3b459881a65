import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PendingOutcome } from '../../src/services/certificate-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
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
  pending,
  request,
  seconds,
  setState,
} from './fixtures.ts';

export const issuanceConforms = (name: string, open: OpenTestDatabase) =>
  describe(`issuance on ${name}`, () => {
    let opened: TestDatabase;
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => issuanceStore(opened.database);
    const certificates = () => certificateStore(opened.database);
    const newPending = (change = {}) => pending(ca.organizationId, ca.issuerId, change);
    const newRequest = (change = {}) => request(ca.organizationId, ca.authorityId, change);
    const issued = (certificateId: string, leaseOwner = 'process-1') => ({
      certificateId,
      leaseOwner,
      der: bytes('der'),
      audit: audit(ca.organizationId, 'certificate.issued', certificateId),
    });
    const count = (outcomes: PendingOutcome[], outcome: PendingOutcome['outcome']) =>
      outcomes.filter((one) => one.outcome === outcome).length;
    const auditedSubjects = async (action: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter((entry) => entry.action === action).map((entry) => entry.subject);
    };

    test('S3: a certificate is pending with its request first, then issued with its audit entry', async () => {
      const certificate = newPending({ stationId: 'CS-1' });
      const asked = newRequest({ stationId: 'CS-1', repeatUntil: seconds(5) });
      expect(await store().recordPending({ certificate, request: asked })).toEqual({
        outcome: 'recorded',
      });
      const record = {
        id: certificate.id,
        organizationId: ca.organizationId,
        issuerId: ca.issuerId,
        serial: certificate.serial,
        state: 'pending',
        subject: certificate.subject,
        profile: 'leaf',
        profileHash: 'hash',
        spkiSha256: certificate.spkiSha256,
        notBefore: testTime,
        notAfter: seconds(3600),
        createdAt: testTime,
        requestId: asked.id,
        stationId: 'CS-1',
      };
      expect(await certificates().findCertificate(certificate.id)).toEqual(record);
      expect(await certificates().findRequest(asked.id)).toEqual({
        ...asked,
        certificateId: certificate.id,
      });
      expect(await auditedSubjects('certificate.issued')).not.toContain(certificate.id);

      const command = { ...issued(certificate.id), requestId: asked.id };
      expect(await store().recordIssued(command)).toBe('issued');
      expect(await certificates().findBySerial(ca.issuerId, certificate.serial)).toEqual({
        ...record,
        state: 'issued',
        der: bytes('der'),
      });
      expect((await certificates().findRequest(asked.id))?.state).toBe('issued');
      expect(await auditedSubjects('certificate.issued')).toContain(certificate.id);
      expect(await store().recordIssued(command)).toBe('lease-lost');
    });

    test('S2 RFC 5280 4.1.2.2: a serial number is given away once per issuer', async () => {
      const first = newPending();
      await store().recordPending({ certificate: first });
      const second = newPending({ serial: first.serial });
      const asked = newRequest({ repeatKey: newId('key') });
      expect(await store().recordPending({ certificate: second, request: asked })).toEqual({
        outcome: 'serial-taken',
      });
      expect(await certificates().findCertificate(second.id)).toBeUndefined();
      expect(await certificates().findRequest(asked.id)).toBeUndefined();

      const other = await activeAuthority(opened.database);
      const elsewhere = pending(other.organizationId, other.issuerId, { serial: first.serial });
      expect((await store().recordPending({ certificate: elsewhere })).outcome).toBe('recorded');
    });

    test('S2: of 20 concurrent certificates with one serial number one is recorded', async () => {
      const serial = newId('serial');
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () =>
          store().recordPending({ certificate: newPending({ serial }) }),
        ),
      );
      expect(count(outcomes, 'recorded')).toBe(1);
      expect(count(outcomes, 'serial-taken')).toBe(19);
    });

    test('K5: of 50 concurrent requests with one repeat key one is recorded', async () => {
      const repeatKey = newId('key');
      const tried = Array.from({ length: 50 }, () => ({
        certificate: newPending(),
        request: newRequest({ repeatKey }),
      }));
      const outcomes = await Promise.all(tried.map((command) => store().recordPending(command)));
      expect(count(outcomes, 'recorded')).toBe(1);
      expect(count(outcomes, 'repeat')).toBe(49);
      const winner = tried[outcomes.findIndex(({ outcome }) => outcome === 'recorded')];
      for (const outcome of outcomes) {
        if (outcome.outcome !== 'repeat') continue;
        expect(outcome.request.id).toBe(winner?.request.id);
        expect(outcome.request.certificateId).toBe(winner?.certificate.id);
      }
      const ids = tried.map(({ certificate }) => certificate.id);
      const stored = await Promise.all(ids.map((id) => certificates().findCertificate(id)));
      expect(stored.filter((row) => row !== undefined)).toHaveLength(1);
    });

    const takenOver: Record<string, (repeatKey: string) => Promise<Date>> = {
      refused: async (repeatKey) => {
        await store().recordRefused({
          request: newRequest({ repeatKey, state: 'refused', violations: [] }),
          audit: audit(ca.organizationId, 'request.refused', 'x'),
        });
        return testTime;
      },
      abandoned: async (repeatKey) => {
        const certificate = newPending();
        await store().recordPending({ certificate, request: newRequest({ repeatKey }) });
        await store().recordAbandoned({
          certificateId: certificate.id,
          leaseOwner: 'process-1',
          audit: audit(ca.organizationId, 'certificate.abandoned', certificate.id),
        });
        return testTime;
      },
      'past repeatUntil': async (repeatKey) => {
        await issue(opened.database, ca.organizationId, ca.issuerId, {
          request: newRequest({ repeatKey, repeatUntil: seconds(10) }),
        });
        return seconds(10.001);
      },
      'answered by a revoked certificate': async (repeatKey) => {
        const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
          request: newRequest({ repeatKey }),
        });
        await setState(opened.database, certificate.id, 'revoked');
        return testTime;
      },
      'answered by a held certificate': async (repeatKey) => {
        const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
          request: newRequest({ repeatKey }),
        });
        await setState(opened.database, certificate.id, 'held');
        return testTime;
      },
      'answered by an expired certificate': async (repeatKey) => {
        await issue(opened.database, ca.organizationId, ca.issuerId, {
          request: newRequest({ repeatKey }),
        });
        return seconds(3601);
      },
    };
    test.each(Object.entries(takenOver))(
      'a request that is %s gives its repeat key to one new request',
      async (_, prepare) => {
        const repeatKey = newId('key');
        const createdAt = await prepare(repeatKey);
        const outcomes = await Promise.all(
          Array.from({ length: 5 }, () =>
            store().recordPending({
              certificate: newPending({ createdAt, notAfter: seconds(9999) }),
              request: newRequest({ repeatKey, createdAt }),
            }),
          ),
        );
        expect(count(outcomes, 'recorded')).toBe(1);
        expect(count(outcomes, 'repeat')).toBe(4);
      },
    );

    test.each([
      ['at repeatUntil', { repeatUntil: seconds(10) }, seconds(10)],
      ['while its certificate is valid', {}, seconds(3600)],
    ])('a request is repeated %s', async (_, change, createdAt) => {
      const repeatKey = newId('key');
      const asked = newRequest({ repeatKey, ...change });
      const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
        request: asked,
      });
      const outcome = await store().recordPending({
        certificate: newPending(),
        request: newRequest({ repeatKey, createdAt }),
      });
      expect(outcome).toEqual({
        outcome: 'repeat',
        request: { ...asked, state: 'issued', certificateId: certificate.id },
      });
    });

    test('A2: an issuer that is not active records nothing', async () => {
      const organizationId = await newOrganization(opened.database);
      const records = authorityRecords(organizationId);
      const { issuer } = records;
      await authorityStore(opened.database).createAuthority(records);
      const tries = [
        { certificate: pending(organizationId, issuer.id) },
        { certificate: pending(organizationId, issuer.id), subjectIssuerId: ca.issuerId },
        { certificate: pending(organizationId, 'nobody') },
        { certificate: pending(organizationId, 'nobody'), subjectIssuerId: 'nobody' },
      ];
      for (const command of tries) {
        expect(await store().recordPending(command)).toEqual({ outcome: 'issuer-not-active' });
        expect(await certificates().findCertificate(command.certificate.id)).toBeUndefined();
      }
    });

    test('A2: a retired issuer does not sign, not even itself', async () => {
      const { organizationId, authorityId, issuerId } = await activeAuthority(opened.database);
      const next = generation(authorityId, 2);
      await authorityStore(opened.database).addIssuer({
        ...next,
        audit: audit(organizationId, 'authority.rolled-over', authorityId),
      });
      const subjectIssuerId = next.issuer.id;
      await issue(opened.database, organizationId, subjectIssuerId, { subjectIssuerId });
      for (const subject of [{}, { subjectIssuerId: issuerId }]) {
        const certificate = pending(organizationId, issuerId);
        expect(await store().recordPending({ certificate, ...subject })).toEqual({
          outcome: 'issuer-not-active',
        });
      }
    });

    test('of two certificates for one awaiting issuer one becomes its own', async () => {
      const { organizationId } = ca;
      const records = authorityRecords(organizationId);
      await authorityStore(opened.database).createAuthority(records);
      const subjectIssuerId = records.issuer.id;
      const both = [pending(organizationId, ca.issuerId), pending(organizationId, ca.issuerId)];
      for (const certificate of both) await store().recordPending({ certificate, subjectIssuerId });
      const outcomes = await Promise.all(
        both.map(({ id }) => store().recordIssued({ ...issued(id), subjectIssuerId })),
      );
      expect(outcomes.sort()).toEqual(['issued', 'lease-lost']);
    });

    test('only the owner of the lease can issue or abandon', async () => {
      const certificate = newPending();
      await store().recordPending({ certificate });
      expect(await store().recordIssued(issued(certificate.id, 'process-2'))).toBe('lease-lost');
      await store().recordAbandoned({
        certificateId: certificate.id,
        leaseOwner: 'process-2',
        audit: audit(ca.organizationId, 'certificate.abandoned', certificate.id),
      });
      expect((await certificates().findCertificate(certificate.id))?.state).toBe('pending');
      expect(await auditedSubjects('certificate.abandoned')).not.toContain(certificate.id);
      expect(await store().recordIssued(issued('nobody'))).toBe('lease-lost');
    });

    test('S3: issuing with a request that the certificate does not answer changes nothing', async () => {
      const certificate = newPending();
      await store().recordPending({ certificate });
      const stranger = newRequest();
      await store().recordPending({ certificate: newPending(), request: stranger });
      await expect(
        store().recordIssued({ ...issued(certificate.id), requestId: stranger.id }),
      ).rejects.toMatchObject({ code: 'inconsistent' });
      expect((await certificates().findCertificate(certificate.id))?.state).toBe('pending');
    });

    test('S3: recovery abandons expired leases only, and their owners have lost them', async () => {
      const until = seconds(-100);
      const expired = newPending({ lease: { owner: 'dead', until } });
      const atTheEnd = newPending({ lease: { owner: 'dead', until: seconds(-99) } });
      const asked = newRequest();
      await store().recordPending({ certificate: expired, request: asked });
      await store().recordPending({ certificate: atTheEnd });
      expect(await store().abandonExpired(seconds(-99))).toBe(1);
      expect(await store().abandonExpired(seconds(-99))).toBe(0);

      expect((await certificates().findCertificate(expired.id))?.state).toBe('abandoned');
      expect((await certificates().findRequest(asked.id))?.state).toBe('abandoned');
      expect((await certificates().findCertificate(atTheEnd.id))?.state).toBe('pending');
      expect(await store().recordIssued(issued(expired.id, 'dead'))).toBe('lease-lost');
      expect(await auditedSubjects('certificate.abandoned')).toContain(expired.id);
      // The serial number stays taken.
      const again = newPending({ serial: expired.serial });
      expect((await store().recordPending({ certificate: again })).outcome).toBe('serial-taken');
    });

    test('recovery takes more rows than fit into one transaction', async () => {
      const lease = { owner: 'dead', until: seconds(-1000) };
      await Promise.all(
        Array.from({ length: 450 }, () =>
          store().recordPending({ certificate: newPending({ lease }) }),
        ),
      );
      expect(await store().abandonExpired(seconds(-500))).toBe(450);
    });

    test('a refused request keeps its violations and gives no answer to repeats', async () => {
      const violations = [{ code: 'key-weak', message: 'weak', field: 'publicKey' }] as const;
      const refused = newRequest({ state: 'refused', violations });
      const command = {
        request: refused,
        audit: audit(ca.organizationId, 'request.refused', refused.id),
      };
      await store().recordRefused(command);
      expect(await certificates().findRequest(refused.id)).toEqual(refused);
      expect(await auditedSubjects('request.refused')).toContain(refused.id);
      // The same key refused twice, while an answered request holds it.
      const repeatKey = newId('key');
      const holder = newRequest({ repeatKey });
      await issue(opened.database, ca.organizationId, ca.issuerId, { request: holder });
      await store().recordRefused({
        ...command,
        request: { ...refused, id: newId('r'), repeatKey },
      });
      const outcome = await store().recordPending({
        certificate: newPending(),
        request: newRequest({ repeatKey }),
      });
      expect(outcome).toMatchObject({ outcome: 'repeat', request: { id: holder.id } });
    });

    test('S2: 32 in flight share commits', async () => {
      const before = opened.database.counters;
      await Promise.all(
        Array.from({ length: 32 }, () => issue(opened.database, ca.organizationId, ca.issuerId)),
      );
      const { commits, rollbacks } = opened.database.counters;
      expect(commits - before.commits).toBeLessThanOrEqual(4);
      expect(rollbacks).toBe(before.rollbacks);
    });
  });
