import { expect } from 'vitest';
import { createLogger, type LogFormat, type LogLevel } from '../../src/observe/log.ts';
import type { Logger } from '../../src/services/logger.ts';

/** A logger, and the lines that it wrote. */
export function capture(level: LogLevel = 'info', format: LogFormat = 'json', isTTY = false) {
  const lines: string[] = [];
  const stream = { isTTY, write: (line: string) => lines.push(line) };
  return { lines, logger: createLogger({ level, format, stream }) };
}

/** The one line that the calls wrote, as it reads back. */
export function lineOf(
  use: (logger: Logger) => void,
  level: LogLevel = 'info',
): Record<string, unknown> {
  const { lines, logger } = capture(level);
  use(logger);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}
