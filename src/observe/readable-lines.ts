/** A log line for people at a terminal. */

import { createColors } from 'picocolors';

/** One line of the log, read back from JSON. */
type Line = Readonly<Record<string, unknown>>;

// Values come from outside too: what would move the cursor or forge a line is written out.
const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const escaped = (text: string): string =>
  text.replace(
    control,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Makes lines such as `10:00:00.000 info  listening  door=public url=http://...`, UTC. */
export function readableLines(colored: boolean): (line: Line) => string {
  const colors = createColors(colored);
  const levels = new Map([
    ['debug', colors.dim('debug')],
    ['info', colors.green('info ')],
    ['warn', colors.yellow('warn ')],
    ['error', colors.red('error')],
  ]);

  return ({ time, level, event, ...fields }) => {
    const stacks: string[] = [];
    const shown = Object.entries(fields).map(([name, value]) => {
      const stack = stackOf(value);
      if (stack !== undefined) stacks.push(...stack.split('\n').slice(1));
      const text =
        typeof value === 'string' ? quotedIfNeeded(value) : JSON.stringify(value, withoutStack);
      return `${colors.dim(`${escaped(name)}=`)}${escaped(text)}`;
    });
    const clock = colors.dim(String(time).slice(11, 23));
    const head = `${clock} ${levels.get(String(level)) ?? level}  ${colors.bold(escaped(String(event)))}`;
    const first = [head, shown.join(' ')].filter((part) => part !== '').join('  ');
    return [first, ...stacks.map((frame) => `    ${escaped(frame.trim())}`), ''].join('\n');
  };
}

const quotedIfNeeded = (text: string): string =>
  /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);

function stackOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('stack' in value)) return undefined;
  return typeof value.stack === 'string' ? value.stack : undefined;
}

const withoutStack = (name: string, value: unknown): unknown =>
  name === 'stack' ? undefined : value;
