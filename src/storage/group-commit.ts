/**
 * Joins the transactions of concurrent callers. What is submitted while a transaction runs is
 * committed together in the next one, so that a disk flush is paid once per batch and not once
 * per certificate. Every caller hears only after COMMIT, and only of its own work: when any work
 * of a batch fails, the batch is rolled back and each of them runs again, alone.
 */

import { randomInt } from 'node:crypto';
import { isDefiniteRollback, isTransient, StorageError } from './errors.ts';

/** An open transaction: `tx` is what works see of it. */
export interface OpenTransaction<Tx> {
  readonly tx: Tx;
  /** Writes what was put off until the works were done; may fail like a work. */
  finish(): Promise<void>;
  /** Everything is durable when this returns. */
  commit(): Promise<void>;
  /** Fails where the connection is gone, and the transaction with it. */
  rollback(): Promise<void>;
}

export interface GroupCommitOptions<Tx> {
  readonly begin: () => Promise<OpenTransaction<Tx>>;
  /** Works per transaction. */
  readonly maxBatch?: number;
  /** How often a transaction is tried when others get in its way. */
  readonly maxAttempts?: number;
  /** Waits between two attempts; tests pass one that does not. */
  readonly pause?: (attempt: number) => Promise<void>;
  /** Hears how many works each transaction had that was committed. */
  readonly committed?: ((works: number) => void) | undefined;
}

/** What has been done so far. */
export interface GroupCommitCounters {
  readonly submitted: number;
  readonly commits: number;
  readonly rollbacks: number;
}

interface Job<Tx> {
  readonly run: (tx: Tx) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome =
  | { readonly done: true; readonly values: readonly unknown[] }
  | { readonly done: false; readonly error: unknown };

/** Up to some 10, 20, 40 … ms, random so that two processes do not meet again. */
const defaultPause = (attempt: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, randomInt(1, 10 * 2 ** Math.min(attempt, 6)));
  });

export class GroupCommit<Tx> {
  readonly #begin: () => Promise<OpenTransaction<Tx>>;
  readonly #maxBatch: number;
  readonly #maxAttempts: number;
  readonly #pause: (attempt: number) => Promise<void>;
  readonly #committed: (works: number) => void;
  readonly #queue: Job<Tx>[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  #submitted = 0;
  #commits = 0;
  #rollbacks = 0;

  constructor(options: GroupCommitOptions<Tx>) {
    this.#begin = options.begin;
    this.#maxBatch = options.maxBatch ?? 64;
    this.#maxAttempts = options.maxAttempts ?? 8;
    this.#pause = options.pause ?? defaultPause;
    this.#committed = options.committed ?? (() => undefined);
  }

  get counters(): GroupCommitCounters {
    return { submitted: this.#submitted, commits: this.#commits, rollbacks: this.#rollbacks };
  }

  /**
   * Runs a work in a transaction that it may share with others.
   * @param work may run several times, each time after everything it did before was rolled back;
   *   it must await all it starts and must not act outside the transaction
   * @returns what the work returned in the run that was committed
   * @throws what the work threw when it ran alone; StorageError `commit-unknown` when the answer
   *   to COMMIT was lost; StorageError `closed`
   */
  submit<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StorageError('closed', 'the database is closed'));
    this.#submitted += 1;
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ run: work, resolve: (value) => resolve(value as T), reject });
      this.#running ??= this.#drain();
    });
  }

  /** Takes no more work and returns when what was submitted is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    // Whoever submits in the same turn of the event loop shares the first transaction already.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#maxBatch);
      const outcome = await this.#transact(batch);
      if (outcome.done || batch.length === 1 || isUnknown(outcome.error)) settle(batch, outcome);
      else for (const job of batch) settle([job], await this.#transact([job]));
    }
    this.#running = undefined;
  }

  /** One batch in one transaction, tried again while others are in its way. Never throws. */
  async #transact(batch: readonly Job<Tx>[]): Promise<Outcome> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(batch);
      if (outcome.done || attempt >= this.#maxAttempts || !isTransient(outcome.error)) {
        return outcome;
      }
      await this.#pause(attempt);
    }
  }

  async #attempt(batch: readonly Job<Tx>[]): Promise<Outcome> {
    let open: OpenTransaction<Tx>;
    try {
      open = await this.#begin();
    } catch (error) {
      return { done: false, error };
    }
    const values: unknown[] = [];
    try {
      // One after the other: they share a connection, and later ones see what earlier ones did.
      for (const job of batch) values.push(await job.run(open.tx));
      await open.finish();
    } catch (error) {
      this.#rollbacks += 1;
      // The driver's errors do not always tell that the connection is lost; ROLLBACK does.
      const lost = await open.rollback().then(
        () => undefined,
        () =>
          new StorageError('connection-lost', 'the database connection was lost', { cause: error }),
      );
      return { done: false, error: lost ?? error };
    }
    try {
      await open.commit();
    } catch (error) {
      this.#rollbacks += 1;
      return { done: false, error: afterCommit(error) };
    }
    this.#commits += 1;
    this.#committed(batch.length);
    return { done: true, values };
  }
}

/** COMMIT failed: either the database said that nothing is stored, or nobody knows. */
function afterCommit(error: unknown): unknown {
  if (isDefiniteRollback(error)) return error;
  return new StorageError(
    'commit-unknown',
    'the database did not confirm a transaction: its changes may be stored or not',
    { cause: error },
  );
}

const isUnknown = (error: unknown): boolean =>
  error instanceof StorageError && error.code === 'commit-unknown';

function settle<Tx>(batch: readonly Job<Tx>[], outcome: Outcome): void {
  batch.forEach((job, index) => {
    if (outcome.done) job.resolve(outcome.values[index]);
    else job.reject(outcome.error);
  });
}
