import { type Parsed, parsed, unparsed } from './parsed.ts';

/**
 * A country as the C attribute of a name carries it: two upper-case letters (ISO 3166-1 alpha-2,
 * X.520 countryName; RFC 5280 appendix A). Lower case is refused, not mended: a certificate
 * must say what its request says. Whether the code is assigned is not checked; private
 * ecosystems use codes of their own.
 */
export const parseCountryCode = (text: string): Parsed<string> =>
  /^[A-Z]{2}$/.test(text)
    ? parsed(text)
    : unparsed('A country code is two upper-case ASCII letters such as DE');
