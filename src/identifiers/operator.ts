/** Whose an EVSE or SECC id is, as somebody would read it who meets it as a name. */

const forms: readonly RegExp[] = [
  // An EVSE id: `DE*ICE*E45B*78C`, `DEICEE45B78C`, however long.
  /^([A-Z]{2})[*-]?([A-Z0-9]{3})[*-]?E[A-Z0-9*-]+$/,
  // A SECC id (ISO 15118-20 annex C): `DE-ICE-S-1234` of any length, without hyphens a long one.
  /^([A-Z]{2})-([A-Z0-9]{3})-S-[A-Z0-9-]+$/,
  /^([A-Z]{2})([A-Z0-9]{3})S[A-Z0-9]{32,}$/,
];

/**
 * Country and operator, such as `DEICE`, of what has the form of an EVSE or SECC id; undefined for
 * any other name. It takes more than the parsers of both: what is one character too long for an
 * EVSE id still reads like one.
 */
export function operatorOf(name: string): string | undefined {
  for (const form of forms) {
    const [, country, operator] = form.exec(name.toUpperCase()) ?? [];
    if (country !== undefined && operator !== undefined) return country + operator;
  }
  return undefined;
}
