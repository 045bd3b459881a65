/** Rows of a query that is given as text; each driver wraps them in its own way. */

import type { WriteTransaction } from './database.ts';

export async function rawRows<Row>(
  tx: Pick<WriteTransaction, 'knex' | 'dialect'>,
  sql: string,
  bindings: readonly (string | number)[],
): Promise<Row[]> {
  const answer = await tx.knex.raw(sql, [...bindings]);
  return tx.dialect === 'sqlite' ? answer : answer.rows;
}
