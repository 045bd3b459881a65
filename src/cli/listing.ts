/** What commands that list things have in common. */

import type { Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { readTime } from './input.ts';
import type { Session } from './session.ts';

/** As much as the API gives at once. */
const PAGE_SIZE = 200;
export const DEFAULT_LIMIT = 50;

/** Follows the cursors until there are enough; the last cursor stays, as in a single page. */
export async function fetchPages<T>(
  session: Session,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  limit: number,
): Promise<Page<T>> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await session.get(path, {
      ...query,
      limit: String(Math.min(PAGE_SIZE, limit - items.length)),
      cursor,
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined && items.length < limit);
  return { items, ...(cursor === undefined ? {} : { nextCursor: cursor }) };
}

/** A day or time that was given as an option, for the API. */
export function timeOption(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = readTime(text);
  if (time === undefined) {
    throw usageFailure(
      `${name} is a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z`,
    );
  }
  return time;
}

/** How many to list: `--limit`, or `--all`. */
export function limitOption({
  all,
  limit,
}: {
  readonly all?: true;
  readonly limit?: string;
}): number {
  if (all && limit !== undefined) throw usageFailure('--all and --limit exclude each other');
  if (all) return Number.POSITIVE_INFINITY;
  if (limit === undefined) return DEFAULT_LIMIT;
  if (!/^[1-9]\d{0,8}$/.test(limit)) throw usageFailure('--limit is a number from 1');
  return Number(limit);
}
