/**
 * SQLite statements that stay prepared. To parse and plan a query costs several times what it costs
 * to run it, and a service asks the same few hundred all the time; neither knex nor the driver keeps
 * them. A statement has nothing in it but its text: it sees what is committed when it runs.
 */

import type sqlite3 from 'sqlite3';

/** Of some 10 KiB each. */
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

  const take = (sql: string, bindings: Bindings): sqlite3.Statement | undefined => {
    const statement = bindings.some(isLarge) ? undefined : kept.get(sql);
    // Those used longest ago go first.
    if (statement && kept.delete(sql)) kept.set(sql, statement);
    return statement;
  };
  const keep = (sql: string, statement: sqlite3.Statement): void => {
    kept.set(sql, statement);
    const [oldest] = kept;
    if (kept.size > limit && oldest !== undefined) drop(...oldest);
  };
  const drop = (sql: string, statement: sqlite3.Statement): void => {
    kept.delete(sql);
    statement.finalize();
  };

  const runner =
    (method: 'all' | 'run') => (sql: string, given: Bindings | undefined, done: Done) => {
      const bindings = given ?? [];
      const before = take(sql, bindings);
      const statement = before ?? connection.prepare(sql);
      // What cannot be prepared never comes to run.
      if (!before) statement.once('error', (error: Error) => done.call(statement, error));
      statement[method](bindings, function (this: unknown, error: Error | null, rows?: unknown[]) {
        if (before) {
          // One that has failed, as a COMMIT may, would be in the middle of its work still.
          if (error && kept.get(sql) === before) drop(sql, before);
        } else {
          statement.removeAllListeners('error');
          if (error || kept.has(sql) || bindings.some(isLarge)) statement.finalize();
          else keep(sql, statement);
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
