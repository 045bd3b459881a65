import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/pki/durations.ts';

const day = 86_400_000;

describe('durations of declarations', () => {
  test.each([
    ['P90D', 90 * day],
    ['P4W', 28 * day],
    ['P1Y', 365 * day],
    ['P40Y', 14_600 * day],
    ['PT1H', 3_600_000],
    ['PT90M', 5_400_000],
    ['PT24H', day],
    ['PT0S', 0],
    ['P1DT12H', 1.5 * day],
    ['P1Y2W3DT4H5M6S', (365 + 14 + 3) * day + 14_706_000],
    ['P100Y', 36_500 * day],
  ])('%s', (text, milliseconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: milliseconds });
  });

  test.each([
    '',
    'P',
    'PT',
    'P1DT',
    '90D',
    'P90',
    'P-1D',
    '-P1D',
    'P1.5D',
    'p90d',
    'P1D1Y',
    'P1H',
    'PT1D',
    ' P1D',
    'P1D ',
    'P1D\n',
    'P٣D',
  ])('refuses %j', (text) => {
    const result = parseDuration(text);
    expect(result.ok).toBe(false);
    expect(!result.ok && result.reason).toContain('is not a duration');
  });

  test.each(['P3M', 'P1Y6M', 'P1M2D'])('refuses months: %s', (text) => {
    const result = parseDuration(text);
    expect(!result.ok && result.reason).toContain('write days');
  });

  test.each(['P101Y', `P${'9'.repeat(400)}D`])('refuses more than a century: %.12s', (text) => {
    const result = parseDuration(text);
    expect(!result.ok && result.reason).toContain('over 100 years');
  });

  test('units add up', () => {
    const unit = fc.nat(99);
    fc.assert(
      fc.property(unit, unit, unit, unit, (days, hours, minutes, seconds) => {
        const value = days * day + hours * 3_600_000 + minutes * 60_000 + seconds * 1000;
        const text = `P${days}DT${hours}H${minutes}M${seconds}S`;
        expect(parseDuration(text)).toEqual({ ok: true, value });
      }),
    );
  });
});
