import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emaidCheckDigit, parseEmaid, sameEmaid } from '../../src/identifiers/emaid.ts';
import { readVector } from '../support/vectors.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

const characters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const letters = characters.slice(10);

const arbitraryFirst14 = fc
  .tuple(
    fc.array(fc.constantFrom(...letters), { minLength: 2, maxLength: 2 }),
    fc.array(fc.constantFrom(...characters), { minLength: 12, maxLength: 12 }),
  )
  .map(([country, rest]) => [...country, ...rest].join(''));

/** Check digits published in eMI3 part 2, in the OCHP paper and by implementers. */
const published: [string, string][] = Object.entries(
  readVector('emaid-check-digits').iso_published,
);

type Matrix = readonly [readonly [number, number], readonly [number, number]];

/** The defining equation of the check digit, with powers of the matrices and no shortcut. */
const isCodeWord = (text15: string): boolean => {
  const sum = (modulus: number, p: Matrix, digits: (value: number) => [number, number]) => {
    let power: Matrix = p;
    let [a, b] = [0, 0];
    for (const character of text15) {
      const [x, y] = digits(characters.indexOf(character));
      a = (a + x * power[0][0] + y * power[1][0]) % modulus;
      b = (b + x * power[0][1] + y * power[1][1]) % modulus;
      const row = ([u, v]: readonly [number, number]): [number, number] => [
        (u * p[0][0] + v * p[1][0]) % modulus,
        (u * p[0][1] + v * p[1][1]) % modulus,
      ];
      power = [row(power[0]), row(power[1])];
    }
    return a === 0 && b === 0;
  };
  const bits = (value: number): [number, number] => [
    Math.floor(value / 18),
    Math.floor(value / 9) % 2,
  ];
  const trits = (value: number): [number, number] => [Math.floor((value % 9) / 3), value % 3];
  return (
    sum(
      2,
      [
        [0, 1],
        [1, 1],
      ],
      bits,
    ) &&
    sum(
      3,
      [
        [0, 1],
        [1, 2],
      ],
      trits,
    )
  );
};

describe('EMAID check digit', () => {
  test.each(published)('published: %s has %s', (first14, checkDigit) => {
    expect(emaidCheckDigit(first14)).toBe(checkDigit);
  });

  test('is the one character of 36 that solves the defining equation', () => {
    fc.assert(
      fc.property(arbitraryFirst14, (first14) => {
        const solutions = [...characters].filter((last) => isCodeWord(first14 + last));
        expect(solutions).toEqual([emaidCheckDigit(first14)]);
      }),
    );
  });

  test('every change of a single character changes it', () => {
    fc.assert(
      fc.property(arbitraryFirst14, (first14) => {
        const checkDigit = emaidCheckDigit(first14);
        for (let i = 0; i < 14; i += 1) {
          for (const character of characters) {
            if (character === first14.charAt(i)) continue;
            const changed = first14.slice(0, i) + character + first14.slice(i + 1);
            expect(emaidCheckDigit(changed)).not.toBe(checkDigit);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ['neighbours', 1],
    ['characters one apart', 2],
  ])('every swap of two different %s changes it', (_name, distance) => {
    fc.assert(
      fc.property(arbitraryFirst14, fc.nat(13 - distance), (first14, i) => {
        const swapped = [...first14];
        swapped[i] = first14.charAt(i + distance);
        swapped[i + distance] = first14.charAt(i);
        fc.pre(swapped.join('') !== first14);
        expect(emaidCheckDigit(swapped.join(''))).not.toBe(emaidCheckDigit(first14));
      }),
    );
  });

  test('every change of a double character changes it', () => {
    const double = fc.constantFrom(...characters).map((c) => c + c);
    fc.assert(
      fc.property(arbitraryFirst14, fc.nat(12), double, double, (first14, i, one, other) => {
        fc.pre(one !== other);
        const withDouble = (pair: string) => first14.slice(0, i) + pair + first14.slice(i + 2);
        expect(emaidCheckDigit(withDouble(one))).not.toBe(emaidCheckDigit(withDouble(other)));
      }),
    );
  });

  test.each([
    ['13 characters', 'DE8AA00123456'],
    ['15 characters', 'DE8AA0012345670'],
    ['lower case', 'de8aa001234567'],
    ['a hyphen', 'DE-8AA00123456'],
    ['nothing', ''],
  ])('throws for %s', (_name, text) => {
    expect(() => emaidCheckDigit(text)).toThrow(RangeError);
  });
});

describe('EMAID', () => {
  test('has parts and a normal form', () => {
    expect(accepted(parseEmaid('nl-tnm-c00122045-k'))).toEqual({
      country: 'NL',
      provider: 'TNM',
      instance: 'C00122045',
      checkDigit: 'K',
      normal: 'NLTNMC00122045K',
      withoutCheckDigit: 'NLTNMC00122045',
    });
    expect(accepted(parseEmaid('NLTNM000122045'))).toEqual({
      country: 'NL',
      provider: 'TNM',
      instance: '000122045',
      normal: 'NLTNM000122045',
      withoutCheckDigit: 'NLTNM000122045',
    });
  });

  test.each([
    ['no hyphens', 'DE8AAC12345678'],
    ['all hyphens', 'DE-8AA-C12345678'],
    ['the first hyphen only', 'DE-8AAC12345678'],
    ['the second hyphen only', 'DE8AA-C12345678'],
    ['mixed case', 'dE8aAc12345678'],
  ])('with %s is the same contract', (_name, text) => {
    expect(accepted(parseEmaid(text)).normal).toBe('DE8AAC12345678');
  });

  test.each([
    ['an empty text', '', /empty/],
    ['13 characters', 'DE8AAC1234567', /at least 14/],
    ['13 characters and hyphens', 'DE-8AA-C1234567', /14 or 15 .* has 13/],
    ['16 characters', 'DE8AAC1234567890', /14 or 15 .* has 16/],
    ['19 characters', 'DE-8AA-C12345678--9', /at most 18/],
    ['a digit in the country', 'D18AAC12345678', /two letters of a country/],
    ['a hyphen within the country', 'D-E8AAC12345678', /hyphens only between/],
    ['a hyphen within the instance', 'DE8AAC123-45678', /hyphens only between/],
    ['a hyphen in front', '-DE8AAC12345678', /hyphens only between/],
    ['a hyphen at the end', 'DE8AAC12345678-', /hyphens only between/],
    ['a double hyphen', 'DE--8AAC12345678', /hyphens only between/],
    ['asterisks', 'DE*8AA*C12345678', /character 3 is '\*'/],
    ['a space in front', ' DE8AAC12345678', /character 1 is ' '/],
    ['a wrong check digit', 'NLTNM000122045V', /NLTNM000122045 is U, not V/],
    ['a wrong check digit behind a hyphen', 'NL-TNM-000122045-0', /is U, not 0/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseEmaid(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseEmaid, 'DE8AAC12345678');
  });

  test('the normal form of a normal form is itself, and exactly one check digit is accepted', () => {
    fc.assert(
      fc.property(arbitraryFirst14, (first14) => {
        expect(accepted(parseEmaid(first14)).normal).toBe(first14);
        const last = [...characters].filter((character) => parseEmaid(first14 + character).ok);
        expect(last).toEqual([emaidCheckDigit(first14)]);
        const full = accepted(parseEmaid(first14.toLowerCase() + last.join('')));
        expect(accepted(parseEmaid(full.normal))).toEqual(full);
      }),
    );
  });

  test.each([
    ['with and without check digit', 'NLTNM000122045U', 'NL-TNM-000122045', true],
    ['in another case', 'NLTNM000122045', 'nltnm000122045', true],
    ['of another instance', 'NLTNM000122045', 'NLTNM000122046', false],
    ['of another provider', 'NLTNM000122045', 'NLTNN000122045', false],
  ])('sameEmaid: %s', (_name, a, b, expected) => {
    expect(sameEmaid(accepted(parseEmaid(a)), accepted(parseEmaid(b)))).toBe(expected);
    expect(sameEmaid(accepted(parseEmaid(b)), accepted(parseEmaid(a)))).toBe(expected);
  });
});
