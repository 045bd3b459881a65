/** The forms in which a profile can demand a subject value, each with the parser that knows it. */

import { parseEmaid } from '../../identifiers/emaid.ts';
import { parseEvccId } from '../../identifiers/evcc-id.ts';
import { parseEvseId } from '../../identifiers/evse-id.ts';
import { parseHostName } from '../../identifiers/host-name.ts';
import { type Parsed, parsed, unparsed } from '../../identifiers/parsed.ts';
import { parsePcid } from '../../identifiers/pcid.ts';
import { parseSeccId, parseSeccName } from '../../identifiers/secc-id.ts';
import { parseStationSerialNumber } from '../../identifiers/station-identity.ts';
import type { ValueForm } from '../profile.ts';
import { parseFreeText } from './free-text.ts';

/** The value in the form's normal form (identifiers without separators, in upper case). */
export function normalValue(form: ValueForm, text: string): Parsed<string> {
  switch (form) {
    case 'common-name':
    case 'organization-name':
      return parseFreeText(text);
    case 'country':
      return /^[A-Z]{2}$/.test(text)
        ? parsed(text)
        : unparsed('it is not two upper-case letters (ISO 3166-1)');
    case 'station-serial-number':
      return parseStationSerialNumber(text);
    case 'secc-id':
      return parseSeccName(text);
    case 'evcc-id':
      return normalOf(parseEvccId(text));
    case 'emaid':
      return normalOf(parseEmaid(text));
    case 'pcid':
      return normalOf(parsePcid(text));
    case 'dns-name':
      return normalOf(parseHostName(text));
  }
}

/**
 * What two normal values of a form are compared by. Free text is folded as names are (RFC 5280
 * 7.1): case does not tell two organizations apart. An EMAID names the same contract with and
 * without its check digit, an EVSE or SECC id the same charger with and without its separators, in
 * any case. The other forms are compared as they are.
 */
export function comparableValue(form: ValueForm, normal: string): string {
  switch (form) {
    case 'common-name':
    case 'organization-name':
      return normal.normalize('NFKC').toLowerCase();
    case 'emaid':
      return normal.slice(0, 14);
    case 'secc-id':
      return comparableSeccName(normal);
    default:
      return normal;
  }
}

/** A name of the operator's choice is that name and no other. */
function comparableSeccName(name: string): string {
  for (const identifier of [parseEvseId(name), parseSeccId(name)]) {
    if (identifier.ok) return identifier.value.normal;
  }
  return name;
}

const normalOf = <T extends { readonly normal: string }>(identifier: Parsed<T>): Parsed<string> =>
  identifier.ok ? parsed(identifier.value.normal) : identifier;
