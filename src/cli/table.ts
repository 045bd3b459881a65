/** Tables and field lists for people. */

import { type colorsFor, type Io, type Output, printable } from './io.ts';

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  /** Colors the finished cell, whose width no longer changes. */
  readonly color?: (cell: string, row: T) => string;
}

const GAP = '  ';

/** Width is that of a terminal: cells are cut to it. Without one nothing is ever cut. */
export function table<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width = Number.POSITIVE_INFINITY,
): string {
  const titles = columns.map(({ title }) => title);
  const cells = rows.map((row) => columns.map(({ value }) => printable(value(row))));
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...cells].map((line) => lengthOf(line[index] ?? ''))),
  );
  const line = (texts: readonly string[], color: (cell: string, index: number) => string) => {
    let left = width;
    const fitting = texts.map((text, index) => {
      const last = index === texts.length - 1;
      const padded = last ? text : text + ' '.repeat((widths[index] ?? 0) - lengthOf(text));
      const cut = cutTo(padded, left);
      left -= lengthOf(cut) + GAP.length;
      return cut === '' ? '' : color(cut, index);
    });
    return fitting.join(GAP).trimEnd();
  };
  return [
    line(titles, (cell) => cell),
    ...rows.map((row, at) =>
      line(cells[at] ?? [], (cell, index) => columns[index]?.color?.(cell, row) ?? cell),
    ),
  ]
    .map((text) => `${text}\n`)
    .join('');
}

/** Lines of `  name  value`, aligned; fields without a value are left out. */
export function fields(entries: readonly (readonly [string, string | undefined])[]): string {
  const given = entries.filter((entry): entry is [string, string] => entry[1] !== undefined);
  const width = Math.max(0, ...given.map(([name]) => name.length));
  return given
    .map(([name, value]) => `  ${name.padEnd(width)}${GAP}${printable(value)}\n`)
    .join('');
}

/** The width to cut tables to: only people at a terminal want them cut. */
export const widthOf = (output: Output): number | undefined =>
  output.isTTY === true && output.columns ? output.columns : undefined;

/** Colors of states: green holds, yellow waits, red is over. */
export const stateColor =
  (colors: ReturnType<typeof colorsFor>) =>
  (cell: string): string => {
    switch (cell.trim()) {
      case 'issued':
      case 'active':
      case 'registered':
        return colors.green(cell);
      case 'revoked':
      case 'expired':
      case 'abandoned':
      case 'deleted':
      case 'disabled':
      case 'ended':
      case 'refused':
      case 'rejected':
        return colors.red(cell);
      default:
        return colors.yellow(cell);
    }
  };

/** `2027-01-31` of an RFC 3339 time. */
export const day = (time: string): string => time.slice(0, 10);

/** `2027-01-31 12:00 UTC, in 61 days`. */
export function moment(time: string, { clock }: Pick<Io, 'clock'>): string {
  const days = Math.trunc((Date.parse(time) - clock().getTime()) / 86_400_000);
  const distance =
    days === 0 ? 'within a day of now' : days > 0 ? `in ${count(days)}` : `${count(-days)} ago`;
  return `${time.slice(0, 16).replace('T', ' ')} UTC, ${distance}`;
}

const count = (days: number): string => (days === 1 ? '1 day' : `${days} days`);

const lengthOf = (text: string): number => [...text].length;

function cutTo(text: string, width: number): string {
  if (lengthOf(text) <= width) return text;
  return width < 1 ? '' : `${[...text].slice(0, width - 1).join('')}…`;
}
