/** The headers in which OPNC says who calls whom: read by every door that has its paths. */

import type { IncomingHttpHeaders } from 'node:http';
import { type FieldViolation, ServiceError } from '../../services/errors.ts';
import { type Party, type PartyType, partyTypes } from '../../services/parties.ts';

interface Form {
  readonly pattern: RegExp;
  readonly what: string;
}

const operator: Form = {
  pattern: /^(?:[A-Za-z]{2}[*-]?)?[A-Za-z0-9]{3}$/,
  what: 'three letters or digits, with the country in front or without',
};
const root: Form = { pattern: /^[0-9A-Fa-f]{64}$/, what: 'the SHA-256 of a root, in hex' };
const pool: Form = { pattern: /^[\w*:.-]{1,64}$/, what: 'up to 64 letters, digits and * : . - _' };

const forms: Readonly<Record<PartyType, Form>> = {
  ...{ emsp: operator, cpo: operator, pki: root, cps: root, pcp: pool, ccp: pool },
  oem: { pattern: /^[A-Za-z0-9]{3}$/, what: 'a WMI: three letters or digits' },
};

/**
 * The party in whose name the caller says to call, if any. To whom it wants to speak is read and goes
 * nowhere: evpki passes nothing on.
 * @throws ServiceError `request-malformed` naming each header that is not what OPNC has there
 */
export function callingParty(headers: IncomingHttpHeaders): Party | undefined {
  const violations: FieldViolation[] = [];
  const from = partyIn(headers, 'from', violations);
  partyIn(headers, 'to', violations);
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'the OPNC headers cannot be read', violations);
  }
  return from;
}

function partyIn(
  headers: IncomingHttpHeaders,
  direction: 'from' | 'to',
  violations: FieldViolation[],
): Party | undefined {
  const name = (part: 'type' | 'id') => `OPNC-${direction}-party-${part}`;
  const textOf = (part: 'type' | 'id') => headers[name(part).toLowerCase()]?.toString();
  const refuse = (part: 'type' | 'id', message: string) => {
    violations.push({ code: 'invalid', message, field: `headers.${name(part)}` });
    return undefined;
  };
  const [typeText, id] = [textOf('type'), textOf('id')];
  if (typeText === undefined) {
    return id === undefined ? undefined : refuse('id', `means nothing without ${name('type')}`);
  }
  const type = partyTypes.find((one) => one === typeText);
  if (type === undefined) return refuse('type', `is none of ${partyTypes.join(', ')}`);
  if (id === undefined) return { type };
  const { pattern, what } = forms[type];
  if (!pattern.test(id)) return refuse('id', `is not ${what}`);
  return { type, id: id.replace(/[*-]/g, '').toUpperCase() };
}
