/**
 * PostgreSQL for tests: `EVPKI_TEST_POSTGRES` is the URL of a server where databases may be
 * created (see scripts/with-postgres.sh).
 */

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { expect, test } from 'vitest';

const serverUrl = process.env.EVPKI_TEST_POSTGRES;

export const postgresIsAvailable = serverUrl !== undefined && serverUrl !== '';

const postgresIsRequired = (process.env.EVPKI_REQUIRE ?? '')
  .split(',')
  .map((name) => name.trim())
  .includes('postgres');

/** Where PostgreSQL is missing its tests are left out, unless EVPKI_REQUIRE names it. */
export const testPostgresRequirement = (): void =>
  test('PostgreSQL is there if EVPKI_REQUIRE demands it', () => {
    expect(
      postgresIsAvailable || !postgresIsRequired,
      'set EVPKI_TEST_POSTGRES, see scripts/with-postgres.sh',
    ).toBe(true);
  });

export interface PostgresDatabase {
  readonly name: string;
  readonly url: string;
  /** Runs a statement in this database, around everything of ours. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/**
 * Creates an empty database.
 * @param clauses what CREATE DATABASE shall say further
 */
export async function createPostgresDatabase(clauses = ''): Promise<PostgresDatabase> {
  if (serverUrl === undefined) throw new Error('EVPKI_TEST_POSTGRES is not set');
  const name = `evpki_test_${randomBytes(6).toString('hex')}`;
  await runIn(serverUrl, `CREATE DATABASE ${name} ${clauses}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    query: (sql) => runIn(url.href, sql),
    drop: async () => {
      await runIn(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function runIn(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
