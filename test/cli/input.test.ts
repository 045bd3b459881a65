import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { askSecret, readTime } from '../../src/cli/input.ts';
import { captureIo } from '../support/cli.ts';

describe('a time', () => {
  test.each([
    ['2027-01-31', '2027-01-31T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2027-01-31T12:00:00Z', '2027-01-31T12:00:00.000Z'],
    ['2027-01-31t12:00:00z', '2027-01-31T12:00:00.000Z'],
    ['2027-01-31T12:00:00.5+02:00', '2027-01-31T10:00:00.500Z'],
  ])('%s', (text, time) => expect(readTime(text)).toBe(time));

  test.each([
    ['', 'nothing'],
    ['2027-02-29', 'a day that does not exist'],
    ['2027-02-30T00:00:00Z', 'a day that does not exist, with a time'],
    ['2027-13-01', 'a month that does not exist'],
    ['2027-01-31T12:00:00', 'no zone: whose noon?'],
    ['2027-01-31T25:00:00Z', 'an hour that does not exist'],
    ['31.01.2027', 'another form'],
    ['in 3 days', 'words'],
  ])('%s is none: %s', (text) => expect(readTime(text)).toBeUndefined());
});

describe('a secret at the terminal', () => {
  const terminal = () => Object.assign(new PassThrough(), { isTTY: true });

  test('is asked for and never shown', async () => {
    const stdin = terminal();
    const captured = captureIo();
    const answer = askSecret({ ...captured.io, stdin }, 'Secret');
    stdin.write('evpki_sec_x\n');
    expect(await answer).toBe('evpki_sec_x');
    expect(captured.stderr()).toBe('Secret: \n');
    expect(captured.stdout()).toBe('');
  });

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
    ['an empty line', '\n'],
  ])('%s gives none', async (_name, typed) => {
    const stdin = terminal();
    const answer = askSecret({ ...captureIo().io, stdin }, 'Secret');
    stdin.write(typed);
    expect(await answer).toBeUndefined();
  });

  test('is not asked for where nobody sits', async () => {
    const captured = captureIo({ stdin: 'x\n' });
    expect(await askSecret(captured.io, 'Secret')).toBeUndefined();
    expect(captured.stderr()).toBe('');
  });
});
