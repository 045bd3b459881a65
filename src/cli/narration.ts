/** How what is played is told: step by step, each with the lines of a shell that do the same. */

import { colorsFor, type Io, printable } from './io.ts';

/** @param said a line or two, with a newline between them */
export type Tell = (said: string, lines: readonly string[]) => void;

/** The first thing told is the heading; the steps behind it are counted. */
export function narrator(io: Io): Tell {
  const colors = colorsFor(io, io.stdout);
  let number = 0;
  return (said, lines) => {
    const shown = lines.map((line) => {
      const text = line.split('\n').map(printable).join('\n     ');
      return `   ${colors.dim(`$ ${text}`)}\n`;
    });
    const text = said
      .split('\n')
      .map(printable)
      .join(number === 0 ? '\n' : '\n   ');
    const head = number === 0 ? text : `\n${number}. ${colors.green('✓')} ${text}`;
    io.stdout.write(`${head}\n${shown.join('')}`);
    number += 1;
  };
}
