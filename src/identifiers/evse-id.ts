import { type Alphabet, textProblem } from './alphabet.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Identifier of a power outlet (ISO 15118-2 annex H.2), e.g. `DE*ICE*E45B*78C`. */
export interface EvseId {
  readonly country: string;
  /** Three letters or digits: the charge point operator within its country. */
  readonly operator: string;
  /** What follows the `E`, with the asterisks that it was written with, upper case. */
  readonly outlet: string;
  /** Upper case without asterisks: the form to compare, since asterisks carry no meaning. */
  readonly normal: string;
  /** Upper case with an asterisk behind country and operator: the form to show. */
  readonly display: string;
}

const what = 'An EVSEID';
const alphabet: Alphabet = {
  text: /^[A-Za-z0-9*]*$/,
  description: "ASCII letters, digits and '*'",
};
const form = /^([A-Z]{2})\*?([A-Z0-9]{3})\*?E([A-Z0-9*]{1,30})$/;
const outletForm = /^[A-Z0-9]+(?:\*[A-Z0-9]+)*$/;

/**
 * Reads an EVSEID in any case; the asterisks behind country and operator are optional, the outlet
 * has 1 to 30 characters and may be parted by single asterisks. The form of DIN SPEC 91286 that
 * begins with a telephone code (`+49*...`) is refused: it cannot be mapped to a country code.
 */
export const parseEvseId = (text: string): Parsed<EvseId> => {
  const problem = textProblem(text, what, { min: 7, max: 38 }, alphabet);
  if (problem !== undefined) return unparsed(problem);
  const [, country, operator, outlet] = form.exec(text.toUpperCase()) ?? [];
  if (country === undefined || operator === undefined || outlet === undefined) {
    return unparsed(
      `${what} is a country (2 letters), operator (3 characters), 'E' and an outlet of 1 to 30 characters, as in DE*ICE*E45B*78C`,
    );
  }
  if (!outletForm.test(outlet)) {
    return unparsed(`The outlet of an EVSEID has single '*' only between characters`);
  }
  return parsed({
    country,
    operator,
    outlet,
    normal: `${country}${operator}E${outlet.replaceAll('*', '')}`,
    display: `${country}*${operator}*E${outlet}`,
  });
};
