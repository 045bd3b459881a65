/** What the command line reads from and writes to; tests hand in their own. */

import type { Readable } from 'node:stream';
import { createColors } from 'picocolors';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal, if it is one. */
  readonly columns?: number | undefined;
}

export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: () => Date;
}

/** Colors for a stream: none unless people read it, and none with NO_COLOR (no-color.org). */
export const colorsFor = ({ env }: Io, output: Output) =>
  createColors(output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb');

/** Says something beside the output, which may be on its way into another program. */
export const note = (io: Io, text: string): void => {
  io.stderr.write(`${text}\n`);
};

// Names come from certification requests, which anybody writes: what would move the cursor,
// color the terminal or turn text around is written out instead.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text that is safe to show on a terminal. */
export const printable = (text: string): string => text.replace(unprintable, escapeCharacter);

/** A value as indented JSON that is safe to show on a terminal, and equal to the value. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
    found.replace(/[\s\S]/g, (unit) => `\\u${hex(unit.charCodeAt(0))}`),
  );

const escapeCharacter = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${hex(code)}`;
};

const hex = (code: number): string => code.toString(16).padStart(4, '0');
