import { describe, expect, test } from 'vitest';
import type { LogFormat, LogLevel } from '../../src/observe/log.ts';
import type { Logger } from '../../src/services/logger.ts';
import { capture } from '../support/captured-log.ts';

describe('the readable form', () => {
  const shown = (use: (logger: Logger) => void, level: LogLevel = 'info') => {
    const { lines, logger } = capture(level, 'pretty');
    use(logger);
    return lines.join('').replace(/^\d\d:\d\d:\d\d\.\d{3}/, 'TIME');
  };

  test('is one line of event and fields', () => {
    const text = shown((l) =>
      l.info('listening', { door: 'public', port: 80, note: 'two words', list: ['a'] }),
    );
    expect(text).toBe('TIME info   listening  door=public port=80 note="two words" list=["a"]\n');
  });

  test('needs no fields', () => {
    expect(shown((logger) => logger.warn('stopping'))).toBe('TIME warn   stopping\n');
  });

  test('puts a stack on lines of its own', () => {
    const [first, second] = shown((l) => l.error('failed', { error: new TypeError('no') })).split(
      '\n',
    );
    expect(first).toBe('TIME error  failed  error={"name":"TypeError","message":"no"}');
    expect(second).toMatch(/^ {4}at /);
  });

  test.each([
    ['a forged line', 'a\n10:00:00.000 info   forged'],
    ['a carriage return', 'a\rb'],
    ['a terminal sequence', '\u001b[2J'],
    ['a C1 sequence', '\u009b2J'],
    ['a change of direction', 'a\u202eb'],
  ])('writes out %s', (_name, value) => {
    const text = shown((l) => l.info('x', { value, [value]: 1, nested: { value } }));
    expect(text.split('\n')).toHaveLength(2);
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each<[LogFormat, boolean, boolean]>([
    ['auto', true, true],
    ['auto', false, false],
    ['json', true, false],
    ['pretty', false, true],
  ])('format %s, terminal %s: readable %s', (format, isTTY, readable) => {
    const { lines, logger } = capture('info', format, isTTY);
    logger.info('x');
    expect(lines[0]?.startsWith('{')).toBe(!readable);
  });
});
