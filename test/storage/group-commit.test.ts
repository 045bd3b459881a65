import { describe, expect, test } from 'vitest';
import { GroupCommit, type OpenTransaction } from '../../src/storage/group-commit.ts';

interface Script {
  /** What COMMIT throws, by the number of the transaction. */
  readonly commitErrors?: Readonly<Record<number, unknown>>;
  readonly maxBatch?: number;
  readonly maxAttempts?: number;
}

/** A database that only remembers what was committed. */
function fake({ commitErrors = {}, ...options }: Script = {}) {
  const committed: string[][] = [];
  const pauses: number[] = [];
  let begun = 0;
  const begin = async (): Promise<OpenTransaction<string[]>> => {
    const number = ++begun;
    const tx: string[] = [];
    return {
      tx,
      finish: async () => {
        if (tx.includes('unfinished')) throw new Error('cannot finish');
      },
      commit: async () => {
        if (number in commitErrors) throw commitErrors[number];
        committed.push(tx);
      },
      rollback: async () => undefined,
    };
  };
  const group = new GroupCommit<string[]>({
    begin,
    pause: async (attempt) => {
      pauses.push(attempt);
    },
    ...options,
  });
  const put = (word: string) =>
    group.submit(async (tx) => {
      if (word === 'bad') throw new Error('bad');
      tx.push(word);
      return `put ${word}`;
    });
  return { group, put, committed, pauses, begun: () => begun };
}

const withCode = (code: string) => Object.assign(new Error(`failed with ${code}`), { code });

describe('GroupCommit', () => {
  test('works of one turn share a transaction, each caller gets its own answer', async () => {
    const { put, committed, group } = fake();
    expect(await Promise.all(['a', 'b', 'c'].map(put))).toEqual(['put a', 'put b', 'put c']);
    expect(committed).toEqual([['a', 'b', 'c']]);
    expect(group.counters).toEqual({ submitted: 3, commits: 1, rollbacks: 0 });
  });

  test('works that come while a transaction runs share the next one', async () => {
    const { group, put, committed } = fake();
    const later: Promise<unknown>[] = [];
    const first = group.submit(async (tx) => {
      later.push(put('b'), put('c'));
      await new Promise((resolve) => setImmediate(resolve));
      tx.push('a');
    });
    await first;
    await Promise.all(later);
    expect(committed).toEqual([['a'], ['b', 'c']]);
  });

  test('nobody hears before COMMIT', async () => {
    const heard: string[] = [];
    const group = new GroupCommit<null>({
      begin: async () => ({
        tx: null,
        finish: async () => undefined,
        commit: async () => {
          await new Promise((resolve) => setTimeout(resolve, 10));
          heard.push('commit');
        },
        rollback: async () => undefined,
      }),
    });
    await Promise.all(
      [1, 2].map(() => group.submit(async () => null).then(() => heard.push('caller'))),
    );
    expect(heard).toEqual(['commit', 'caller', 'caller']);
  });

  test('a batch is bounded', async () => {
    const { put, committed } = fake({ maxBatch: 4 });
    await Promise.all(Array.from({ length: 10 }, (_, index) => put(String(index))));
    expect(committed.map((batch) => batch.length)).toEqual([4, 4, 2]);
  });

  test.each(['bad', 'unfinished'])('a %s work fails only its own caller', async (word) => {
    const { put, committed } = fake();
    const settled = await Promise.allSettled(['a', word, 'c'].map(put));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(committed).toEqual([['a'], ['c']]);
  });

  test('a bad work that is alone runs once', async () => {
    const { put, begun } = fake();
    await expect(put('bad')).rejects.toThrow('bad');
    expect(begun()).toBe(1);
  });

  test.each(['40001', '40P01', 'SQLITE_BUSY'])('%s at COMMIT is retried', async (code) => {
    const { put, committed, pauses } = fake({
      commitErrors: { 1: withCode(code), 2: withCode(code) },
    });
    expect(await Promise.all(['a', 'b'].map(put))).toEqual(['put a', 'put b']);
    expect(committed).toEqual([['a', 'b']]);
    expect(pauses).toEqual([1, 2]);
  });

  test('retries are bounded', async () => {
    const always = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [index + 1, withCode('40001')]),
    );
    const { put, begun } = fake({ commitErrors: always, maxAttempts: 3 });
    await expect(put('a')).rejects.toMatchObject({ code: '40001' });
    expect(begun()).toBe(3);
  });

  test('a constraint checked at COMMIT fails only its own caller', async () => {
    const { put, committed } = fake({
      commitErrors: { 1: withCode('23503'), 2: withCode('23503') },
    });
    const settled = await Promise.allSettled(['a', 'b'].map(put));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(committed).toEqual([['b']]);
  });

  test.each([
    ['a lost connection', new Error('Connection terminated unexpectedly')],
    ['ECONNRESET', withCode('ECONNRESET')],
    ['40003', withCode('40003')],
    ['08006', withCode('08006')],
    ['a session ended by the server', withCode('57P01')],
    ['a disk error', withCode('SQLITE_IOERR')],
  ])(
    'S3: after %s during COMMIT nobody is told that it worked, and nothing runs twice',
    async (_, error) => {
      const { put, begun, committed } = fake({ commitErrors: { 1: error } });
      const settled = await Promise.allSettled(['a', 'b'].map(put));
      for (const one of settled) {
        expect(one).toMatchObject({ status: 'rejected', reason: { code: 'commit-unknown' } });
      }
      expect(begun()).toBe(1);
      expect(await put('c')).toBe('put c');
      expect(committed).toEqual([['c']]);
    },
  );

  test('a connection that is lost before COMMIT is replaced', async () => {
    let begun = 0;
    const group = new GroupCommit<number>({
      begin: async () => ({
        tx: ++begun,
        finish: async () => undefined,
        commit: async () => undefined,
        rollback: () => Promise.reject(new Error('not queryable')),
      }),
      pause: async () => undefined,
    });
    const work = group.submit(async (tx) => {
      if (tx < 3) throw new Error('not queryable');
      return tx;
    });
    expect(await work).toBe(3);
  });

  test('a transaction that cannot begin fails its callers', async () => {
    const group = new GroupCommit<null>({ begin: () => Promise.reject(new Error('no server')) });
    await expect(group.submit(async () => 1)).rejects.toThrow('no server');
  });

  test('closing settles what was submitted and takes no more', async () => {
    const { group, put } = fake({ maxBatch: 1 });
    const works = ['a', 'b', 'c'].map(put);
    await group.close();
    expect(group.counters.commits).toBe(3);
    await Promise.all(works);
    await expect(put('d')).rejects.toMatchObject({ code: 'closed' });
  });
});
