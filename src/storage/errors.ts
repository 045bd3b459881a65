/** What can go wrong with the database itself. */

export type StorageErrorCode =
  /** EVPKI_DATABASE_URL is not something that can be opened. */
  | 'database-url'
  /** Another process holds the SQLite database. */
  | 'database-locked'
  /** The database promises less durability than signing needs. */
  | 'durability-too-weak'
  /** A newer evpki has migrated this database. */
  | 'schema-newer'
  /** The database records migrations that this evpki does not know. */
  | 'schema-unknown'
  /** The connection was lost during COMMIT: the work may be stored or not. */
  | 'commit-unknown'
  /** The connection was lost before COMMIT: nothing is stored. */
  | 'connection-lost'
  /** Somebody else advanced this process's audit stream. */
  | 'audit-head-moved'
  /** A row is not in the state that the work relies on. */
  | 'inconsistent'
  /** A conflict with another process; running the work again settles it. */
  | 'run-again'
  /** The database is being closed. */
  | 'closed';

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  /** Everything that is wrong, where there can be several things. */
  readonly reasons: readonly string[];

  constructor(
    code: StorageErrorCode,
    message: string,
    options: { readonly reasons?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StorageError';
    this.code = code;
    this.reasons = options.reasons ?? [];
  }
}

/**
 * Conflicts with somebody else's transaction, after which nothing of ours is stored and the same
 * work may succeed: serialization failure, deadlock, a busy SQLite file, and a server that ended
 * the session before COMMIT was sent.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof StorageError) {
    return ['run-again', 'connection-lost', 'audit-head-moved'].includes(error.code);
  }
  const code = sqlState(error);
  return (
    code === '40001' || code === '40P01' || code === '57P01' || /^SQLITE_BUSY/.test(code ?? '')
  );
}

/**
 * An answer to COMMIT that leaves no doubt: nothing is stored. A session that was ended (57P01) is
 * not among them: PostgreSQL says so too when the transaction is stored, but not yet replicated.
 */
export function isDefiniteRollback(error: unknown): boolean {
  if (error instanceof StorageError) return true;
  const code = sqlState(error);
  // Class 23: a constraint checked at COMMIT. Class 40: rolled back, but for 40003, which says
  // that the server itself does not know.
  return code !== undefined && /^(23...|40...|SQLITE_BUSY.*)$/.test(code) && code !== '40003';
}

/** SQLSTATE of PostgreSQL, or the result code of SQLite. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
