/** docs/cli.md against the command itself. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { exitStatus } from '../../src/cli/failure.ts';
import { buildProgram } from '../../src/cli/run.ts';
import { errorCodes } from '../../src/services/errors.ts';
import { captureIo } from '../support/cli.ts';

const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

/** Exit status to error codes, as the table of the page has them. */
const documented = new Map(
  [...text.matchAll(/^\| (\d+) \|[^|]*\|([^|]*)\|$/gm)].map(([, exit, codes = '']) => [
    Number(exit),
    [...codes.matchAll(/`([\w-]+)`/g)].map(([, code]) => code),
  ]),
);

describe('exit statuses', () => {
  test('the page has every status and no other', () => {
    const real = [
      ...Object.values(exitStatus),
      ...Object.values(errorCodes).map(({ exit }) => exit),
    ];
    expect([...documented.keys()]).toEqual([...new Set(real)].sort((a, b) => a - b));
  });

  test.each([...new Set(Object.values(errorCodes).map(({ exit }) => exit))])(
    'status %i has its codes on the page',
    (status) => {
      const codes = Object.entries(errorCodes)
        .filter(([, { exit }]) => exit === status)
        .map(([code]) => code);
      expect(documented.get(status)?.toSorted()).toEqual(codes.sort());
    },
  );
});

/** `evpki cert issue` and the like, with the part of the page that is about it. */
function commands(command: Command, words: string): { words: string; command: Command }[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((sub) => commands(sub, `${words} ${sub.name()}`));
}

const sectionOf = (words: string): string => {
  const heading = words === 'evpki login' ? '## Logging in' : `### \`${words}`;
  const [, after = ''] = text.split(`\n${heading}`);
  return after.split(/\n##/)[0] ?? '';
};

const all = commands(buildProgram(captureIo().io), 'evpki');

describe('the page', () => {
  test('is about every command', () => {
    expect(all.map(({ words }) => words)).toContain('evpki cert issue');
    expect(all.filter(({ words }) => sectionOf(words) === '')).toEqual([]);
  });

  test.each(all)('$words: its options are those of the page', ({ words, command }) => {
    const flags = command.options.map(({ long }) => long ?? '');
    const section = sectionOf(words);
    const described = [
      ...section.matchAll(/^\| `(--[\w-]+)/gm),
      ...section.matchAll(/(?:with|names|Takes|and) `(--[\w-]+)/g),
      ...section.matchAll(/`(--[\w-]+) <file>` names/g),
    ].map(([, flag]) => flag);
    expect([...new Set(described)].filter((flag) => !flags.includes(flag ?? ''))).toEqual([]);
    expect(flags.filter((flag) => !section.includes(`\`${flag}`))).toEqual([]);
  });
});
