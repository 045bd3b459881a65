import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type {
  IssuanceStore,
  NameQuestion,
  PendingCertificate,
  PendingOutcome,
} from '../../src/services/certificate-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import type { Database } from '../../src/storage/database.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { revocationStore } from '../../src/storage/revocations.ts';
import { stationStore } from '../../src/storage/stations.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  authorityRecords,
  bytes,
  changeStatus,
  compromised,
  good,
  held,
  issue,
  newId,
  pending,
  request,
  revoked,
  seconds,
} from './fixtures.ts';

type Outcome = PendingOutcome['outcome'];

export const claimsConform = (name: string, open: OpenTestDatabase) =>
  describe(`who may have a key, a name, a signature on ${name}`, () => {
    let opened: TestDatabase;
    /** Two processes where the database takes two; the same one twice otherwise. */
    let processes: readonly [Database, Database];
    let ca: Awaited<ReturnType<typeof activeAuthority>>;
    beforeAll(async () => {
      opened = await open();
      const { database } = opened;
      processes = [database, name === 'SQLite' ? database : await opened.open('process-2')];
    });
    afterAll(() => opened.remove());
    beforeEach(async () => {
      ca = await activeAuthority(opened.database);
    });

    type Command = Parameters<IssuanceStore['recordPending']>[0];
    const newPending = (change: Partial<PendingCertificate> = {}) =>
      pending(ca.organizationId, ca.issuerId, change);
    const record = async (command: Command, database = opened.database): Promise<Outcome> =>
      (await issuanceStore(database).recordPending(command)).outcome;
    const recordAll = (commands: readonly Command[]) =>
      Promise.all(
        commands.map((command, index) => record(command, processes[index % 2 === 0 ? 0 : 1])),
      );
    const count = (outcomes: readonly Outcome[], outcome: Outcome) =>
      outcomes.filter((one) => one === outcome).length;
    const find = (id: string) => certificateStore(opened.database).findCertificate(id);
    const revoke = (id: string, to = revoked, database = opened.database) =>
      changeStatus(database, id, to, { blockKey: to.reason === 'keyCompromise' });

    describe('keys', () => {
      test('C3: of 40 concurrent certificates with one key and 40 subjects one is recorded', async () => {
        const spkiSha256 = newId('spki');
        const tried = Array.from({ length: 40 }, () => ({
          certificate: newPending({ spkiSha256 }),
          request: request(ca.organizationId, ca.authorityId, { repeatKey: newId('key') }),
        }));
        const outcomes = await recordAll(tried);
        expect(count(outcomes, 'recorded')).toBe(1);
        expect(count(outcomes, 'key-in-use')).toBe(39);
        const stored = await Promise.all(tried.map(({ certificate }) => find(certificate.id)));
        expect(stored.filter((row) => row !== undefined)).toHaveLength(1);
        const requests = await Promise.all(
          tried.map(({ request: { id } }) => certificateStore(opened.database).findRequest(id)),
        );
        expect(requests.filter((row) => row !== undefined)).toHaveLength(1);
      });

      test('one subject may have any number of certificates with its key, two keys are two', async () => {
        const same = { spkiSha256: newId('spki'), subject: 'CN=same' };
        const outcomes = await recordAll(
          Array.from({ length: 10 }, () => ({ certificate: newPending(same) })),
        );
        expect(count(outcomes, 'recorded')).toBe(10);
        expect(await record({ certificate: newPending({ subject: 'CN=same' }) })).toBe('recorded');
      });

      const over: Record<string, (certificate: PendingCertificate) => Promise<Date>> = {
        abandoned: async ({ id, lease }) => {
          await issuanceStore(opened.database).recordAbandoned({
            certificateId: id,
            leaseOwner: lease.owner,
            audit: audit(ca.organizationId, 'certificate.abandoned', id),
          });
          return testTime;
        },
        revoked: async (certificate) => {
          await finish(certificate);
          await revoke(certificate.id);
          return testTime;
        },
        expired: async (certificate) => {
          await finish(certificate);
          return seconds(3601);
        },
      };
      const finish = ({ id, lease }: PendingCertificate) =>
        issuanceStore(opened.database).recordIssued({
          certificateId: id,
          leaseOwner: lease.owner,
          der: bytes('der'),
          audit: audit(ca.organizationId, 'certificate.issued', id),
        });
      test.each(Object.entries(over))(
        'C3: a key whose certificate is %s goes to one other subject',
        async (_, end) => {
          const spkiSha256 = newId('spki');
          const first = newPending({ spkiSha256 });
          expect(await record({ certificate: first })).toBe('recorded');
          const createdAt = await end(first);
          const outcomes = await recordAll(
            Array.from({ length: 6 }, () => ({
              certificate: newPending({ spkiSha256, createdAt, notAfter: seconds(9999) }),
            })),
          );
          expect(count(outcomes, 'recorded')).toBe(1);
          expect(count(outcomes, 'key-in-use')).toBe(5);
        },
      );

      test.each(['pending', 'issued', 'held', 'issued, after one that was revoked'] as const)(
        'C3: a key whose certificate is %s is in use',
        async (state) => {
          const key = { spkiSha256: newId('spki'), subject: 'CN=owner' };
          const first = newPending(key);
          await record({ certificate: first });
          if (state !== 'pending') await finish(first);
          if (state === 'held') await revoke(first.id, held);
          if (state === 'issued, after one that was revoked') {
            const later = await issue(opened.database, ca.organizationId, ca.issuerId, {
              certificate: key,
            });
            await revoke(later.id);
          }
          const other = newPending({ ...key, subject: 'CN=other' });
          expect(await record({ certificate: other })).toBe('key-in-use');
        },
      );

      test('C3: a key is blocked for its own subject too, a repeat included', async () => {
        const key = { spkiSha256: newId('spki'), subject: 'CN=owner' };
        const repeatKey = newId('key');
        const asked = () => request(ca.organizationId, ca.authorityId, { repeatKey });
        const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
          certificate: key,
          request: asked(),
        });
        await revoke(certificate.id, compromised);
        for (const subject of ['CN=owner', 'CN=other']) {
          const again = { certificate: newPending({ ...key, subject }), request: asked() };
          expect(await record(again)).toBe('key-blocked');
        }
      });

      test('C3: what is being certified for a key when it is blocked is not issued', async () => {
        const key = { spkiSha256: newId('spki'), subject: 'CN=owner' };
        const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
          certificate: key,
        });
        const waiting = newPending(key);
        const asked = request(ca.organizationId, ca.authorityId);
        await record({ certificate: waiting, request: asked });
        await revoke(certificate.id, compromised);
        expect(await finish(waiting)).toBe('lease-lost');
        expect((await find(waiting.id))?.state).toBe('abandoned');
        expect(await certificateStore(opened.database).findRequest(asked.id)).toMatchObject({
          state: 'abandoned',
        });
        const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
        expect(entries.find(({ subject }) => subject === waiting.id)?.details).toContain(
          '"reason":"key-blocked"',
        );
      });

      test('C3: whatever races with the block of a key, nothing is pending for it afterwards', async () => {
        for (let round = 0; round < 5; round += 1) {
          const key = { spkiSha256: newId('spki'), subject: 'CN=owner' };
          const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
            certificate: key,
          });
          const other = await activeAuthority(opened.database);
          const tried = Array.from({ length: 6 }, () =>
            pending(other.organizationId, other.issuerId, key),
          );
          const [, outcomes] = await Promise.all([
            revoke(certificate.id, compromised, processes[1]),
            recordAll(tried.map((one) => ({ certificate: one }))),
          ]);
          const states = await Promise.all(tried.map(async ({ id }) => (await find(id))?.state));
          outcomes.forEach((outcome, index) => {
            expect([outcome, states[index]]).toEqual(
              outcome === 'recorded' ? ['recorded', 'abandoned'] : ['key-blocked', undefined],
            );
          });
        }
      });
    });

    describe('names', () => {
      const question = (stationId: string, change: Partial<NameQuestion> = {}): NameQuestion => ({
        organizationId: ca.organizationId,
        stationId,
        names: ['X'],
        ...change,
      });
      const asked = (subject: string, stationId: string, change: Partial<NameQuestion> = {}) => ({
        certificate: newPending({ subject, stationId }),
        stationName: question(stationId, change),
      });

      test('C7: of 20 stations that ask for one name at once one gets it', async () => {
        // In any case, and under profiles that make different subjects of it.
        const subjects = ['CN=X', 'CN=x', 'CN=X,DC=CPO', 'CN=X,O=Former Name'];
        const outcomes = await recordAll(
          Array.from({ length: 20 }, (_, index) =>
            asked(subjects[index % subjects.length] ?? '', newId('CS')),
          ),
        );
        expect(count(outcomes, 'recorded')).toBe(1);
        expect(count(outcomes, 'name-taken')).toBe(19);
      });

      test('C7: a station keeps its own name, and so do the organizations', async () => {
        expect(await record(asked('CN=X', 'CS-1'))).toBe('recorded');
        expect(await record(asked('CN=X,DC=CPO', 'CS-1'))).toBe('recorded');
        expect(await record(asked('CN=X', 'CS-2'))).toBe('name-taken');
        const other = await activeAuthority(opened.database);
        const elsewhere = pending(other.organizationId, other.issuerId, { subject: 'CN=X' });
        const stationName = question('CS-2', { organizationId: other.organizationId });
        expect(await record({ certificate: elsewhere, stationName })).toBe('recorded');
      });

      test('C7: a name stays with its station when the organization has another', async () => {
        for (const subject of ['CN=X,O=Old,C=DE', 'CN=Größe,O=Old,C=DE']) {
          expect(await record({ certificate: newPending({ subject, stationId: 'CS-1' }) })).toBe(
            'recorded',
          );
        }
        const own = { names: ['GRÖSSE'] };
        for (const [name, change] of [
          ['X', {}],
          ['x', {}],
          ['GRÖSSE', own],
        ] as const) {
          const subject = `CN=${name},O=New,C=FR`;
          expect(await record(asked(subject, 'CS-2', change)), name).toBe('name-taken');
          expect(await record(asked(subject, 'CS-1', change)), name).toBe('recorded');
        }
      });

      test('C7: what is certified is asked about, whatever the question says', async () => {
        expect(await record(asked('CN=X', 'CS-1'))).toBe('recorded');
        expect(await record(asked('CN=X', 'CS-2', { names: ['Y'] }))).toBe('name-taken');
      });

      test('C7: a certificate without a station keeps its name from stations', async () => {
        await issue(opened.database, ca.organizationId, ca.issuerId, {
          certificate: { subject: 'CN=X' },
        });
        expect(await record(asked('CN=X', 'CS-1'))).toBe('name-taken');
      });

      test('C7: the name of a registered station is not for another', async () => {
        const station = {
          id: newId('CS'),
          organizationId: ca.organizationId,
          serialNumber: 'SN-1',
          evseIds: [],
          createdAt: testTime,
        };
        await stationStore(opened.database).registerStation({
          station,
          audit: audit(ca.organizationId, 'station.registered', station.id),
        });
        const own = { names: ['sn-1'] };
        expect(await record(asked('CN=sn-1', 'CS-1', own))).toBe('name-taken');
        expect(await record(asked('CN=sn-1', station.id, own))).toBe('recorded');
      });

      test('names that are not asked about are nobody’s, and what is refused leaves nothing', async () => {
        await record(asked('CN=X', 'CS-1'));
        expect(await record({ certificate: newPending({ subject: 'CN=X' }) })).toBe('recorded');
        const refused = asked('CN=X', 'CS-2');
        expect(await record(refused)).toBe('name-taken');
        expect(await find(refused.certificate.id)).toBeUndefined();
      });
    });

    describe('issuers below others', () => {
      /** An authority below another one. */
      async function below(above: { organizationId: string; issuerId: string }) {
        const records = authorityRecords(above.organizationId);
        await authorityStore(opened.database).createAuthority(records);
        const subjectIssuerId = records.issuer.id;
        const certificate = await issue(opened.database, above.organizationId, above.issuerId, {
          subjectIssuerId,
        });
        return {
          organizationId: above.organizationId,
          issuerId: subjectIssuerId,
          certificateId: certificate.id,
        };
      }
      const signs = (issuer: { organizationId: string; issuerId: string }, more = {}) =>
        record({ certificate: pending(issuer.organizationId, issuer.issuerId), ...more });
      const end = (own: { issuerId: string; certificateId: string }, database?: Database) =>
        changeStatus(database ?? opened.database, own.certificateId, revoked, {
          revokesIssuerId: own.issuerId,
        });

      test.each([0, 1, 2])('A2: nothing is signed below a revoked authority (%i)', async (at) => {
        const first = await below(ca);
        const second = await below(first);
        const sibling = await below(ca);
        const chain = [ca, first, second];
        const ended = chain[at] ?? ca;
        const waiting = pending(second.organizationId, second.issuerId);
        await record({ certificate: waiting });
        await end(ended);
        for (const [index, issuer] of chain.entries()) {
          const expected = index < at ? 'recorded' : 'issuer-not-active';
          expect(await signs(issuer), `issuer ${index}`).toBe(expected);
          expect(await signs(issuer, { statusSigner: true }), `OCSP of ${index}`).toBe(expected);
        }
        expect(await signs(sibling)).toBe(at === 0 ? 'issuer-not-active' : 'recorded');
        // What was pending at that moment is not issued either.
        expect((await find(waiting.id))?.state).toBe('abandoned');
      });

      test('A2: within one transaction, too, nothing is signed after the end of an authority', async () => {
        const leafCa = await below(ca);
        const before = opened.database.counters.commits;
        // Submitted in one turn of the event loop, and so joined, in this order.
        const outcomes = await Promise.all([
          signs(leafCa),
          revocationStore(opened.database).recordStatusChange({
            certificateId: ca.certificateId,
            from: good,
            to: revoked,
            blockKey: false,
            revokesIssuerId: ca.issuerId,
            crlDue: testTime,
            audit: audit(ca.organizationId, 'certificate.revoked', ca.certificateId),
          }),
          signs(leafCa),
        ]);
        expect(opened.database.counters.commits).toBe(before + 1);
        const [first, , last] = outcomes;
        expect([first, last]).toEqual(['recorded', 'issuer-not-active']);
      });

      test('A2: a retired issuer above stops nobody', async () => {
        const leafCa = await below(ca);
        await opened.database.write(async ({ knex }) => {
          await knex('issuers').where({ id: ca.issuerId }).update({ state: 'retired' });
        });
        expect(await signs(leafCa)).toBe('recorded');
        expect(await signs(ca)).toBe('issuer-not-active');
        expect(await signs(ca, { statusSigner: true })).toBe('recorded');
      });

      test('A2: a chain of eight signs, one that is longer does not', async () => {
        let last: { organizationId: string; issuerId: string } = ca;
        for (let depth = 2; depth <= 8; depth += 1) last = await below(last);
        expect(await signs(last)).toBe('recorded');
        expect(await signs(await below(last))).toBe('issuer-not-active');
      });

      test('A2: whatever races with the end of a root, nothing is pending below it afterwards', async () => {
        for (let round = 0; round < 5; round += 1) {
          const root = await activeAuthority(opened.database);
          const leafCa = await below(await below(root));
          const tried = Array.from({ length: 6 }, () => ({
            certificate: pending(leafCa.organizationId, leafCa.issuerId),
          }));
          await Promise.all([end(root, processes[1]), recordAll(tried)]);
          for (const { certificate } of tried) {
            expect((await find(certificate.id))?.state).not.toBe('pending');
          }
        }
      });
    });
  });
