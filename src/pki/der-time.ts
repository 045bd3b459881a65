/** The two types of time in DER, in the forms that RFC 5280 prescribes. */

import { type DerElement, DerError, hexOctet, tags } from './der-element.ts';

/** The time in a UTCTime or GeneralizedTime element (RFC 5280 4.1.2.5.1, 4.1.2.5.2). */
export function timeOf({ tag, content, offset }: DerElement): Date {
  const text = latin1(content);
  if (tag === tags.utcTime) return parseTime(text, 2, offset);
  if (tag !== tags.generalizedTime) {
    throw new DerError(`tag 0x${hexOctet(tag)} stands where a time is expected`, offset);
  }
  const time = parseTime(text, 4, offset);
  if (time.getUTCFullYear() < 2050) {
    throw new DerError('a time before 2050 is written as GeneralizedTime', offset);
  }
  return time;
}

const utcTimeForm = /^\d{12}Z$/;
const generalizedTimeForm = /^\d{14}Z$/;

export function parseTime(text: string, yearDigits: 2 | 4, offset: number): Date {
  const expected = yearDigits === 2 ? utcTimeForm : generalizedTimeForm;
  if (!expected.test(text)) {
    throw new DerError('a time is not written in whole seconds and UTC', offset);
  }
  const field = (at: number) => Number(text.slice(at, at + 2));
  const year = Number(text.slice(0, yearDigits));
  // RFC 5280 4.1.2.5.1: two-digit years from 50 are of the twentieth century.
  const fullYear = yearDigits === 4 ? year : year >= 50 ? 1900 + year : 2000 + year;
  const month = field(yearDigits);
  const day = field(yearDigits + 2);
  const hour = field(yearDigits + 4);
  const minute = field(yearDigits + 6);
  const second = field(yearDigits + 8);
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

/** Content octets as text, a character for each; without a copy of them. */
export const latin1 = (content: Uint8Array): string =>
  Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
