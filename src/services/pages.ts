/** Listings that come in pages, newest first. */

import { ServiceError } from './errors.ts';

export interface Page<T> {
  readonly items: T[];
  /** Opaque; undefined on the last page. */
  readonly nextCursor?: string;
}

export interface PageWanted {
  /** How many items at most; at least one. */
  readonly limit: number;
  /** The `nextCursor` of the page before; without it the first page is meant. */
  readonly cursor?: string;
}

/** A cursor that no listing can have returned: the caller made it up or damaged it. */
export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is not one that a listing returned');
    this.name = 'InvalidCursor';
  }
}

/**
 * Reads the page that a caller wants.
 * @param read of the store: gets the limit and the cursor, and nothing else of what is wanted
 * @throws ServiceError `request-malformed` for a cursor that no listing returned
 */
export async function readPage<T>(
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  read: (page: PageWanted) => Promise<Page<T>>,
): Promise<Page<T>> {
  try {
    return await read({ limit, ...(cursor === undefined ? {} : { cursor }) });
  } catch (error) {
    if (!(error instanceof InvalidCursor)) throw error;
    throw new ServiceError('request-malformed', 'the cursor is not one of ours', [
      { code: 'cursor-invalid', message: 'use the `nextCursor` of an answer', field: 'cursor' },
    ]);
  }
}
