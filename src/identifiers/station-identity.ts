import { type Alphabet, printableAscii, textProblem } from './alphabet.ts';
import { networkLookalike } from './network-lookalike.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

const identityAlphabet: Alphabet = {
  text: /^[A-Za-z0-9*_=+|@.-]*$/,
  description: "ASCII letters, digits and '*', '-', '_', '=', '+', '|', '@', '.'",
};

/**
 * Reads the identity of a charging station: the last segment of its connection URL (percent
 * decoded) and its user name in HTTP Basic authentication. 1 to 48 characters of the OCPP 2.0.1
 * identifierString without `:`, which ends the user name in Basic (RFC 7617 2). `.` and `..` are
 * refused because URL software removes them from a path (RFC 3986 5.2.4). Case is kept.
 */
export const parseStationIdentity = (text: string): Parsed<string> => {
  const problem = textProblem(text, 'A station identity', { min: 1, max: 48 }, identityAlphabet);
  if (problem !== undefined) return unparsed(problem);
  return text === '.' || text === '..'
    ? unparsed(`A station identity must not be '${text}', which has a meaning in a URL path`)
    : parsed(text);
};

/**
 * Reads the serial number of a charging station as the common name of its certificate carries it
 * (OCPP 2.0.1 A00.FR.405): 1 to 64 printable ASCII characters. OCPP messages have room for 25,
 * but stations are free in what they sign with and `S/N0123456789` is a real one. Refused are
 * spaces at either end or in a row, which name comparison folds (RFC 5280 7.1) so that two
 * serial numbers would be one, and what looks like a URL, host name or IP address
 * (A00.FR.511). Case is kept.
 */
export const parseStationSerialNumber = (text: string): Parsed<string> => {
  const what = 'A station serial number';
  const problem = textProblem(text, what, { min: 1, max: 64 }, printableAscii);
  if (problem !== undefined) return unparsed(problem);
  if (text.startsWith(' ') || text.endsWith(' ')) {
    return unparsed(`${what} must not begin or end with a space`);
  }
  if (text.includes('  ')) return unparsed(`${what} must not have several spaces in a row`);
  const lookalike = networkLookalike(text);
  return lookalike === undefined
    ? parsed(text)
    : unparsed(`${what} must not look like ${lookalike}: ${text}`);
};
