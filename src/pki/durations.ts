/** Durations as declarations write them: a fixed part of ISO 8601, turned into milliseconds. */

import { type Parsed, parsed, unparsed } from '../identifiers/parsed.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Longer than any certificate; keeps every sum of dates inside what a certificate can say. */
const longest = 100 * 365 * day;

const pattern =
  /^P(?=[0-9T])(?:(\d+)Y)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const lengths = [365 * day, 7 * day, day, hour, minute, second];

/**
 * Reads `P40Y`, `P4W`, `P90D`, `PT1H`, `P1DT12H`: years, weeks, days, hours, minutes and seconds,
 * whole numbers, in this order. Every unit has one length, so that a profile means the same number
 * of seconds on every day of the calendar: a year is 365 days. Months have no such length and are
 * refused. At most 100 years.
 */
export function parseDuration(text: string): Parsed<number> {
  if (/^P(?:\d+Y)?\d+M/.test(text)) {
    return unparsed(`"${text}" counts in months, which differ in length: write days, such as P90D`);
  }
  const match = pattern.exec(text);
  if (match === null) {
    return unparsed(`"${text}" is not a duration such as P90D, P2Y, PT1H or P1DT12H`);
  }
  const milliseconds = lengths.reduce(
    (sum, length, index) => sum + Number(match[index + 1] ?? '0') * length,
    0,
  );
  return milliseconds <= longest ? parsed(milliseconds) : unparsed(`"${text}" is over 100 years`);
}
