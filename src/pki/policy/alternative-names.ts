/** The subject alternative names of a certificate (RFC 5280 4.2.1.6): what is asked, what is given. */

import { parseHostName } from '../../identifiers/host-name.ts';
import { parseIpAddress } from '../../identifiers/ip-address.ts';
import { type Parsed, parsed, unparsed } from '../../identifiers/parsed.ts';
import type { AnyGeneralName } from '../extensions/general-names.ts';
import type { Profile } from '../profile.ts';
import type { GeneralName } from '../template.ts';
import { type Violation, violation } from '../violations.ts';
import { quote } from './quote.ts';

type Rules = NonNullable<Profile['extensions']['subjectAltName']>;

/** A scheme and something behind it, in the characters of RFC 3986 (RFC 5280 4.2.1.6). */
const ABSOLUTE_URI = /^[a-z][a-z0-9+.-]*:[a-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/i;

/** RFC 3986 3.2, after the scheme: user information, a host, which may be in brackets, a port. */
const HAS_AUTHORITY = /^[^:]+:\/\//;
const AUTHORITY =
  /^[^:]+:\/\/(?:[^/?#@[\]]*@)?(?:\[(?<address>[^\]]*)\]|(?<name>[^/?#@:[\]]*))(?::\d*)?(?:[/?#]|$)/;

/** A name of a host, in its normal form. */
type Host = GeneralName & { readonly kind: 'dns' | 'ip' };

const FIELD = 'extensions.subjectAltName';

export interface DecidedNames {
  readonly names: readonly GeneralName[];
  readonly violations: readonly Violation[];
}

export interface NamesInput {
  /** Undefined when the profile gives no alternative names; then none may be asked for either. */
  readonly rules: Rules | undefined;
  /** Undefined when the request has no such extension. */
  readonly requested: readonly AnyGeneralName[] | undefined;
  /** The common name that the certificate will have. */
  readonly commonName: string | undefined;
  /** The only hosts that may be asked for; undefined when nothing is known about that. */
  readonly hosts: readonly string[] | undefined;
}

/** The names in their normal form, each once, in the order of the request. */
export function decideNames({ rules, requested, commonName, hosts }: NamesInput): DecidedNames {
  if (rules === undefined) {
    if (requested === undefined) return { names: [], violations: [] };
    const message = 'The profile gives no subject alternative names.';
    return { names: [], violations: [violation('extension-mismatch', message, FIELD)] };
  }
  const names = new Map<string, GeneralName>();
  const violations: Violation[] = [];
  const take = (name: AnyGeneralName): void => {
    const normal = normalName(name, rules);
    if (!normal.ok) {
      const what = name.kind === 'other' ? `tag 0x${name.tag.toString(16)}` : quote(name.value);
      violations.push(violation('san-invalid', `${what}: ${normal.reason}.`, FIELD));
    } else if (hosts && !isRegistered(normal.value, hosts)) {
      const is = normal.value.kind === 'uri' ? 'is not at' : 'is not';
      const message = `${quote(normal.value.value)} ${is} a registered host.`;
      violations.push(violation('san-invalid', message, FIELD));
    } else {
      names.set(`${normal.value.kind}:${normal.value.value}`, normal.value);
    }
  };
  for (const name of requested ?? []) take(name);
  // Always: software that looks at common names takes it for a host whatever the names say, so it
  // must be one that may be given, and within the issuer's name constraints.
  if (rules.includeCommonName && commonName !== undefined) {
    take({ kind: parseIpAddress(commonName).ok ? 'ip' : 'dns', value: commonName });
  }
  if (rules.required && names.size === 0 && violations.length === 0) {
    const message = 'The profile demands a subject alternative name and the request has none.';
    violations.push(violation('san-missing', message, FIELD));
  }
  return { names: [...names.values()], violations };
}

function normalName(name: AnyGeneralName, rules: Rules): Parsed<GeneralName> {
  const { kind } = name;
  if (kind === 'other') return unparsed('names of this kind are not issued');
  if (!rules.kinds.includes(kind)) return unparsed(`names of kind ${kind} are not allowed`);
  const value = normalValue(kind, name.value, rules.wildcards);
  return value.ok ? parsed({ kind, value: value.value }) : value;
}

function normalValue(kind: GeneralName['kind'], text: string, wildcards: boolean): Parsed<string> {
  switch (kind) {
    case 'dns':
      return normalOf(parseHostName(text, { allowWildcard: wildcards }));
    case 'ip':
      return normalOf(parseIpAddress(text));
    case 'uri':
      return normalUri(text);
  }
}

/** An authority has a host that is a DNS name or an IP address (RFC 5280 4.2.1.6). */
function normalUri(text: string): Parsed<string> {
  if (!ABSOLUTE_URI.test(text)) return unparsed('it is not an absolute URI');
  if (!HAS_AUTHORITY.test(text) || hostOfUri(text) !== undefined) return parsed(text);
  return unparsed('its host is neither a DNS name nor an IP address');
}

/** Undefined where a URI has no host, or one that is neither a DNS name nor an IP address. */
function hostOfUri(uri: string): Host | undefined {
  const { name, address } = AUTHORITY.exec(uri)?.groups ?? {};
  const ip = parseIpAddress(address ?? name ?? '');
  if (ip.ok) {
    // Brackets are for IPv6, and only there is it without doubt where the port begins.
    const isBracketed = address !== undefined;
    return isBracketed === (ip.value.version === 6)
      ? { kind: 'ip', value: ip.value.normal }
      : undefined;
  }
  const dns = parseHostName(name ?? '');
  return dns.ok ? { kind: 'dns', value: dns.value.normal } : undefined;
}

/**
 * Compared in normal form, so that `CSMS.example` is `csms.example` and `0:0::1` is `::1`. Of a URI
 * the host counts, as it does for name constraints (RFC 5280 4.2.1.10): one that has none, such as
 * a URN, can be held against no list.
 */
function isRegistered(name: GeneralName, hosts: readonly string[]): boolean {
  const wanted = name.kind === 'uri' ? hostOfUri(name.value) : name;
  if (wanted === undefined) return false;
  return hosts.some((host) => sameValue(normalValue(wanted.kind, host, true), wanted.value));
}

const sameValue = (normal: Parsed<string>, value: string): boolean =>
  normal.ok && normal.value === value;

const normalOf = <T extends { readonly normal: string }>(name: Parsed<T>): Parsed<string> =>
  name.ok ? parsed(name.value.normal) : name;
