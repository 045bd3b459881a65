/** Listings as `list` commands print them. */

import { type Io, note, printableJson } from './io.ts';
import { type Column, table, widthOf } from './table.ts';

export interface Listing<T> {
  readonly columns: readonly Column<T>[];
  /** What is said where there is nothing; without it the titles stand alone. */
  readonly none?: string;
}

/** A table for people, or the API's answer as it came. */
export function tellListing<T>(
  answer: { readonly items: readonly T[]; readonly nextCursor?: string },
  { columns, none }: Listing<T>,
  { json }: { readonly json?: true },
  io: Io,
): void {
  if (json) {
    io.stdout.write(`${printableJson(answer)}\n`);
    return;
  }
  if (answer.items.length === 0 && none !== undefined) {
    note(io, none);
    return;
  }
  io.stdout.write(table(columns, answer.items, widthOf(io.stdout)));
  if (answer.nextCursor !== undefined) note(io, 'There are more: --all, or a higher --limit.');
}
