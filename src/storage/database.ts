/** The database as the stores see it: reading anywhere, writing through shared transactions. */

import type { Knex } from 'knex';
import type { AuditEvent } from '../services/audit.ts';
import type { AuthorityState } from '../services/authority-records.ts';
import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import { AuditChain } from './audit-chain.ts';
import type { Connections } from './connections.ts';
import { StorageError } from './errors.ts';
import { GroupCommit, type GroupCommitCounters, type OpenTransaction } from './group-commit.ts';
import { migrate } from './migrate.ts';
import type { Dialect } from './migrations/migration.ts';
import { migrations } from './migrations/migrations.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

/** What a work may do inside a transaction. */
export interface WriteTransaction {
  readonly knex: Knex.Transaction;
  readonly dialect: Dialect;
  /**
   * The states of issuers and those above them, as a work of this transaction has read and locked
   * them for all that follow. Whoever changes an issuer clears it.
   */
  readonly issuerChains: Map<string, readonly AuthorityState[]>;
  /** Adds an entry to the audit log, stored if and only if the transaction is committed. */
  appendAudit(event: AuditEvent): void;
}

export interface Database {
  readonly dialect: Dialect;
  /** For queries outside transactions; the database refuses to write through it. */
  readonly reader: Knex;
  /** See `GroupCommit.submit`. */
  write<T>(work: (tx: WriteTransaction) => Promise<T>): Promise<T>;
  readonly counters: GroupCommitCounters;
  /** Finishes the writes that were submitted, then lets go of connections and lock. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly clock: Clock;
  /** Names this process: the owner of its leases and of its audit stream. */
  readonly processId: string;
  readonly logger?: Logger;
  /** Hears how many works each transaction had that was committed. */
  readonly committed?: (works: number) => void;
}

/**
 * Opens a database, brings its schema up to date and starts this process's audit stream.
 * @param url `sqlite:<path>`, `postgres://…` or `postgresql://…`
 * @throws StorageError `database-url`, `database-locked`, `durability-too-weak`, `schema-newer`,
 *   `schema-unknown`
 */
export async function openDatabase(url: string, options: DatabaseOptions): Promise<Database> {
  const connections = await connect(url, options.logger);
  try {
    const { dialect, writer } = connections;
    const applied = await migrate(writer, dialect, options.clock, migrations);
    if (applied.length > 0) {
      options.logger?.info('schema-migrated', { versions: applied });
    }
    const chain = new AuditChain(options.processId);
    await chain.open(writer, options.clock());
    return databaseOver(connections, chain, options.committed);
  } catch (error) {
    await connections.close();
    throw error;
  }
}

function connect(url: string, logger: Logger | undefined): Promise<Connections> {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return openPostgres(url, logger);
  const file = /^sqlite:(.+)$/.exec(url)?.[1];
  // What SQLite keeps in memory or in a nameless file is gone after a restart.
  if (file !== undefined && !file.startsWith(':') && !file.startsWith('file:')) {
    return openSqlite(file, logger);
  }
  return Promise.reject(
    new StorageError(
      'database-url',
      'the database URL must be sqlite:<path> or postgres://user@host/database',
    ),
  );
}

function databaseOver(
  connections: Connections,
  chain: AuditChain,
  committed: DatabaseOptions['committed'],
): Database {
  const { dialect, reader } = connections;
  const groupCommit = new GroupCommit({ begin: () => begin(connections, chain), committed });
  let closing: Promise<void> | undefined;
  return {
    dialect,
    reader,
    write: (work) => groupCommit.submit(work),
    get counters() {
      return groupCommit.counters;
    },
    close: () => {
      closing ??= groupCommit.close().then(() => connections.close());
      return closing;
    },
  };
}

async function begin(
  { dialect, writer }: Connections,
  chain: AuditChain,
): Promise<OpenTransaction<WriteTransaction>> {
  const knex = await writer.transaction();
  const rollback = async () => {
    await knex.rollback();
    // Here knex tells of a ROLLBACK that failed.
    await knex.executionPromise;
  };
  try {
    const draft = await chain.draft({ knex, dialect });
    return {
      tx: { knex, dialect, issuerChains: new Map(), appendAudit: draft.append },
      rollback,
      finish: draft.flush,
      commit: async () => {
        try {
          await commit(knex);
        } catch (error) {
          chain.forget();
          // Where SQLite could not finish a COMMIT, its transaction is still open.
          if (dialect === 'sqlite') await writer.raw('ROLLBACK').catch(() => undefined);
          throw error;
        }
        draft.committed();
      },
    };
  } catch (error) {
    await rollback();
    throw error;
  }
}

async function commit(knex: Knex.Transaction): Promise<void> {
  const answer: unknown = await knex.commit();
  // Here knex tells of a COMMIT that failed.
  await knex.executionPromise;
  // PostgreSQL answers COMMIT in a transaction that has failed with success, and "ROLLBACK".
  const command = (answer as { response?: { command?: unknown } } | undefined)?.response?.command;
  if (command === 'ROLLBACK') {
    throw new StorageError('inconsistent', 'the transaction had failed before it was committed');
  }
}
