import { type Alphabet, lettersDigitsAndHyphen, textProblem } from './alphabet.ts';
import { networkLookalike } from './network-lookalike.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Identifier of a station's communication controller in ISO 15118-20 annex C. */
export interface SeccId {
  readonly country: string;
  /** Three letters or digits: the charge point operator within its country. */
  readonly operator: string;
  /** 32 or more characters; without hyphens a check digit, if any, is its last character. */
  readonly controller: string;
  /** Only known where a hyphen sets it off. Not verified: its algorithm is not public. */
  readonly checkDigit?: string;
  /** Upper case without hyphens, 39 to 64 characters. */
  readonly normal: string;
}

const what = 'A SECCID';
const bare = /^([A-Z]{2})([A-Z0-9]{3})S([A-Z0-9]{32,})$/;
const hyphenated = /^([A-Z]{2})-([A-Z0-9]{3})-S-([A-Z0-9]{32,})(?:-([A-Z0-9]))?$/;

/**
 * Reads the SECCID that is the common name of an SECC certificate of ISO 15118-20, in any case,
 * with a hyphen between all parts or between none. 39 to 64 characters, counted without hyphens
 * at the lower end, so that a text is valid exactly if its normal form is, and as written at the
 * upper end, where the common name ends (RFC 5280 ub-common-name). `*` belongs to EVSEIDs and is
 * refused.
 */
export const parseSeccId = (text: string): Parsed<SeccId> => {
  const problem = textProblem(text, what, { min: 39, max: 64 }, lettersDigitsAndHyphen);
  if (problem !== undefined) return unparsed(problem);
  const written = text.toUpperCase();
  const [, country, operator, controller, checkDigit] =
    bare.exec(written) ?? hyphenated.exec(written) ?? [];
  if (country === undefined || operator === undefined || controller === undefined) {
    return unparsed(
      `${what} is a country (2 letters), operator (3 characters), 'S', a controller of 32 or more characters and an optional check digit, with hyphens between all of them or none`,
    );
  }
  const normal = written.replaceAll('-', '');
  if (normal.length < 39) {
    return unparsed(`${what} has at least 39 characters without hyphens, this one has 38`);
  }
  return parsed(
    checkDigit === undefined
      ? { country, operator, controller, normal }
      : { country, operator, controller, checkDigit, normal },
  );
};

const seccNameAlphabet: Alphabet = {
  text: /^[A-Za-z0-9._~*-]*$/,
  description: "ASCII letters, digits and '-', '.', '_', '~', '*'",
};

/**
 * Reads the common name of an SECC certificate of ISO 15118-2 (annex F calls it CPID), which has
 * no fixed form: an EVSEID, a SECCID or a name of the operator's choice is found there. Taken are
 * 1 to 64 of the characters that need no escaping in a URL path, plus the `*` of EVSEIDs.
 * Refused is what looks like a host name or an IP address: these certificates have no extended
 * key usage, so that a web client that trusts the root would take them for that host. An operator
 * who wants EVSEIDs only uses `parseEvseId` instead. Case is kept, and matters.
 */
export const parseSeccName = (text: string): Parsed<string> => {
  const problem = textProblem(text, 'An SECC name', { min: 1, max: 64 }, seccNameAlphabet);
  if (problem !== undefined) return unparsed(problem);
  const lookalike = networkLookalike(text);
  return lookalike === undefined
    ? parsed(text)
    : unparsed(`An SECC name must not look like ${lookalike}: ${text}`);
};
