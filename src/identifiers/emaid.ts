import { lettersDigitsAndHyphen, textProblem } from './alphabet.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/**
 * E-mobility account identifier: names one charging contract (ISO 15118-2 annex H.1, eMI3 part 2).
 * Messages of ISO 15118-2 carry it as eMAIDType, 14 or 15 characters, so hyphens never fit there;
 * the common name of a contract certificate and the idToken of OCPP may have them. ISO 15118-20
 * and eMI3 give the first character of the instance a meaning, the id type `C` (contract);
 * ISO 15118-2 leaves all nine free, so the type is not enforced here.
 */
export interface Emaid {
  /** Two upper-case letters. */
  readonly country: string;
  /** Three letters or digits: the mobility operator within its country. */
  readonly provider: string;
  /** Nine letters or digits; in the form of ISO 15118-20 `C` and eight more. */
  readonly instance: string;
  /** Present if the text had one; then it is the right one. */
  readonly checkDigit?: string;
  /** Upper case without hyphens: 14 characters, or 15 with the check digit. */
  readonly normal: string;
  /** The 14 characters that identify the contract, the same with and without check digit. */
  readonly withoutCheckDigit: string;
}

const what = 'An EMAID';
const form = /^([A-Z]{2})-?([A-Z0-9]{3})-?([A-Z0-9]{9})(?:-?([A-Z0-9]))?$/;

/**
 * Reads an EMAID in any case, with or without the hyphens between its parts and with or without
 * its check digit. Refused are all other separators, characters outside ASCII and a check digit
 * that does not belong to the 14 characters before it.
 */
export const parseEmaid = (text: string): Parsed<Emaid> => {
  const problem = textProblem(text, what, { min: 14, max: 18 }, lettersDigitsAndHyphen);
  if (problem !== undefined) return unparsed(problem);
  const written = text.toUpperCase();
  const [, country, provider, instance, checkDigit] = form.exec(written) ?? [];
  if (country === undefined || provider === undefined || instance === undefined) {
    return unparsed(misshapen(written));
  }
  const withoutCheckDigit = country + provider + instance;
  if (checkDigit === undefined) {
    const normal = withoutCheckDigit;
    return parsed({ country, provider, instance, normal, withoutCheckDigit });
  }
  const expected = emaidCheckDigit(withoutCheckDigit);
  if (checkDigit !== expected) {
    return unparsed(
      `The check digit of EMAID ${withoutCheckDigit} is ${expected}, not ${checkDigit}`,
    );
  }
  const normal = withoutCheckDigit + checkDigit;
  return parsed({ country, provider, instance, checkDigit, normal, withoutCheckDigit });
};

const misshapen = (written: string): string => {
  const bare = written.replaceAll('-', '');
  if (bare.length !== 14 && bare.length !== 15) {
    return `${what} has 14 or 15 letters and digits, this one has ${bare.length}`;
  }
  if (!/^[A-Z]{2}/.test(bare)) return `${what} begins with the two letters of a country`;
  return `${what} has hyphens only between country, provider, instance and check digit`;
};

/**
 * The check digit that belongs to the 14 characters of an EMAID (eMI3 part 2, ISO 15118-2
 * annex H.1; a Chen-Niemenmaa-Vinck code). In: 14 letters (upper case) and digits. Out: one of
 * the same 36 characters. Throws RangeError for anything else.
 *
 * It is defined so: a character of value v (0-9, A = 10 .. Z = 35) becomes two bits (v div 9) and
 * two base-3 digits (v mod 9), as row vectors. Over all 15 positions i the sum of bits * P^i is
 * zero mod 2 with P = (0 1; 1 1), the sum of base-3 digits * P^i is zero mod 3 with P = (0 1; 1 2).
 * Multiplied by P^-15 the sum can be taken from the left, one step of P^-1 per character, and the
 * inverse of either matrix is (1 1; 1 0): (a, b) -> (a + b, a). Since every P^i, I - P, I - P^2
 * and I + P can be inverted, every change of one character, every swap of two that are
 * neighbours or one apart, and every change of a double (AA to BB) shows.
 */
export const emaidCheckDigit = (first14: string): string => {
  if (!/^[A-Z0-9]{14}$/.test(first14)) {
    throw new RangeError('An EMAID check digit is made from 14 upper-case letters and digits');
  }
  let [bitA, bitB, tritA, tritB] = [0, 0, 0, 0];
  for (const character of first14) {
    const value = Number.parseInt(character, 36);
    const bits = Math.floor(value / 9);
    const trits = value % 9;
    [bitA, bitB] = [(bitA + bitB + Math.floor(bits / 2)) % 2, (bitA + bits) % 2];
    [tritA, tritB] = [(tritA + tritB + Math.floor(trits / 3)) % 3, (tritA + trits) % 3];
  }
  // The check digit is what brings one more step to zero: the negative of (a + b, a).
  const bits = 2 * ((bitA + bitB) % 2) + bitA;
  const trits = 3 * ((6 - tritA - tritB) % 3) + ((3 - tritA) % 3);
  return (9 * bits + trits).toString(36).toUpperCase();
};

/** Whether two EMAIDs name the same contract; a missing check digit equals a present one. */
export const sameEmaid = (a: Emaid, b: Emaid): boolean =>
  a.withoutCheckDigit === b.withoutCheckDigit;
