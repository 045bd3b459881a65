/** Whose an EVSE or SECC id is, as somebody would read it who meets it as a name. */

/**
 * Country, operator, and what tells an EVSE id (`DE*ICE*E45B*78C`) or a SECC id (ISO 15118-20
 * annex C, `DE-ICE-S-1234`); however long what follows is.
 */
const form = /^([A-Z]{2})([A-Z0-9]{3})[ES][A-Z0-9]/;

/**
 * Country and operator, such as `DEICE`, of what has the form of an EVSE or SECC id; undefined for
 * any other name. It takes more than the parsers of both: whatever is between the characters of an
 * id, or behind them, whoever reads `DE.ICE.E1` or `DE*ICE*E1~` still reads that operator.
 */
export function operatorOf(name: string): string | undefined {
  const characters = name.toUpperCase().replace(/[^A-Z0-9\p{L}]/gu, '');
  const [, country, operator] = form.exec(characters) ?? [];
  return country === undefined || operator === undefined ? undefined : country + operator;
}
