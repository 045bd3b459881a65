import { lettersDigitsAndHyphen, textProblem } from './alphabet.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/**
 * Contract identifier of DIN SPEC 91286, the older sister of the EMAID: two letters of a country,
 * three characters of the provider, six of the instance and a check digit 0-9 or X.
 *
 * There is deliberately no conversion to an EMAID. Two are in use (an instance of `00` or of `C0`,
 * then the six characters and this check digit), and nothing in the text says which of them a
 * provider took.
 */
export interface Evcoid {
  readonly country: string;
  readonly provider: string;
  readonly instance: string;
  readonly checkDigit: string;
  /** Upper case without hyphens, 12 characters. */
  readonly normal: string;
}

const what = 'An EVCOID';
const form = /^([A-Z]{2})-?([A-Z0-9]{3})-?([A-Z0-9]{6})-?([0-9X])$/;

/**
 * Reads an EVCOID in any case, with or without hyphens between its parts. The check digit is
 * part of the identifier: without it, or with a wrong one, the text is refused.
 */
export const parseEvcoid = (text: string): Parsed<Evcoid> => {
  const problem = textProblem(text, what, { min: 12, max: 15 }, lettersDigitsAndHyphen);
  if (problem !== undefined) return unparsed(problem);
  const [, country, provider, instance, checkDigit] = form.exec(text.toUpperCase()) ?? [];
  if (
    country === undefined ||
    provider === undefined ||
    instance === undefined ||
    checkDigit === undefined
  ) {
    return unparsed(
      `${what} is a country (2 letters), provider (3), instance (6) and check digit (0-9 or X), with hyphens only between them`,
    );
  }
  const first11 = country + provider + instance;
  const expected = evcoidCheckDigit(first11);
  if (checkDigit !== expected) {
    return unparsed(`The check digit of EVCOID ${first11} is ${expected}, not ${checkDigit}`);
  }
  return parsed({ country, provider, instance, checkDigit, normal: first11 + checkDigit });
};

/**
 * The check digit of DIN SPEC 91286 for the 11 characters before it (upper-case letters and
 * digits); throws RangeError for anything else. The values of the characters (A = 10 .. Z = 35)
 * are written one after the other in decimal, the digits weighted with 1, 2, 4, 8 and so on; the
 * sum modulo 11 is the check digit, 10 written as X. It shows any change of one digit into
 * another, but not every change of a letter.
 */
export const evcoidCheckDigit = (first11: string): string => {
  if (!/^[A-Z0-9]{11}$/.test(first11)) {
    throw new RangeError('An EVCOID check digit is made from 11 upper-case letters and digits');
  }
  let weight = 1;
  let sum = 0;
  for (const character of first11) {
    for (const digit of Number.parseInt(character, 36).toString()) {
      sum += Number(digit) * weight;
      weight *= 2;
    }
  }
  const remainder = sum % 11;
  return remainder === 10 ? 'X' : remainder.toString();
};
