/** Listings that come in pages. */

import type { Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
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

/** How many are wanted by `--all` and `--limit`. */
export function limitOption(options: { readonly all?: true; readonly limit?: string }): number {
  const { all, limit } = options;
  if (all && limit !== undefined) throw usageFailure('--all and --limit exclude each other');
  if (all) return Number.POSITIVE_INFINITY;
  if (limit === undefined) return DEFAULT_LIMIT;
  if (!/^[1-9]\d{0,8}$/.test(limit)) throw usageFailure('--limit is a number from 1');
  return Number(limit);
}
