/** Brings a database to the newest schema, once, whoever else tries at the same moment. */

import type { Knex } from 'knex';
import type { Clock } from '../services/clock.ts';
import { isTransient, StorageError, sqlState } from './errors.ts';
import { columnTypesOf, type Dialect, type Migration } from './migrations/migration.ts';
import { timeText } from './values.ts';

const ATTEMPTS = 10;

/**
 * Runs the migrations that the database has not seen, all in one transaction. Concurrent callers
 * wait for the row of `schema_lock`: a plain row lock, which every PostgreSQL-compatible database
 * has and which is gone when its holder dies (an advisory lock is not everywhere, knex's own lock
 * table outlives a kill).
 * @returns the versions that were applied now
 * @throws StorageError `schema-newer`, `schema-unknown`
 */
export async function migrate(
  knex: Knex,
  dialect: Dialect,
  clock: Clock,
  migrations: readonly Migration[],
): Promise<number[]> {
  await settled(
    () => createBookkeeping(knex),
    (error) => isTransient(error) || isCreationRace(error),
  );
  return settled(
    () => knex.transaction((tx) => runMissing(tx, dialect, clock, migrations)),
    isTransient,
  );
}

/** Tries again while others are in the way. */
async function settled<T>(run: () => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !again(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 * attempt));
    }
  }
}

/**
 * PostgreSQL's `IF NOT EXISTS` does not cover two sessions that create the same table at once: one
 * of them fails on a catalogue constraint (duplicate key, table, or object) and has to look again.
 */
const isCreationRace = (error: unknown): boolean =>
  ['23505', '42P07', '42710'].includes(sqlState(error) ?? '');

async function createBookkeeping(knex: Knex): Promise<void> {
  await knex.raw('CREATE TABLE IF NOT EXISTS schema_lock (id INTEGER PRIMARY KEY)');
  await knex.raw(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
      version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)`,
  );
  await knex('schema_lock').insert({ id: 1 }).onConflict('id').ignore();
}

async function runMissing(
  tx: Knex.Transaction,
  dialect: Dialect,
  clock: Clock,
  migrations: readonly Migration[],
): Promise<number[]> {
  // SQLite locks the whole database instead, by the first statement that writes.
  const lock = tx('schema_lock').where({ id: 1 });
  await (dialect === 'postgres' ? lock.forUpdate().select('id') : lock.update({ id: 1 }));

  const recorded: { version: number; name: string }[] = await tx('schema_migrations')
    .select('version', 'name')
    .orderBy('version');
  checkRecorded(recorded, migrations);

  const applied: number[] = [];
  const types = columnTypesOf(dialect);
  for (const migration of migrations.slice(recorded.length)) {
    for (const statement of migration.statements(types)) await tx.raw(statement);
    await migration.fill?.(tx);
    await tx('schema_migrations').insert({
      version: migration.version,
      name: migration.name,
      applied_at: timeText(clock()),
    });
    applied.push(migration.version);
  }
  return applied;
}

function checkRecorded(
  recorded: readonly { version: number; name: string }[],
  migrations: readonly Migration[],
): void {
  const newest = recorded.at(-1);
  const known = migrations.at(-1)?.version ?? 0;
  if (newest !== undefined && newest.version > known) {
    throw new StorageError(
      'schema-newer',
      `the database has schema version ${newest.version}, this evpki knows versions up to ` +
        `${known}: run the evpki that migrated it, or a newer one`,
    );
  }
  recorded.forEach((row, index) => {
    const ours = migrations[index];
    if (ours?.version !== row.version || ours.name !== row.name) {
      throw new StorageError(
        'schema-unknown',
        `the database records migration ${row.version} "${row.name}", where this evpki has ` +
          `${ours === undefined ? 'none' : `${ours.version} "${ours.name}"`}`,
      );
    }
  });
}
