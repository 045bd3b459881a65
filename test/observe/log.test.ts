import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogLevel } from '../../src/observe/log.ts';
import { capture, lineOf } from '../support/captured-log.ts';

describe('a line', () => {
  test('is one JSON object with time, level, event and fields', () => {
    const { lines, logger } = capture();
    logger.info('listening', { door: 'public', port: 8180 });
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    const { time, ...rest } = JSON.parse(lines[0] ?? '');
    expect(rest).toEqual({ level: 'info', event: 'listening', door: 'public', port: 8180 });
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test.each(['debug', 'info', 'warn', 'error'] as const)('has the level %s', (level) => {
    expect(lineOf((logger) => logger[level]('x'), 'debug').level).toBe(level);
  });

  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('at level %s is written for %j', (level, written) => {
    const { lines, logger } = capture(level);
    for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each]('x');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(written);
  });

  test('carries the fields of its children, where the call wins', () => {
    const { lines, logger } = capture();
    logger
      .child({ requestId: 'a', door: 'api' })
      .child({ door: 'est' })
      .info('x', { requestId: 'b' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ requestId: 'b', door: 'est' });
    expect(lines[0]?.match(/requestId/g)).toHaveLength(1);
  });

  test('keeps its own names when fields have them too', () => {
    expect(lineOf((l) => l.info('x', { event: 'y', level: 'error', time: 1 }))).toMatchObject({
      event: 'x',
      level: 'info',
      event_: 'y',
      level_: 'error',
      time_: 1,
    });
  });

  test('stays one line, whatever text it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const { lines, logger } = capture();
        logger.info('x', { [name]: value });
        expect(lines).toHaveLength(1);
        expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1);
        expect(JSON.parse(lines[0] ?? '').event).toBe('x');
      }),
      { numRuns: 100 },
    );
  });
});

describe('errors', () => {
  const coded = Object.assign(new Error('taken'), { code: 'EADDRINUSE', detail: 'not shown' });

  test('are name, code and message', () => {
    expect(lineOf((logger) => logger.warn('x', { error: coded })).error).toEqual({
      name: 'Error',
      code: 'EADDRINUSE',
      message: 'taken',
    });
  });

  test.each<[LogLevel, LogLevel, string, Error, boolean]>([
    ['info', 'error', 'without a code', new TypeError('x is not a function'), true],
    [
      'info',
      'error',
      'with a code of Node for wrong calls',
      Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
      true,
    ],
    ['info', 'error', 'with a code', coded, false],
    ['info', 'warn', 'without a code', new TypeError('x'), false],
    ['debug', 'warn', 'without a code', new TypeError('x'), true],
    ['debug', 'error', 'with a code', coded, true],
  ])('logging %s, on the level %s, %s', (level, on, _name, error, stack) => {
    const line = lineOf((logger) => logger[on]('x', { error }), level);
    expect(Object.hasOwn(line.error as object, 'stack')).toBe(stack);
  });

  test('show their causes and parts', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const error = new AggregateError([cause], 'all failed', { cause });
    const part = { name: 'Error', code: 'ECONNREFUSED', message: 'refused' };
    expect(lineOf((logger) => logger.warn('x', { error })).error).toEqual({
      name: 'AggregateError',
      message: 'all failed',
      cause: part,
      errors: [part],
    });
  });
});

test('on the standard output, lines before an exit are all there and in order', () => {
  const log = JSON.stringify(new URL('../../src/observe/log.ts', import.meta.url).href);
  const program = `
    import { scrypt } from 'node:crypto';
    import { createLogger } from ${log};
    scrypt('', '', 32, { N: 2 ** 14 }, () => {}); // holds the only thread of the pool
    const logger = createLogger({ level: 'info', format: 'auto' });
    for (let count = 0; count < 20; count++) logger.info('line', { count });
    process.exit(0);
  `;
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const options = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const lines = execFileSync(process.execPath, options, { encoding: 'utf8', env })
    .trim()
    .split('\n');
  expect(lines.map((line) => JSON.parse(line).count)).toEqual(Array.from(Array(20).keys()));
}, 20_000);
