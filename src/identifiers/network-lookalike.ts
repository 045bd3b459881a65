import { parseIpAddress } from './ip-address.ts';

/**
 * Says whether a short printable ASCII text could be taken for the address of a server: returns
 * `a URL`, `an IP address`, `a host name`, or undefined if it looks like none. Names of stations
 * must not (OCPP 2.0.1 A00.FR.511), because older clients compare a common name with the host
 * that they wanted to reach (RFC 2818 3.1). Wider than the parsers of addresses on purpose: what
 * matters is what some client might accept. A single word is no host name here, except localhost.
 */
export const networkLookalike = (text: string): string | undefined => {
  if (!suspicious.test(text)) return undefined;
  if (text.includes('://') || text.startsWith('//') || wellKnownScheme.test(text)) return 'a URL';
  const authority = text.replace(/[/?#].*$/s, '').replace(/^.*@/s, '');
  const host = authority.replace(/^\[(.*)\](?::\d*)?$/s, '$1').replace(/%.*$/s, '');
  if (parseIpAddress(host).ok) return 'an IP address';
  const name = authority.replace(/:\d*$/, '').replace(/\.$/, '');
  // Also 192.168.000.001 and 999.1.1.1, which are no addresses to a strict parser.
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name)) return 'an IP address';
  if (/^localhost$/i.test(name) || dottedName.test(name)) return 'a host name';
  return undefined;
};

/** What all that follows has in common: a URL, address or host name has one of these. */
const suspicious = /[.:]|^\/\/|localhost/i;

const wellKnownScheme = /^(?:https?|wss?|ftp|file|ldaps?|mailto|urn|data|javascript):/i;

/** Ends in a dot and something that can be a top-level domain; leading wildcards included. */
const dottedName = /^[A-Za-z0-9._*-]*\.(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]+)$/;
