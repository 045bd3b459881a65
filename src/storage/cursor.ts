/** Listings that go from newest to oldest: their pages, and the cursors in which these end. */

import type { Knex } from 'knex';
import { InvalidCursor, type Page, type PageWanted } from '../services/pages.ts';

/** The last row of a page; the next page starts below it. */
export interface Position {
  /** As stored: RFC 3339 with milliseconds. */
  readonly createdAt: string;
  readonly id: string;
}

const positionForm = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) ([\x21-\x7e]{1,200})$/;

/** base64url of `<created_at> <id>`. */
export const cursorOf = ({ createdAt, id }: Position): string =>
  Buffer.from(`${createdAt} ${id}`, 'utf8').toString('base64url');

/** @throws InvalidCursor unless the text is one that `cursorOf` makes, character for character */
export function positionOf(cursor: string): Position {
  const [, createdAt, id] =
    positionForm.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (createdAt === undefined || id === undefined) throw new InvalidCursor();
  // Node skips what is not base64url, and no calendar knows the 31st of February.
  const time = new Date(createdAt);
  const exact = !Number.isNaN(time.getTime()) && time.toISOString() === createdAt;
  if (!exact || cursorOf({ createdAt, id }) !== cursor) throw new InvalidCursor();
  return { createdAt, id };
}

/** What a listing is sorted by, from high to low; all of it together is in no second row. */
export interface SortKey<Row> {
  /** As the query names them. */
  readonly columns: readonly string[];
  readonly positionOf: (row: Row) => Position;
  /**
   * What the columns have in the row at a position.
   * @throws InvalidCursor for a position at which no row can be
   */
  readonly valuesAt: (position: Position) => readonly (string | number)[];
}

/**
 * The key of rows that have a time and an id.
 * @param table its alias in the query, where others have such columns too
 */
export const byTime = <Column extends string>(
  time: Column,
  table?: string,
): SortKey<{ readonly [column in Column | 'id']: string }> => ({
  columns: [time, 'id'].map((column) => (table === undefined ? column : `${table}.${column}`)),
  positionOf: (row) => ({ createdAt: row[time], id: row.id }),
  valuesAt: ({ createdAt, id }) => [createdAt, id],
});

/** That a row value is lower than another: its columns and what they are held against are bound. */
function lower(count: number): string {
  const marks = (mark: string) => Array.from({ length: count }, () => mark).join(', ');
  return `(${marks('??')}) < (${marks('?')})`;
}

/**
 * A page of the rows that a query selects, which it need neither sort nor limit.
 * @throws InvalidCursor
 */
export async function pageOf<Row>(
  query: Knex.QueryBuilder,
  { limit, cursor }: PageWanted,
  { columns, positionOf: positionOfRow, valuesAt }: SortKey<Row>,
): Promise<Page<Row>> {
  for (const column of columns) query.orderBy(column, 'desc');
  if (cursor !== undefined) {
    query.whereRaw(lower(columns.length), [...columns, ...valuesAt(positionOf(cursor))]);
  }
  // One more than asked for tells whether there is a next page.
  const rows: Row[] = await query.limit(limit + 1);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items, ...(more ? { nextCursor: cursorOf(positionOfRow(last)) } : {}) };
}
