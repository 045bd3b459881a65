/** Pages of listings: as they are asked for, and as they are answered. */

import type { Page, PageWanted } from '../../services/pages.ts';

/** As openapi.yaml has it, which also says how many there may be. */
const DEFAULT_LIMIT = 50;

export const pageWanted = ({
  limit,
  cursor,
}: Readonly<Record<'limit' | 'cursor', string | undefined>>): PageWanted => ({
  limit: Number(limit ?? DEFAULT_LIMIT),
  ...(cursor === undefined ? {} : { cursor }),
});

export const pageBody = <T, Body>(
  { items, nextCursor }: Page<T>,
  bodyOf: (item: T) => Body,
): Page<Body> => ({
  items: items.map((item) => bodyOf(item)),
  ...(nextCursor === undefined ? {} : { nextCursor }),
});
