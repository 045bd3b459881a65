import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditStore } from '../../src/storage/audit.ts';
import { clockMarkStore } from '../../src/storage/clock-mark.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { testTime } from '../support/databases.ts';

const at = (seconds: number) => new Date(testTime.getTime() + seconds * 1_000 + 7);

export const clockMarkConforms = (name: string, open: OpenTestDatabase) =>
  describe(`clock mark on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const putBack = (from: Date, to: Date) =>
      clockMarkStore(opened.database).putBack({
        from,
        to,
        audit: {
          at: to,
          organizationId: 'org',
          actor: 'evpki',
          action: 'clock.put-back',
          subject: 'clock',
          details: {},
        },
      });

    async function entries(): Promise<number> {
      const store = auditStore(opened.database);
      const streams = await store.listStreams();
      const pages = streams.map(({ stream }) => store.readStream(stream, 0, 100));
      return (await Promise.all(pages)).flat().filter(({ action }) => action === 'clock.put-back')
        .length;
    }

    test('O6: only ever goes on, whoever notes what at once, and tells how far it is', async () => {
      const store = clockMarkStore(opened.database);
      expect(await store.findMark()).toBeUndefined();
      expect(await store.note(at(5))).toEqual(at(5));
      expect(await store.note(at(3))).toEqual(at(5));
      expect(await store.findMark()).toEqual(at(5));
      const times = [8, 6, 20, 7, 20, 1, 12].map(at);
      const told = await Promise.all(times.map((time) => store.note(time)));
      told.forEach((latest, index) => {
        expect(latest.getTime()).toBeGreaterThanOrEqual(times[index]?.getTime() ?? 0);
      });
      expect(await store.findMark()).toEqual(at(20));
    });

    test('O6: is put back from exactly where it is, with an audit entry, and not twice', async () => {
      const store = clockMarkStore(opened.database);
      await store.note(at(3_600));
      expect(await putBack(at(3_599), at(60))).toBe(false);
      expect(await store.findMark()).toEqual(at(3_600));
      expect(await entries()).toBe(0);

      expect(await putBack(at(3_600), at(60))).toBe(true);
      expect(await store.findMark()).toEqual(at(60));
      expect(await entries()).toBe(1);
      expect(await putBack(at(3_600), at(30))).toBe(false);
      expect(await store.findMark()).toEqual(at(60));
    });
  });
