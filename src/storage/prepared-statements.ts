/**
 * SQLite statements that stay prepared. To parse and plan a query costs several times what it costs
 * to run it, and a service asks the same ones all the time; neither knex nor the driver keeps them. A
 * statement has nothing in it but its text: it sees what is committed when it runs.
 */

import type sqlite3 from 'sqlite3';

/** Of 12 to 17 KiB each. */
const MAX_KEPT = 200;
/** What was bound last stays bound to a statement that is kept: large values go with theirs. */
const MAX_BOUND = 64 * 1024;

type Bindings = readonly unknown[];
/** The driver tells of rows that were changed by `this`. */
type Done = (this: unknown, error: Error | null, rows?: unknown[]) => void;

/** What of a connection is used: by knex, and to prepare. */
type Connection = Pick<sqlite3.Database, 'prepare'> & {
  all(sql: string, bindings: Bindings | undefined, done: Done): unknown;
  run(sql: string, bindings: Bindings | undefined, done: Done): unknown;
  close(done: (error: Error | null) => void): void;
};

/** Has a connection keep the statements that it has run without an error, the last `limit` of them. */
export function keepPrepared(connection: Connection, limit = MAX_KEPT): void {
  const kept = new Map<string, sqlite3.Statement>();

  const take = (key: string): sqlite3.Statement | undefined => {
    const statement = kept.get(key);
    // Those used longest ago go first.
    if (statement && kept.delete(key)) kept.set(key, statement);
    return statement;
  };
  const keep = (key: string, statement: sqlite3.Statement): void => {
    kept.set(key, statement);
    const [oldest] = kept;
    if (kept.size > limit && oldest !== undefined) drop(...oldest);
  };
  const drop = (key: string, statement: sqlite3.Statement): void => {
    kept.delete(key);
    statement.finalize();
  };

  const runner =
    (method: 'all' | 'run') =>
    (sql: string, given: Bindings = [], done: Done) => {
      // Without values the driver would leave those of the last time bound.
      const key = `${given.length} ${sql}`;
      const isPassing = given.some(isLarge);
      const before = isPassing ? undefined : take(key);
      const statement = before ?? connection.prepare(sql);
      // What cannot be prepared never comes to run.
      if (!before) statement.once('error', (error: Error) => done.call(statement, error));
      statement[method](given, function (this: unknown, error: Error | null, rows?: unknown[]) {
        if (before) {
          // One that has failed, as a COMMIT may, would be in the middle of its work still.
          if (error && kept.get(key) === before) drop(key, before);
        } else {
          statement.removeAllListeners('error');
          if (error || isPassing || kept.has(key)) statement.finalize();
          else keep(key, statement);
        }
        done.call(this, error, rows);
      });
      return connection;
    };
  connection.all = runner('all');
  connection.run = runner('run');

  // A connection with statements cannot be closed.
  const close = connection.close.bind(connection);
  connection.close = (done) => {
    for (const statement of kept.values()) statement.finalize();
    kept.clear();
    close(done);
  };
}

const isLarge = (value: unknown): boolean =>
  (value instanceof Uint8Array || typeof value === 'string') && value.length > MAX_BOUND;
