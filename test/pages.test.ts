/**
 * The pages that people type from, one after the other on one service: what one of them settles is
 * not in the way of the next.
 */

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRepositoryFile } from './support/repository.ts';

const root = new URL('..', import.meta.url);
const pages = ['.', 'docs', 'docs/clients'].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
    .map((name) => `${folder}/${name}`),
);

/** Country and operator of the EVSE ids of a page. */
const operatorsIn = (text: string): string[] =>
  [...text.matchAll(/\b([A-Z]{2})\*([A-Z0-9]{3})\*E[\w*]*/g)].map(
    ([, country, operator]) => `${country}${operator}`,
  );

test('every EVSE id is of an operator that the pages give to the demo’s charge point operator', () => {
  const texts = pages.map((page) => [page, readRepositoryFile(page)] as const);
  // An organization that has operators has ids of no others, and each call names all of them.
  const calls = texts.flatMap(([, text]) =>
    [...text.matchAll(/organization change demo-cpo --operator ((?:[A-Z]{2}[A-Z0-9]{3} ?)+)/g)].map(
      ([, operators = '']) => operators.trim().split(' '),
    ),
  );
  expect(calls).not.toEqual([]);
  const foreign = texts.flatMap(([page, text]) =>
    operatorsIn(text)
      .filter((operator) => calls.some((operators) => !operators.includes(operator)))
      .map((operator) => `${page}: ${operator}`),
  );
  expect(foreign).toEqual([]);
  expect(texts.filter(([, text]) => operatorsIn(text).length > 0).length).toBeGreaterThan(2);
});

test('no page writes a secret into the file of another: a file that exists is left alone', () => {
  const written = pages.flatMap((page) =>
    [...readRepositoryFile(page).matchAll(/--secret-file ([a-z][\w.-]+)/g)].map(
      ([, file = '']) => [file, page] as const,
    ),
  );
  expect(written.length).toBeGreaterThan(3);
  const twice = written.filter(([file, page]) =>
    written.some(([other, elsewhere]) => other === file && elsewhere !== page),
  );
  expect(twice).toEqual([]);
});
