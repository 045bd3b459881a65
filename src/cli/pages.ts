/** Listings that come in pages. */

import type { Command } from 'commander';
import type { Page } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import type { Io } from './io.ts';
import { type Listing, tellListing } from './listing.ts';
import { type Session, withSession } from './session.ts';

/** As much as the API gives at once. */
const PAGE_SIZE = 200;
const DEFAULT_LIMIT = 50;

export interface PageOptions {
  readonly limit?: string;
  readonly all?: true;
  readonly json?: true;
}

export interface PagedListing<T> extends Listing<T> {
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** The options that all such listings have; they stand behind those of the one. */
export const addPageOptions = (command: Command): Command =>
  command
    .option('--limit <number>', `at most so many (default: ${DEFAULT_LIMIT})`)
    .option('--all', 'as many as there are')
    .option('--json', "print the API's answer");

/** Prints as much of a listing as is wanted. */
export async function listPages<T>(
  listing: PagedListing<T>,
  options: PageOptions,
  io: Io,
): Promise<void> {
  const { path, query } = listing;
  const limit = limitOption(options);
  const page = await withSession(io, (session) => fetchPages<T>(session, path, query, limit));
  tellListing(page, listing, options, io);
}

/** Follows the cursors until there are enough; the last cursor stays, as in a single page. */
async function fetchPages<T>(
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
function limitOption({ all, limit }: PageOptions): number {
  if (all && limit !== undefined) throw usageFailure('--all and --limit exclude each other');
  if (all) return Number.POSITIVE_INFINITY;
  if (limit === undefined) return DEFAULT_LIMIT;
  if (!/^[1-9]\d{0,8}$/.test(limit)) throw usageFailure('--limit is a number from 1');
  return Number(limit);
}
