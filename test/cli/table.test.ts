import { describe, expect, test } from 'vitest';
import { type Column, fields, moment, table, widthOf } from '../../src/cli/table.ts';
import { captureIo } from '../support/cli.ts';

interface Row {
  readonly id: string;
  readonly name: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name },
];

const rows: readonly Row[] = [
  { id: 'a', name: 'first' },
  { id: 'longer', name: 'a name of some length' },
];

describe('a table', () => {
  test('is aligned, without blanks at the end of lines', () => {
    expect(table(columns, rows)).toBe(
      'ID      NAME\na       first\nlonger  a name of some length\n',
    );
  });

  test('is not cut when no terminal says how wide it is', () => {
    const name = 'x'.repeat(500);
    expect(table(columns, [{ id: 'a', name }])).toContain(name);
  });

  test('is cut to the width of a terminal', () => {
    const lines = table(columns, rows, 14).split('\n');
    expect(lines).toEqual(['ID      NAME', 'a       first', 'longer  a nam…', '']);
  });

  test.each([1, 2, 5, 6, 7, 8, 9, 20, 29])('no line is wider than %i', (width) => {
    for (const line of table(columns, rows, width).split('\n')) {
      expect([...line].length).toBeLessThanOrEqual(width);
    }
  });

  test('a color does not change the alignment', () => {
    const colored = columns.map((column) => ({
      ...column,
      color: (cell: string) => `\u001b[32m${cell}\u001b[39m`,
    }));
    const plain = table(colored, rows).replaceAll('\u001b[32m', '').replaceAll('\u001b[39m', '');
    expect(plain.split('\n').map((line) => line.trimEnd())).toEqual(
      table(columns, rows).split('\n'),
    );
  });

  test('characters are counted, not code units', () => {
    expect(table(columns, [{ id: '🚗', name: 'x' }])).toBe('ID  NAME\n🚗   x\n');
  });

  test('a value cannot break out of its cell', () => {
    expect(table(columns, [{ id: 'a\nb', name: '\u001b[2J' }]).split('\n')).toHaveLength(3);
  });
});

describe('the width of an output', () => {
  test('is that of the terminal', () => {
    expect(widthOf(captureIo({ columns: 100 }).io.stdout)).toBe(100);
  });

  test('is unknown without a terminal', () => {
    expect(widthOf(captureIo().io.stdout)).toBeUndefined();
  });
});

test('fields are aligned, and left out without a value', () => {
  expect(
    fields([
      ['id', '1'],
      ['issuer', undefined],
      ['until', '2027'],
    ]),
  ).toBe('  id     1\n  until  2027\n');
});

test.each([
  ['2027-01-03T12:00:00.000Z', '2027-01-03 12:00 UTC, in 2 days'],
  ['2027-01-02T12:30:00.000Z', '2027-01-02 12:30 UTC, in 1 day'],
  ['2027-01-01T13:00:00.000Z', '2027-01-01 13:00 UTC, within a day of now'],
  ['2026-12-30T12:00:00.000Z', '2026-12-30 12:00 UTC, 2 days ago'],
])('the moment %s', (time, shown) => {
  expect(moment(time, { clock: () => new Date('2027-01-01T12:00:00Z') })).toBe(shown);
});
