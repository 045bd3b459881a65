import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approval, EnrolmentRequest } from '../../src/services/certificate-records.ts';
import { InvalidCursor } from '../../src/services/pages.ts';
import type { RequestFilter } from '../../src/services/request-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { requestStore } from '../../src/storage/requests.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  bytes,
  issue,
  newId,
  pending,
  request,
  seconds,
  setState,
} from './fixtures.ts';

export const requestsConform = (name: string, open: OpenTestDatabase) =>
  describe(`requests on ${name}`, () => {
    let opened: TestDatabase;
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      ca = await activeAuthority(opened.database);
    });
    afterAll(() => opened.remove());

    const store = () => requestStore(opened.database);
    const issuance = () => issuanceStore(opened.database);
    const find = (id: string) => certificateStore(opened.database).findRequest(id);
    const newPending = (change = {}) => pending(ca.organizationId, ca.issuerId, change);
    const newWaiting = (change: Partial<EnrolmentRequest> = {}) =>
      request(ca.organizationId, ca.authorityId, {
        state: 'waiting-for-approval',
        approveUntil: seconds(100),
        ...change,
      });
    const noted = (id: string, action = 'request.waiting') => audit(ca.organizationId, action, id);
    const wait = (asked: EnrolmentRequest) =>
      store().recordWaiting({ request: asked, audit: noted(asked.id) });
    const approval = (id: string, at = testTime, by = 'client:approver'): Approval => ({
      ...{ by, at, repeatUntil: seconds(1000) },
      audit: noted(id, 'request.approved'),
    });
    const approve = (asked: EnrolmentRequest, at = testTime, by = 'client:approver') =>
      issuance().recordPending({
        certificate: newPending(),
        request: asked,
        approval: approval(asked.id, at, by),
      });
    const reject = (id: string, at = testTime) =>
      store().recordRejected({
        ...{ requestId: id, by: 'client:approver', at, reason: 'no' },
        audit: noted(id, 'request.rejected'),
      });
    const refuse = (id: string, at = testTime) =>
      store().recordRefusal({
        ...{ requestId: id, at, violations: [{ code: 'key-weak', message: 'weak' }] },
        audit: noted(id, 'request.refused'),
      });
    const audited = async (id: string) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter(({ subject }) => subject === id).map(({ action }) => action);
    };
    async function approved(asked: EnrolmentRequest) {
      await wait(asked);
      const certificate = newPending();
      const recorded = await issuance().recordPending({
        certificate,
        request: asked,
        approval: approval(asked.id),
      });
      expect(recorded).toEqual({ outcome: 'recorded' });
      return certificate;
    }

    test('a request waits with all that was asked, and an audit entry', async () => {
      const asked = newWaiting({
        ...{ subject: 'CN=x', notAfter: seconds(50), stationId: 'CS-1', repeatKey: newId('key') },
        renews: ca.certificateId,
      });
      expect(await wait(asked)).toEqual({ outcome: 'recorded' });
      expect(await find(asked.id)).toEqual(asked);
      expect(await audited(asked.id)).toEqual(['request.waiting']);
    });

    test('S3 an approved request is issuing with its certificate, then issued', async () => {
      const asked = newWaiting();
      const certificate = await approved(asked);
      const decided = {
        ...asked,
        ...{ certificateId: certificate.id, repeatUntil: seconds(1000) },
        ...{ decidedBy: 'client:approver', decidedAt: testTime },
      };
      expect(await find(asked.id)).toEqual({ ...decided, state: 'issuing' });
      const recorded = await issuance().recordIssued({
        ...{ certificateId: certificate.id, leaseOwner: 'process-1', der: bytes('der') },
        ...{ requestId: asked.id, audit: noted(certificate.id, 'certificate.issued') },
      });
      expect(recorded).toBe('issued');
      expect(await find(asked.id)).toEqual({ ...decided, state: 'issued' });
      expect(await audited(asked.id)).toEqual(['request.waiting', 'request.approved']);
    });

    test('a rejected request keeps who, when and why; a refused one its violations', async () => {
      const [one, other] = [newWaiting(), newWaiting({ repeatKey: newId('key') })];
      await wait(one);
      await wait(other);
      expect(await reject(one.id)).toBe('rejected');
      expect(await find(one.id)).toEqual({
        ...one,
        ...{ state: 'rejected', rejectionReason: 'no' },
        ...{ decidedBy: 'client:approver', decidedAt: testTime },
      });
      expect(await audited(one.id)).toEqual(['request.waiting', 'request.rejected']);
      expect(await refuse(other.id)).toBe('refused');
      const { repeatKey: _, ...rest } = other;
      expect(await find(other.id)).toEqual({
        ...rest,
        state: 'refused',
        violations: [{ code: 'key-weak', message: 'weak' }],
      });
      expect(await audited(other.id)).toEqual(['request.waiting', 'request.refused']);
    });

    const decisions = { approve, reject: ({ id }: EnrolmentRequest) => reject(id) };
    test.each(Object.entries(decisions))(
      'what is decided cannot be decided again: %s',
      async (_, decide) => {
        const asked = newWaiting();
        await wait(asked);
        await decide(asked);
        const before = await find(asked.id);
        const late = await approve(asked);
        expect(late).toEqual({ outcome: 'not-waiting' });
        expect(await reject(asked.id)).toBe('not-waiting');
        expect(await refuse(asked.id)).toBe('not-waiting');
        expect(await find(asked.id)).toEqual(before);
        expect(await audited(asked.id)).toHaveLength(2);
      },
    );

    test('an approval that comes too late leaves no certificate', async () => {
      const asked = newWaiting();
      await wait(asked);
      await reject(asked.id);
      const certificate = newPending();
      await issuance().recordPending({ certificate, request: asked, approval: approval(asked.id) });
      const found = await certificateStore(opened.database).findCertificate(certificate.id);
      expect(found).toBeUndefined();
      // Nor is its serial number used up.
      const again = newPending({ serial: certificate.serial });
      expect(await issuance().recordPending({ certificate: again })).toEqual({
        outcome: 'recorded',
      });
    });

    test('until when a request can be approved is exact', async () => {
      const [inTime, tooLate] = [newWaiting(), newWaiting()];
      await wait(inTime);
      await wait(tooLate);
      expect(await approve(tooLate, seconds(100.001))).toEqual({ outcome: 'not-waiting' });
      expect(await reject(tooLate.id, seconds(100.001))).toBe('not-waiting');
      expect(await refuse(tooLate.id, seconds(100.001))).toBe('not-waiting');
      expect(await approve(inTime, seconds(100))).toEqual({ outcome: 'recorded' });
    });

    test('of 20 approvals and 20 rejections at once one decides', async () => {
      for (let round = 0; round < 5; round += 1) {
        const asked = newWaiting();
        await wait(asked);
        const outcomes = await Promise.all(
          Array.from({ length: 40 }, (_, index) =>
            (index + round) % 2 === 0
              ? approve(asked).then(({ outcome }) => outcome)
              : reject(asked.id),
          ),
        );
        const won = outcomes.filter((outcome) => outcome !== 'not-waiting');
        expect(won).toHaveLength(1);
        const state = won[0] === 'recorded' ? 'issuing' : 'rejected';
        expect((await find(asked.id))?.state).toBe(state);
        expect(await audited(asked.id)).toHaveLength(2);
      }
    });

    test('the database lets nobody approve a request of their own', async () => {
      const asked = newWaiting();
      await wait(asked);
      await expect(approve(asked, testTime, asked.requester)).rejects.toThrow();
      expect(await find(asked.id)).toEqual(asked);
    });

    const given: Record<string, (id: string) => Promise<unknown>> = {
      'whose signing failed': (id) =>
        issuance().recordAbandoned({
          ...{ certificateId: id, leaseOwner: 'process-1' },
          audit: noted(id, 'certificate.abandoned'),
        }),
      'whose process died': () => issuance().abandonExpired(seconds(61)),
    };
    test.each(Object.entries(given))(
      'S3 an approved request %s waits again, and can be approved once',
      async (_, giveUp) => {
        const asked = newWaiting({ repeatKey: newId('key') });
        const certificate = await approved(asked);
        await giveUp(certificate.id);
        expect(await find(asked.id)).toEqual(asked);
        const lost = await issuance().recordIssued({
          ...{ certificateId: certificate.id, leaseOwner: 'process-1', der: bytes('der') },
          ...{ requestId: asked.id, audit: noted(certificate.id, 'certificate.issued') },
        });
        expect(lost).toBe('lease-lost');
        const outcomes = await Promise.all([approve(asked), approve(asked)]);
        expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['not-waiting', 'recorded']);
      },
    );

    test('K5 of 30 concurrent equal requests one waits', async () => {
      const repeatKey = newId('key');
      const asked = Array.from({ length: 30 }, () => newWaiting({ repeatKey }));
      const outcomes = await Promise.all(asked.map(wait));
      const winner = asked[outcomes.findIndex(({ outcome }) => outcome === 'recorded')];
      const others = outcomes.filter(({ outcome }) => outcome === 'repeat');
      expect(others).toHaveLength(29);
      for (const other of others) expect(other).toEqual({ outcome: 'repeat', request: winner });
    });

    test.each([
      ['waits', async () => undefined],
      ['was rejected', async (id: string) => reject(id)],
    ])('K5 a request that %s is repeated until it could have been approved', async (_, end) => {
      const repeatKey = newId('key');
      const asked = newWaiting({ repeatKey });
      await wait(asked);
      await end(asked.id);
      const inTime = newWaiting({ repeatKey, createdAt: seconds(100) });
      expect(await wait(inTime)).toMatchObject({ outcome: 'repeat', request: { id: asked.id } });
      const issuing = request(ca.organizationId, ca.authorityId, { repeatKey });
      expect(
        await issuance().recordPending({ certificate: newPending(), request: issuing }),
      ).toMatchObject({ outcome: 'repeat', request: { id: asked.id } });
      const late = newWaiting({ repeatKey, createdAt: seconds(100.001) });
      expect(await wait(late)).toEqual({ outcome: 'recorded' });
    });

    test('K5 a request that was approved is repeated until it says', async () => {
      const repeatKey = newId('key');
      const asked = newWaiting({ repeatKey });
      await wait(asked);
      const certificate = newPending({ notAfter: seconds(5000) });
      await issuance().recordPending({ certificate, request: asked, approval: approval(asked.id) });
      const again = (createdAt: Date) => wait(newWaiting({ repeatKey, createdAt }));
      expect(await again(seconds(1000))).toMatchObject({ request: { id: asked.id } });
      expect(await again(seconds(1000.001))).toEqual({ outcome: 'recorded' });
    });

    test('a certificate says what it renews, and what renews it latest', async () => {
      const renewed = await issue(opened.database, ca.organizationId, ca.issuerId);
      const renewing = (createdAt: Date) =>
        issue(opened.database, ca.organizationId, ca.issuerId, {
          request: request(ca.organizationId, ca.authorityId, { renews: renewed.id, createdAt }),
        });
      const certificate = async (id: string) =>
        certificateStore(opened.database).findCertificate(id);
      const second = await renewing(seconds(2));
      const first = await renewing(seconds(1));
      await issuance().recordPending({
        certificate: newPending(),
        request: request(ca.organizationId, ca.authorityId, {
          ...{ renews: renewed.id, createdAt: seconds(3) },
        }),
      });
      expect(await certificate(renewed.id)).toMatchObject({ renewedBy: second.id });
      expect(await certificate(first.id)).toMatchObject({ renews: renewed.id });
      expect(await certificate(first.id)).not.toHaveProperty('renewedBy');
    });

    test.each(['held', 'revoked'] as const)(
      'a certificate that is %s is not renewed',
      async (to) => {
        const renewed = await issue(opened.database, ca.organizationId, ca.issuerId);
        await setState(opened.database, renewed.id, to);
        const certificate = newPending();
        const outcome = await issuance().recordPending({
          certificate,
          request: request(ca.organizationId, ca.authorityId, { renews: renewed.id }),
        });
        expect(outcome).toEqual({ outcome: 'not-renewable' });
        const found = await certificateStore(opened.database).findCertificate(certificate.id);
        expect(found).toBeUndefined();
      },
    );

    describe('listing', () => {
      async function walk(filter: Omit<RequestFilter, 'now'>, limit = 10, now = testTime) {
        const ids: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store().listRequests(
            { ...filter, now },
            { limit, ...(cursor === undefined ? {} : { cursor }) },
          );
          expect(page.items.length).toBeLessThanOrEqual(limit);
          ids.push(...page.items.map(({ id }) => id));
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return ids;
      }

      test('goes from newest to oldest, in complete pages', async () => {
        const other = await activeAuthority(opened.database);
        const { organizationId, authorityId } = other;
        const ids: string[] = [];
        // Several rows share a moment, so that pages end inside of it.
        for (let index = 0; index < 9; index += 1) {
          const asked = request(organizationId, authorityId, {
            ...{ state: 'waiting-for-approval', approveUntil: seconds(100) },
            createdAt: seconds(Math.floor(index / 4)),
          });
          await wait(asked);
          ids.unshift(asked.id);
        }
        for (const limit of [1, 2, 3, 9, 10]) {
          expect(await walk({ organizationId }, limit)).toEqual(ids);
        }
      });

      test('every field of a filter must hold, and expired is a matter of time', async () => {
        const other = await activeAuthority(opened.database);
        const { organizationId, authorityId } = other;
        const make = (change: Partial<EnrolmentRequest>) =>
          request(organizationId, authorityId, {
            ...{ state: 'waiting-for-approval', approveUntil: seconds(100) },
            ...change,
          });
        const [open, short, no] = [
          make({ createdAt: seconds(3), profile: 'special' }),
          make({ createdAt: seconds(2), approveUntil: seconds(10), requester: 'client:b' }),
          make({ createdAt: seconds(1) }),
        ];
        for (const one of [open, short, no]) await wait(one);
        await reject(no.id);
        const of = { organizationId };
        const waiting = { ...of, state: 'waiting-for-approval' } as const;
        const expired = { ...of, state: 'expired' } as const;
        expect(await walk(of)).toEqual([open.id, short.id, no.id]);
        expect(await walk(waiting, 10, seconds(10))).toEqual([open.id, short.id]);
        expect(await walk(waiting, 10, seconds(11))).toEqual([open.id]);
        expect(await walk(expired, 10, seconds(10))).toEqual([]);
        expect(await walk(expired, 10, seconds(11))).toEqual([short.id]);
        expect(await walk({ ...of, state: 'rejected' })).toEqual([no.id]);
        expect(await walk({ ...of, state: 'issued' })).toEqual([]);
        expect(await walk({ ...of, profile: 'special' })).toEqual([open.id]);
        expect(await walk({ ...of, requester: 'client:b' })).toEqual([short.id]);
        expect(await walk({ authorityId })).toEqual([open.id, short.id, no.id]);
        expect(await walk({ ...of, authorityId: ca.authorityId })).toEqual([]);
        expect(await walk({ organizationId: `' OR 1=1 --` })).toEqual([]);
      });

      test('W2: a cursor that no listing returned is refused', async () => {
        await expect(
          store().listRequests({ now: testTime }, { limit: 1, cursor: 'bm9ib2R5' }),
        ).rejects.toThrow(InvalidCursor);
      });
    });
  });
