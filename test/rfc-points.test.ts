/** docs/rfc-points.md against the names of the tests. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isNode, literalText, parseSource, type SyntaxNode, walk } from './support/syntax.ts';

interface Point {
  /** As in the list: `RFC 5280 4.1.2.5`. */
  readonly clause: string;
  readonly what: string;
  /** Path below `test`, or `none`. */
  readonly file: string;
  /** What the name of the test contains, or why there is none. */
  readonly words: string;
}

const folder = new URL('.', import.meta.url);
const page = readFileSync(new URL('../docs/rfc-points.md', folder), 'utf8');

const points: readonly Point[] = page
  .split('\n')
  .filter((line) => line.startsWith('| RFC '))
  .map((line) => {
    const [, clause = '', what = '', file = '', words = ''] = line
      .split('|')
      .map((cell) => cell.trim());
    return { clause, what, file: file.replaceAll('`', ''), words };
  });

/** The texts that names of tests are made of; comments and everything else of a file are not. */
function namesIn(text: string): string[] {
  const names: string[] = [];
  walk(parseSource('test.ts', text).program, (node, parent, key) => {
    const name = literalText(node);
    if (name !== undefined && namesATest(parent, key)) names.push(name);
  });
  return names;
}

/** Of a call, a row of a table, or a field of one: not what is compared, logged or concatenated. */
const namesATest = (parent: SyntaxNode | undefined, key: string): boolean =>
  (parent?.type === 'CallExpression' && key === 'arguments' && isTestCall(parent)) ||
  parent?.type === 'ArrayExpression' ||
  (parent?.type === 'Property' && key === 'value');

function isTestCall({ callee }: SyntaxNode): boolean {
  let node = callee;
  while (isNode(node) && node.type !== 'Identifier') {
    node = node.type === 'CallExpression' ? node.callee : node.object;
  }
  return isNode(node) && /^(test|it|describe)$/.test(String(node.name));
}

const cache = new Map<string, string[]>();
function namesOf(file: string): string[] {
  const names = cache.get(file) ?? namesIn(readFileSync(new URL(file, folder), 'utf8'));
  cache.set(file, names);
  return names;
}

/** Whether words name a clause or one below it, in either way of writing. */
function carries(words: string, clause: string): boolean {
  const [, rfc = '', section = ''] = /^RFC (\d+) (\S+)$/.exec(clause) ?? [];
  const number = section.replaceAll('.', '\\.');
  const about = new RegExp(`RFC ?${rfc}\\b`).test(words);
  return about && new RegExp(`(?<![\\d.])${number}(?!\\d)`).test(words);
}

describe('docs/rfc-points.md', () => {
  test('has the standards that it is about', () => {
    const standards = new Set(points.map(({ clause }) => clause.split(' ')[1]));
    const named = ['5280', '6960', '8954', '9654', '5019', '2986', '5480', '8410', '7030', '8951'];
    for (const rfc of named) {
      expect(standards).toContain(rfc);
    }
    expect(points.length).toBeGreaterThan(115);
  });

  test('has no point twice, and none of another form', () => {
    for (const { clause, what, words } of points) {
      expect(clause).toMatch(/^RFC \d{4} [A-Z\d][\d.]*$/);
      expect(what, clause).not.toBe('');
      expect(words, what).not.toBe('');
    }
    const stated = points.map(({ clause, what }) => `${clause} ${what}`);
    expect(new Set(stated).size).toBe(stated.length);
  });

  const tested = points.filter(({ file }) => file !== 'none');
  test.each(tested.map((point) => [point.clause, point.what, point] as const))(
    '%s: %s',
    (clause, _, { file, words }) => {
      const found = namesOf(file).filter((name) => name.includes(words));
      expect(found, `${file} has no test whose name contains "${words}"`).not.toEqual([]);
      for (const name of found) expect(carries(name, clause), `${name} lacks ${clause}`).toBe(true);
    },
  );

  test('points without a test say why', () => {
    const without = points.filter(({ file }) => file === 'none');
    for (const { what, words } of without) expect(words, what).toMatch(/^not applicable: .{20,}/);
  });

  test('a clause of these certificates and CRLs that a test names stands in the list', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^(pki|services|interop|scenario|conformance).*\.ts$/.test(file),
    );
    const listed = points.map(({ clause }) => clause);
    const claimed = files.flatMap((file) =>
      namesOf(file).flatMap((name) =>
        [...name.matchAll(/RFC 5280 ([45](?:\.\d+){2,})/g)].map(([, section]) => ({
          file,
          clause: `RFC 5280 ${section}`,
        })),
      ),
    );
    expect(claimed.length).toBeGreaterThan(100);
    const missing = claimed.filter(
      ({ clause }) => !listed.some((one) => clause === one || clause.startsWith(`${one}.`)),
    );
    expect(missing).toEqual([]);
  });
});

describe('how it is found', () => {
  const source = `
    // RFC 5280 4.9.9 in a comment
    const rows = [['RFC 5280 4.9.1 a row']];
    const cases = [{ how: 'RFC 5280 4.9.2 a field' }];
    test.each(rows)('RFC 5280 4.9.3 a name %s', () => {
      expect(x, 'RFC 5280 4.9.4 a message').toBe('RFC 5280 4.9.5 a value');
    });
    describe(\`RFC 5280 4.9.6 a group\`, () => log('RFC 5280 4.9.7'));`;

  test('in names of tests, rows and fields of their tables, and nowhere else', () => {
    expect(namesIn(source).map((name) => name.slice(9, 14))).toEqual([
      ...['4.9.1', '4.9.2', '4.9.3', '4.9.6'],
    ]);
  });

  test.each([
    ['S5 RFC 5280 4.1.2.5 UTCTime', 'RFC 5280 4.1.2.5', true],
    ['RFC 5280 5, 5.1.2.1, 5.2: v2', 'RFC 5280 5.1.2.1', true],
    ['RFC6960-4.4.8-2: NULL', 'RFC 6960 4.4.8', true],
    ['RFC 5280 4.1.2.5.2: fractions', 'RFC 5280 4.1.2.5', true],
    ['RFC 5280 4.2.1.10 in a leaf', 'RFC 5280 4.2.1.1', false],
    ['RFC 5280 14.1.2', 'RFC 5280 4.1.2', false],
    ['RFC 6960 4.2.1', 'RFC 5280 4.2.1', false],
  ])('%s carries %s: %s', (words, clause, is) => {
    expect(carries(words, clause)).toBe(is);
  });
});
