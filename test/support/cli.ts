/** Runs the `evpki` command in this process, with everything it reads and writes at hand. */

import { Readable } from 'node:stream';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run.ts';

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Makes standard input a terminal at which that is typed. */
  readonly typed?: true;
  /** Makes both outputs terminals of this width. */
  readonly columns?: number;
  readonly now?: Date;
}

export interface Captured {
  readonly io: Io;
  stdout(): string;
  stderr(): string;
}

export function captureIo(options: CliOptions = {}): Captured {
  const { env = {}, stdin = '', typed, columns, now } = options;
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: columns !== undefined,
    columns,
  });
  return {
    io: {
      stdin: Object.assign(Readable.from([Buffer.from(stdin)]), { isTTY: typed }),
      stdout: output('stdout'),
      stderr: output('stderr'),
      env,
      clock: () => now ?? new Date(),
    },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
  };
}

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function evpki(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const captured = captureIo(options);
  const status = await runCli(argv, captured.io);
  return { status, stdout: captured.stdout(), stderr: captured.stderr() };
}
