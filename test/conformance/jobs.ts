import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jobStore } from '../../src/storage/jobs.ts';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { seconds } from './fixtures.ts';

export const jobsConform = (name: string, open: OpenTestDatabase) =>
  describe(`jobs on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());
    beforeEach(() => opened.database.write(async ({ knex }) => knex('jobs').delete()));

    const store = () => jobStore(opened.database);
    const schedule = (job: string, second: number) => store().schedule(job, seconds(second));
    const claim = async (now: number, owner = 'a', until = now + 100, limit = 10) => {
      const lease = { owner, until: seconds(until) };
      return (await store().claim(seconds(now), lease, limit)).map((job) => job.name);
    };
    const release = (job: string, second: number, owner = 'a') =>
      store().release(job, owner, seconds(second));

    test('due jobs are taken, longest due first, as many as asked for', async () => {
      await schedule('late', 3);
      await schedule('early', 1);
      await schedule('middle', 2);
      await schedule('future', 4);
      const lease = { owner: 'a', until: seconds(100) };
      expect(await store().claim(seconds(3), lease, 2)).toEqual([
        { name: 'early', dueAt: seconds(1) },
        { name: 'middle', dueAt: seconds(2) },
      ]);
      expect(await claim(3)).toEqual(['late']);
      expect(await claim(3)).toEqual([]);
    });

    test('a job is brought forward and never put off', async () => {
      await schedule('job', 10);
      await schedule('job', 20);
      expect(await claim(9)).toEqual([]);
      await schedule('job', 5);
      expect(await claim(5)).toEqual(['job']);
    });

    test('nobody takes a held job, whatever is asked for, until it is released', async () => {
      await schedule('job', 0);
      await claim(0);
      await schedule('job', 0);
      expect(await claim(99, 'b')).toEqual([]);
      await release('job', 50);
      expect(await claim(99, 'b')).toEqual(['job']);
    });

    test.each([
      ['asked for earlier', [30], 50, 30],
      ['asked for twice', [40, 30, 35], 50, 30],
      ['asked for later', [60], 50, 50],
      ['asked for beyond the end of the lease', [150], 5000, 150],
      ['not asked for', [], 50, 50],
    ])('a job that was %s meanwhile is due again in time', async (_, asked, next, due) => {
      await schedule('job', 0);
      await claim(0);
      for (const second of asked) await schedule('job', second);
      await release('job', next);
      expect(await claim(due - 0.001)).toEqual([]);
      expect(await claim(due)).toEqual(['job']);
    });

    test('what was asked for before a job was taken does not make it due again', async () => {
      await schedule('job', 0);
      await claim(0, 'dead', 10);
      await schedule('job', 5);
      await claim(20, 'a');
      await release('job', 500);
      expect(await claim(499)).toEqual([]);
    });

    test('the job of a dead owner is taken when its lease ends, and lost to it', async () => {
      await schedule('job', 0);
      expect(await claim(0, 'dead', 100)).toEqual(['job']);
      expect(await claim(99.999, 'b')).toEqual([]);
      expect(await claim(100, 'b', 200)).toEqual(['job']);
      await release('job', 100, 'dead');
      expect(await claim(150, 'c')).toEqual([]);
      await release('job', 300, 'b');
      expect(await claim(299, 'c')).toEqual([]);
      expect(await claim(300, 'c')).toEqual(['job']);
    });

    test('concurrent claims do not overlap', async () => {
      const names = Array.from({ length: 40 }, (_, index) => `job-${index}`);
      await Promise.all(names.map((job) => schedule(job, 0)));
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, index) => claim(0, `owner-${index}`, 100, 3)),
      );
      for (const jobs of taken) expect(jobs.length).toBeLessThanOrEqual(3);
      expect(taken.flat().sort()).toEqual(names.sort());
    });
  });
