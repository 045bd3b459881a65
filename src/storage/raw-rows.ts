/** Rows of a query that is given as text; each driver wraps them in its own way. */

import type { Knex } from 'knex';
import type { Dialect } from './migrations/migration.ts';

export async function rawRows<Row>(
  { knex, dialect }: { readonly knex: Knex; readonly dialect: Dialect },
  sql: string,
  bindings: readonly (string | number | Buffer)[],
): Promise<Row[]> {
  const answer = await knex.raw(sql, [...bindings]);
  return dialect === 'sqlite' ? answer : answer.rows;
}
