/** Cursors of listings that go from newest to oldest. */

import { InvalidCursor } from '../services/pages.ts';

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
