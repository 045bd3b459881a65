/**
 * Writes what the documentation takes from the code: docs/errors.md, and the table of settings
 * between the markers in README.md. A test compares both with what this would write.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { configTable } from '../src/config/show.ts';
import { errorTables } from '../src/services/error-tables.ts';

const root = new URL('../', import.meta.url);
const readme = new URL('README.md', root);

const BEGIN = '<!-- configuration -->';
const END = '<!-- /configuration -->';

/**
 * A README with the table of settings as the code has it.
 * @throws Error when the markers are missing, doubled or the wrong way round
 */
export function withConfigTable(text: string): string {
  const [before, between, after, ...more] = text.split(/<!-- \/?configuration -->/);
  const marked =
    before !== undefined &&
    between !== undefined &&
    after !== undefined &&
    more.length === 0 &&
    text.startsWith(BEGIN, before.length) &&
    text.endsWith(`${END}${after}`);
  if (!marked) throw new Error(`README.md needs ${BEGIN} and then ${END}, once each`);
  return `${before}${BEGIN}\n\n${configTable()}\n\n${END}${after}`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('docs/errors.md', root), errorTables());
  writeFileSync(readme, withConfigTable(readFileSync(readme, 'utf8')));
}
