import { describe, expect, test } from 'vitest';
import { InvalidCursor, readPage } from '../../src/services/pages.ts';

const failsWith = (error: Error) => () => Promise.reject(error);

describe('a page that a caller wants', () => {
  test('is asked for with the limit and the cursor alone', async () => {
    const asked: unknown[] = [];
    const read = (page: unknown) => {
      asked.push(page);
      return Promise.resolve({ items: ['a'], nextCursor: 'next' });
    };
    const wanted = { limit: 2, cursor: 'here', organization: 'org' };
    expect(await readPage(wanted, read)).toEqual({ items: ['a'], nextCursor: 'next' });
    await readPage({ limit: 3, cursor: undefined }, read);
    expect(asked).toStrictEqual([{ limit: 2, cursor: 'here' }, { limit: 3 }]);
  });

  test('W2: a cursor that no listing returned is named as what is wrong', async () => {
    await expect(readPage({ limit: 1 }, failsWith(new InvalidCursor()))).rejects.toMatchObject({
      code: 'request-malformed',
      violations: [{ code: 'cursor-invalid', field: 'cursor' }],
    });
  });

  test('other errors stay what they are', async () => {
    const error = new Error('the database is gone');
    await expect(readPage({ limit: 1 }, failsWith(error))).rejects.toBe(error);
  });
});
