import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenTestDatabase, TestDatabase } from '../support/databases.ts';
import { testTime } from '../support/databases.ts';

export const writingConforms = (name: string, open: OpenTestDatabase) =>
  describe(`writing on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const row = (id: string) => ({
      id,
      name: id,
      roles: '[]',
      created_at: testTime.toISOString(),
      updated_at: testTime.toISOString(),
    });
    const insert = (id: string) =>
      opened.database.write(async ({ knex }) => {
        await knex('organizations').insert(row(id));
      });
    const ids = (like: string): Promise<string[]> =>
      opened.database.reader('organizations').whereLike('id', `${like}%`).orderBy('id').pluck('id');

    test('100 concurrent works take two transactions', async () => {
      const { commits } = opened.database.counters;
      await Promise.all(Array.from({ length: 100 }, (_, index) => insert(`many-${index}`)));
      expect(opened.database.counters.commits - commits).toBe(2);
      expect(await ids('many-')).toHaveLength(100);
    });

    test('one bad row fails only its own caller', async () => {
      await insert('taken');
      const settled = await Promise.allSettled(
        ['bad-1', 'bad-2', 'taken', 'bad-3'].map((id) => insert(id)),
      );
      const statuses = settled.map(({ status }) => status);
      expect(statuses).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
      expect(await ids('bad-')).toEqual(['bad-1', 'bad-2', 'bad-3']);
    });

    test('a work that goes on after a failed statement is not reported as stored', async () => {
      const works = [
        opened.database.write(async ({ knex }) => {
          await knex('organizations').insert(row('swallow-1'));
          await knex('organizations')
            .insert(row('taken'))
            .catch(() => undefined);
        }),
        insert('swallow-2'),
      ];
      const [careless, innocent] = await Promise.allSettled(works);
      expect(innocent?.status).toBe('fulfilled');
      const expected =
        careless?.status === 'fulfilled' ? ['swallow-1', 'swallow-2'] : ['swallow-2'];
      expect(await ids('swallow-')).toEqual(expected);
    });

    test('an error tells the statement, not the values that were bound to it', async () => {
      await insert('canary');
      const errors: Error[] = [];
      const keep = (error: Error) => {
        errors.push(error);
      };
      await insert('canary').catch(keep);
      await opened.database.reader('nowhere').where({ id: 'canary' }).catch(keep);
      expect(errors).toHaveLength(2);
      for (const error of errors) {
        expect(error.message).not.toContain('canary');
        expect(error.stack).not.toContain('canary');
      }
      expect(errors[0]?.message).toContain('insert into');
    });

    test('what a work wrote before it threw is gone', async () => {
      const work = opened.database.write(async ({ knex }) => {
        await knex('organizations').insert(row('gone'));
        throw new Error('no');
      });
      await expect(work).rejects.toThrow('no');
      expect(await ids('gone')).toEqual([]);
    });

    test('closing finishes what was submitted and takes no more', async () => {
      const fresh = await open();
      const { database } = fresh;
      let finished = 0;
      const works = Array.from({ length: 200 }, () =>
        database
          .write(async ({ knex }) => {
            await knex('organizations').first();
          })
          .then(() => {
            finished += 1;
          }),
      );
      await database.close();
      expect(finished).toBe(200);
      await Promise.all(works);
      await expect(database.write(async () => 1)).rejects.toMatchObject({ code: 'closed' });
      await fresh.remove();
    });
  });
