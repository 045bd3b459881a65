import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evcoidCheckDigit, parseEvcoid } from '../../src/identifiers/evcoid.ts';
import { readVector } from '../support/vectors.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

describe('EVCOID of DIN SPEC 91286', () => {
  const published: [string, string][] = Object.entries(
    readVector('emaid-check-digits').din91286_published,
  );
  test.each(published)('published: %s has the check digit %s', (first11, checkDigit) => {
    expect(evcoidCheckDigit(first11)).toBe(checkDigit);
  });

  test('has parts and a normal form', () => {
    const expected = {
      country: 'IN',
      provider: 'TNM',
      instance: '000110',
      checkDigit: 'X',
      normal: 'INTNM000110X',
    };
    for (const text of ['in-tnm-000110-x', 'INTNM000110X', 'IN-TNM000110X']) {
      expect(accepted(parseEvcoid(text))).toEqual(expected);
    }
  });

  test.each([
    ['no check digit', 'NL-TNM-012204', /hyphens only between/],
    ['no check digit and no hyphens', 'NLTNM012204', /at least 12/],
    ['a wrong check digit', 'NL-TNM-012204-6', /NLTNM012204 is 5, not 6/],
    ['X instead of a digit', 'NL-TNM-012204-X', /is 5, not X/],
    ['a letter other than X as check digit', 'NL-TNM-012204-Y', /0-9 or X/],
    ['asterisks', 'NL*TNM*012204*5', /character 3 is '\*'/],
    ['a misplaced hyphen', 'NL-TNM-0122-045', /hyphens only between/],
    ['an EMAID', 'NL-TNM-000122045-U', /at most 15/],
    ['a country with a digit', 'N1-TNM-012204-5', /country \(2 letters\)/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseEvcoid(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseEvcoid, 'NL-TNM-012204-5');
  });

  test('every change of one digit into another changes the check digit', () => {
    const digits = '0123456789';
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z]{2}[A-Z0-9]{3}\d{6}$/), fc.nat(5), (first11, nth) => {
        const i = 5 + nth;
        const checkDigits = [...digits].map((digit) =>
          evcoidCheckDigit(first11.slice(0, i) + digit + first11.slice(i + 1)),
        );
        expect(new Set(checkDigits).size).toBe(10);
      }),
    );
  });

  test.each(['', 'NLTNM01220', 'NLTNM0122045', 'nltnm012204'])(
    'check digit of "%s" throws',
    (text) => {
      expect(() => evcoidCheckDigit(text)).toThrow(RangeError);
    },
  );
});
