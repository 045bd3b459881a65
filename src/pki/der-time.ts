/** The two types of time in DER, in the forms that RFC 5280 prescribes. */

import { type DerElement, DerError, hexOctet, tags } from './der-element.ts';

/** The time in a UTCTime or GeneralizedTime element (RFC 5280 4.1.2.5.1, 4.1.2.5.2). */
export function timeOf(element: DerElement): Date {
  const { tag, offset } = element;
  if (tag === tags.utcTime) return parseTime(element, 2);
  if (tag !== tags.generalizedTime) {
    throw new DerError(`tag 0x${hexOctet(tag)} stands where a time is expected`, offset);
  }
  const time = parseTime(element, 4);
  if (time.getUTCFullYear() < 2050) {
    throw new DerError('a time before 2050 is written as GeneralizedTime', offset);
  }
  return time;
}

/** The time in an element, whose tag the caller has seen: the year, ten more digits, and a Z. */
export function parseTime(element: DerElement, yearDigits: 2 | 4): Date {
  const { input, contentOffset, end, offset } = element;
  if (end - contentOffset !== yearDigits + 11 || input[end - 1] !== Z) throw malformed(offset);
  const twoDigits = (before: number): number => {
    const tens = (input[end - before] as number) - ZERO;
    const ones = (input[end - before + 1] as number) - ZERO;
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw malformed(offset);
    return 10 * tens + ones;
  };
  const year = twoDigits(13);
  // RFC 5280 4.1.2.5.1: two-digit years from 50 are of the twentieth century.
  const century = yearDigits === 4 ? twoDigits(15) : year >= 50 ? 19 : 20;
  const fullYear = 100 * century + year;
  const month = twoDigits(11);
  const day = twoDigits(9);
  const hour = twoDigits(7);
  const minute = twoDigits(5);
  const second = twoDigits(3);
  const time = new Date(0);
  time.setUTCFullYear(fullYear, month - 1, day);
  time.setUTCHours(hour, minute, second, 0);
  const exists =
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!exists) throw new DerError('a time that no calendar or clock shows', offset);
  return time;
}

const ZERO = 0x30;
const Z = 0x5a;

const malformed = (offset: number): DerError =>
  new DerError('a time is not written in whole seconds and UTC', offset);
