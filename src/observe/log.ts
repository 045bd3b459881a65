/** The log: one line per event, JSON for machines, readable on a terminal, never with a secret. */

import picocolors from 'picocolors';
import { destination, pino, stdTimeFunctions } from 'pino';
import type { LogFields, Logger } from '../services/logger.ts';
import { readableLines } from './readable-lines.ts';
import { presentable, presentableText } from './redaction.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'auto' | 'json' | 'pretty';

/** Where lines go, each with its newline. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(line: string): unknown;
}

/**
 * Creates the log of the process.
 * @param level the least important level that is written
 * @param format `auto` is pretty on a terminal and JSON otherwise
 * @param stream the standard output if not given
 */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly stream?: LogStream;
}): Logger {
  const { level, format, stream } = options;
  const onTerminal = (stream ?? process.stdout).isTTY === true;
  // Synchronous: the last lines before an exit matter most, and the order of lines is theirs.
  const out = stream ?? destination({ dest: 1, sync: true });
  const pretty = format === 'pretty' || (format === 'auto' && onTerminal);
  const readable = readableLines(onTerminal && picocolors.isColorSupported);
  const writer = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty ? { write: (line: string) => out.write(readable(JSON.parse(line))) } : out,
  );
  return withFields(writer, {});
}

/** As much of pino as is used: it writes what it is given, already without secrets. */
type Writer = Record<LogLevel, (line: object) => void> & { isLevelEnabled(level: string): boolean };

// The fields of a child are kept here instead of in a child of pino's: there, a field that both
// the child and the call have would be in the line twice.
function withFields(writer: Writer, bound: LogFields): Logger {
  const write = (level: LogLevel, event: string, fields: LogFields): void => {
    if (!writer.isLevelEnabled(level)) return;
    writer[level](lineOf(event, { ...bound, ...fields }, stackRule(writer, level)));
  };
  return {
    debug: (event, fields = {}) => write('debug', event, fields),
    info: (event, fields = {}) => write('info', event, fields),
    warn: (event, fields = {}) => write('warn', event, fields),
    error: (event, fields = {}) => write('error', event, fields),
    child: (fields) => withFields(writer, { ...bound, ...fields }),
  };
}

const ownNames: ReadonlySet<string> = new Set(['time', 'level', 'event']);

function lineOf(
  event: string,
  fields: LogFields,
  withStack: (error: Error) => boolean,
): Record<string, unknown> {
  const head = { event: presentableText(event) };
  try {
    const shown = Object.entries(presentable(fields, withStack)).map(
      ([name, value]) => [ownNames.has(name) ? `${name}_` : name, value] as const,
    );
    return { ...head, ...Object.fromEntries(shown) };
  } catch (error) {
    // A getter that throws, for example. The event is worth more than its fields.
    return { ...head, unloggable: error instanceof Error ? error.name : 'thrown' };
  }
}

/**
 * A stack is for errors that nobody expected: those on the level `error` without a code of their
 * own. Node's ERR_ codes are mistakes of the caller, so of this program. At debug level all have it.
 */
function stackRule(writer: Writer, level: LogLevel): (error: Error) => boolean {
  if (writer.isLevelEnabled('debug')) return () => true;
  if (level !== 'error') return () => false;
  return (error) => {
    const { code } = error as Error & { code?: unknown };
    return code === undefined || (typeof code === 'string' && code.startsWith('ERR_'));
  };
}
