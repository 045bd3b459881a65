import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CrlStore } from '../../src/services/revocation-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { crlStore } from '../../src/storage/crls.ts';
import type { Database } from '../../src/storage/database.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import {
  activeAuthority,
  audit,
  bytes,
  changeStatus,
  compromised,
  good,
  held,
  issue,
  revoked,
  seconds,
} from './fixtures.ts';

export const crlsConform = (name: string, open: OpenTestDatabase) =>
  describe(`CRLs on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => crlStore(opened.database);
    const newCa = () => activeAuthority(opened.database);
    type Ca = Awaited<ReturnType<typeof newCa>>;
    const revokedLeaf = async (
      ca: Ca,
      serial: string,
      status = revoked,
      notAfter = seconds(3600),
    ) => {
      const certificate = await issue(opened.database, ca.organizationId, ca.issuerId, {
        certificate: { serial, notAfter },
      });
      await changeStatus(opened.database, certificate.id, status);
      return certificate;
    };
    const serial = (start: string) => start.padEnd(32, '0');

    describe('numbers', () => {
      test('R1 RFC 5280 5.2.3: start at 1 and are given once, however many ask', async () => {
        const { issuerId } = await newCa();
        expect(await store().reserveNumber(issuerId)).toBe(1);
        const numbers = await Promise.all(
          Array.from({ length: 20 }, () => store().reserveNumber(issuerId)),
        );
        const expected = Array.from({ length: 20 }, (_, index) => index + 2);
        expect(numbers.sort((a, b) => a - b)).toEqual(expected);
        await expect(store().reserveNumber('nobody')).rejects.toMatchObject({
          code: 'inconsistent',
        });
      });
    });

    describe('segments', () => {
      /** The lines of a segment, sorted. */
      const revokedIn = async (...args: Parameters<CrlStore['revokedIn']>): Promise<string[]> => {
        const text = Buffer.from(await store().revokedIn(...args)).toString('latin1');
        return text === '' ? [] : text.split('\n').sort();
      };
      const serialOf = (line: string): string => line.slice(0, line.indexOf(' '));

      test('serial numbers belong to the first two digits of 32, short ones to 00', async () => {
        const ca = await newCa();
        const listed = [
          [serial('7f'), '7f'],
          [serial('7fe'), '7f'],
          [serial('10'), '10'],
          [serial('1').slice(0, 31), '01'],
          [serial('f').slice(0, 31), '0f'],
          [serial('a').slice(0, 30), '00'],
          ['7f', '00'],
          ['1', '00'],
        ] as const;
        for (const [number] of listed) await revokedLeaf(ca, number);
        expect(await store().filledSegments(ca.issuerId)).toEqual(['00', '01', '0f', '10', '7f']);
        for (const segment of await store().filledSegments(ca.issuerId)) {
          const entries = await revokedIn(ca.issuerId, segment, testTime);
          const expected = listed.filter(([, of]) => of === segment).map(([number]) => number);
          expect(entries.map(serialOf)).toEqual([...expected].sort());
        }
      });

      test('R5: entries carry date and reason, for as long as their certificate lasts', async () => {
        const ca = await newCa();
        const other = await newCa();
        await revokedLeaf(ca, serial('22b'), held, seconds(10));
        await revokedLeaf(
          ca,
          serial('22a'),
          { ...compromised, revokedAt: seconds(-7) },
          seconds(9),
        );
        await revokedLeaf(ca, serial('23'));
        await revokedLeaf(other, serial('22c'));
        await issue(opened.database, ca.organizationId, ca.issuerId, {
          certificate: { serial: serial('22d') },
        });
        const hold = `${serial('22b')} ${testTime.toISOString()} certificateHold`;
        const entries = (endingFrom: Date) => revokedIn(ca.issuerId, '22', endingFrom);
        expect(await entries(seconds(9))).toEqual([
          `${serial('22a')} ${seconds(-7).toISOString()} keyCompromise`,
          hold,
        ]);
        expect(await entries(seconds(9.001))).toEqual([hold]);
        expect(await entries(seconds(10.001))).toEqual([]);
        expect(await entries(new Date(0))).toHaveLength(2);
      });

      test('those with a change after a sequence number are named, once', async () => {
        const ca = await newCa();
        const first = await revokedLeaf(ca, serial('31'), held);
        await revokedLeaf(ca, serial('32'));
        await revokedLeaf(ca, serial('32f'));
        const changed = (sequence: number) => store().changedSegments(ca.issuerId, sequence);
        expect(await store().currentSequence(ca.issuerId)).toBe(3);
        expect(await changed(0)).toEqual(['31', '32']);
        expect(await changed(1)).toEqual(['32']);
        expect(await changed(3)).toEqual([]);
        await changeStatus(opened.database, first.id, good);
        expect(await changed(3)).toEqual(['31']);
        await expect(store().currentSequence('nobody')).rejects.toThrow();
      });

      test('are kept in order, replaced, and removed by being empty', async () => {
        const { issuerId } = await newCa();
        const segments = Array.from({ length: 20 }, (_, index) =>
          index.toString(16).padStart(2, '0'),
        );
        for (const segment of segments.toReversed()) {
          await store().putSegment(issuerId, segment, bytes(`old ${segment}`), 0);
        }
        for (const segment of segments) {
          await store().putSegment(issuerId, segment, bytes(`new ${segment}`), 0);
        }
        await store().putSegment(issuerId, '03', new Uint8Array(), 0);
        const expected = segments.filter((segment) => segment !== '03');
        expect(await store().readSegments(issuerId)).toEqual(
          expected.map((segment) => bytes(`new ${segment}`), 0),
        );
        expect(await store().readSegments('nobody')).toEqual([]);
      });

      test('O7: a lifted hold leaves the list when its segment is made again', async () => {
        const ca = await newCa();
        const certificate = await revokedLeaf(ca, serial('41'), held);
        const encode = async (segment: string) => {
          const entries = await revokedIn(ca.issuerId, segment, testTime);
          const text = entries.map(serialOf).join();
          await store().putSegment(ca.issuerId, segment, bytes(text), 0);
        };
        await encode('41');
        expect(await store().readSegments(ca.issuerId)).toEqual([bytes(serial('41'))]);
        await changeStatus(opened.database, certificate.id, good);
        // Nothing is revoked in it any more, and yet it has to be made again.
        expect(await store().filledSegments(ca.issuerId)).toEqual(['41']);
        for (const segment of await store().changedSegments(ca.issuerId, 1)) await encode(segment);
        expect(await store().readSegments(ca.issuerId)).toEqual([]);
        expect(await store().filledSegments(ca.issuerId)).toEqual([]);
      });

      test('O7: entries that were read before others were stored do not replace them', async () => {
        const { issuerId } = await newCa();
        const { putSegment, readSegments } = store() as ReturnType<typeof crlStore> & {
          putSegment(
            issuer: string,
            segment: string,
            entries: Uint8Array,
            sequence: number,
          ): Promise<void>;
        };
        await putSegment(issuerId, '50', bytes('at 7'), 7);
        await putSegment(issuerId, '50', bytes('at 6'), 6);
        expect(await readSegments(issuerId)).toEqual([bytes('at 7')]);
        await putSegment(issuerId, '50', new Uint8Array(), 8);
        await putSegment(issuerId, '50', bytes('at 7'), 7);
        expect(await readSegments(issuerId)).toEqual([]);
        await putSegment(issuerId, '50', bytes('at 8'), 8);
        expect(await readSegments(issuerId)).toEqual([bytes('at 8')]);
      });
    });

    describe('published', () => {
      const publish = (ca: Ca, number: number, parts: string[], sequence = number) =>
        store().publish(
          {
            issuerId: ca.issuerId,
            number,
            thisUpdate: seconds(number),
            nextUpdate: seconds(number + 100),
            sequence,
            length: bytes(parts.join('')).length,
          },
          parts.map(bytes),
          audit(ca.organizationId, 'crl.published', `${ca.issuerId}/${number}`),
        );
      const chunks = (ca: Ca, number: number, count = 2) =>
        Promise.all(
          Array.from({ length: count }, (_, chunk) =>
            store().readChunk(ca.issuerId, number, chunk),
          ),
        );
      const numbersKept = async (ca: Ca): Promise<number[]> => {
        const numbers: (number | string)[] = await opened.database
          .reader('crl_chunks')
          .where({ issuer_id: ca.issuerId })
          .distinct()
          .orderBy('number')
          .pluck('number');
        return numbers.map(Number);
      };
      const audited = async (subject: string) => {
        const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
        return entries.filter((entry) => entry.subject === subject).length;
      };

      test('a list is found with its chunks and its audit entry', async () => {
        const ca = await newCa();
        expect(await store().findCrl(ca.issuerId)).toBeUndefined();
        expect(await publish(ca, 1, ['one ', 'two'])).toBe('published');
        expect(await store().findCrl(ca.issuerId)).toEqual({
          issuerId: ca.issuerId,
          number: 1,
          thisUpdate: seconds(1),
          nextUpdate: seconds(101),
          sequence: 1,
          length: 7,
          chunks: 2,
        });
        expect(await chunks(ca, 1, 3)).toEqual([bytes('one '), bytes('two'), undefined]);
        expect(await audited(`${ca.issuerId}/1`)).toBe(1);
      });

      test('the one before stays for slow readers, older ones and remains of a crash go', async () => {
        const ca = await newCa();
        await publish(ca, 1, ['a']);
        await publish(ca, 2, ['b']);
        await opened.database.write(async ({ knex }) => {
          const orphan = { issuer_id: ca.issuerId, chunk: 0, bytes: Buffer.from('x') };
          await knex('crl_chunks').insert([
            { ...orphan, number: 3 },
            { ...orphan, number: 9 },
          ]);
        });
        expect(await numbersKept(ca)).toEqual([1, 2, 3, 9]);
        await publish(ca, 5, ['c']);
        // Number 9 may be somebody's who is at it.
        expect(await numbersKept(ca)).toEqual([2, 5, 9]);
        expect(await chunks(ca, 2, 1)).toEqual([bytes('b')]);
        expect(await chunks(ca, 1, 1)).toEqual([undefined]);
      });

      test('R1: a lower or equal number is superseded and leaves nothing', async () => {
        const ca = await newCa();
        await publish(ca, 5, ['five']);
        expect(await publish(ca, 4, ['four'], 9)).toBe('superseded');
        expect(await publish(ca, 5, ['again'])).toBe('superseded');
        expect((await store().findCrl(ca.issuerId))?.number).toBe(5);
        expect(await chunks(ca, 5, 1)).toEqual([bytes('five')]);
        expect(await numbersKept(ca)).toEqual([5]);
        expect(await audited(`${ca.issuerId}/4`)).toBe(0);
      });

      test('R1: one that covers fewer changes does not replace one that covers more', async () => {
        const ca = await newCa();
        await publish(ca, 1, ['a'], 8);
        expect(await publish(ca, 2, ['b'], 7)).toBe('superseded');
        expect(await publish(ca, 3, ['c'], 8)).toBe('published');
      });

      test('R1: one that is overtaken while its chunks are stored is superseded', async () => {
        const ca = await newCa();
        await publish(ca, 1, ['one']);
        const { database } = opened;
        let writes = 0;
        const slow: Database = {
          ...database,
          write: async (work) => {
            writes += 1;
            // Two chunks are stored by now, the list is about to take its place.
            if (writes === 3) expect(await publish(ca, 3, ['three'])).toBe('published');
            return database.write(work);
          },
        };
        const outcome = await crlStore(slow).publish(
          {
            issuerId: ca.issuerId,
            number: 2,
            thisUpdate: testTime,
            nextUpdate: seconds(1),
            sequence: 2,
            length: 4,
          },
          [bytes('ab'), bytes('cd')],
          audit(ca.organizationId, 'crl.published', `${ca.issuerId}/2`),
        );
        expect(outcome).toBe('superseded');
        expect((await store().findCrl(ca.issuerId))?.number).toBe(3);
        expect(await chunks(ca, 3, 1)).toEqual([bytes('three')]);
        expect(await numbersKept(ca)).toEqual([1, 3]);
        expect(await audited(`${ca.issuerId}/2`)).toBe(0);
      });

      test('of concurrent publications the highest number stays', async () => {
        const ca = await newCa();
        const outcomes = await Promise.all([3, 1, 4, 2].map((n) => publish(ca, n, [`${n}`, '!'])));
        expect(outcomes[2]).toBe('published');
        expect((await store().findCrl(ca.issuerId))?.number).toBe(4);
        expect(await chunks(ca, 4)).toEqual([bytes('4'), bytes('!')]);
      });

      test('chunks that are not as long as the list are not published', async () => {
        const ca = await newCa();
        const crl = {
          issuerId: ca.issuerId,
          number: 1,
          thisUpdate: testTime,
          nextUpdate: seconds(1),
          sequence: 0,
          length: 3,
        };
        const event = audit(ca.organizationId, 'crl.published', ca.issuerId);
        await expect(store().publish(crl, [bytes('ab')], event)).rejects.toMatchObject({
          code: 'inconsistent',
        });
        expect(await store().findCrl(ca.issuerId)).toBeUndefined();
        // What it left behind is cleared away by the next one.
        await publish(ca, 2, ['b']);
        expect(await numbersKept(ca)).toEqual([2]);
      });

      test('octets come back as they were stored', async () => {
        const ca = await newCa();
        const all = Uint8Array.from({ length: 256 }, (_, index) => index);
        const crl = {
          issuerId: ca.issuerId,
          number: 1,
          thisUpdate: testTime,
          nextUpdate: seconds(1),
          sequence: 0,
          length: 256,
        };
        await store().publish(crl, [all], audit(ca.organizationId, 'crl.published', 'x'));
        expect(await store().readChunk(ca.issuerId, 1, 0)).toEqual(all);
      });
    });
  });
