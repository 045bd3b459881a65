/** Names and name constraints, form by form, and how they compare (RFC 5280 4.2.1.10). */

import { parseIpAddress } from '../../identifiers/ip-address.ts';
import { sameBytes } from '../byte-order.ts';
import { DerReader } from '../der.ts';
import { DerError } from '../der-element.ts';
import { generalNameTags } from '../extensions/general-name-tags.ts';
import type { AnyGeneralName, OtherGeneralName } from '../extensions/general-names.ts';
import { type DistinguishedName, folded, NameError, nameText, readForeignName } from '../names.ts';
import { isWithinDns, meetsDns } from '../policy/name-constraints.ts';

export type NameForm = keyof typeof generalNameTags;

/** A name of a certificate as constraints see it. */
export interface ConstrainedName {
  readonly form: NameForm;
  /** As people are told of it. */
  readonly text: string;
  /** Undefined for forms that nobody can compare, and for a name that breaks the rules of its own. */
  readonly value: NameValue | undefined;
}

type NameValue =
  | { readonly form: 'dns'; readonly name: string }
  | { readonly form: 'rfc822'; readonly mailbox: string; readonly host: string }
  | { readonly form: 'uri'; readonly host: string }
  | { readonly form: 'ip'; readonly address: Uint8Array }
  | { readonly form: 'directory'; readonly rdns: readonly string[] };

/** The base of a subtree; undefined `value` for forms that nobody can compare. */
export interface Subtree {
  readonly form: NameForm;
  readonly text: string;
  readonly value: SubtreeValue | undefined;
}

type SubtreeValue =
  | { readonly form: 'dns'; readonly base: string }
  | { readonly form: 'rfc822'; readonly mailbox: string; readonly host: string }
  | { readonly form: 'rfc822' | 'uri'; readonly host: string; readonly below: boolean }
  | { readonly form: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly form: 'directory'; readonly rdns: readonly string[] };

const formByNumber: ReadonlyMap<number, NameForm> = new Map(
  Object.entries(generalNameTags).map(([form, number]) => [number, form as NameForm]),
);
const formOf = ({ tag }: OtherGeneralName): NameForm => formByNumber.get(tag & 0x1f) ?? 'otherName';

/** Labels of letters, digits, hyphens and the underscores that the field has; no final dot. */
const hostForm =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;
const isHost = (text: string): boolean => text.length <= 253 && hostForm.test(text);
/** A host that ends in a number is an IP address, or pretends to be one. */
const isDomain = (text: string): boolean => isHost(text) && !/(?:^|\.)\d+$/.test(text);

/** A name of a subject alternative name. */
export function nameOf(name: AnyGeneralName): ConstrainedName {
  switch (name.kind) {
    case 'dns':
      return { form: 'dns', text: name.value, value: dnsValue(name.value) };
    case 'uri':
      return { form: 'uri', text: name.value, value: uriValue(name.value) };
    case 'ip': {
      const address = parseIpAddress(name.value);
      const value = address.ok
        ? ({ form: 'ip', address: address.value.bytes } as const)
        : undefined;
      return { form: 'ip', text: name.value, value };
    }
    case 'other':
      return otherName(name);
  }
}

function otherName(name: OtherGeneralName): ConstrainedName {
  const form = formOf(name);
  if (form === 'rfc822') return emailName(latin1(name.value));
  if (form === 'directory') {
    const directory = readDirectory(name.value);
    if (directory !== undefined) return directoryName(directory);
  }
  return { form, text: `of the form ${form}`, value: undefined };
}

/** An address of a subject alternative name or of the attribute emailAddress. */
export const emailName = (text: string): ConstrainedName => ({
  form: 'rfc822',
  text,
  value: mailboxOf(text),
});

export const directoryName = (name: DistinguishedName): ConstrainedName => ({
  form: 'directory',
  text: nameText(name),
  value: { form: 'directory', rdns: rdnsOf(name) },
});

/** The base of a constraint, or why it is none (RFC 5280 4.2.1.10). */
export function subtreeOf(base: string | OtherGeneralName): Subtree | { readonly problem: string } {
  if (typeof base === 'string') {
    // RFC 5280 lets only URIs and addresses have constraints with a leading dot.
    if (base !== '' && !isHost(base)) return { problem: `${quoted(base)} is no domain name` };
    return { form: 'dns', text: quoted(base), value: { form: 'dns', base: base.toLowerCase() } };
  }
  const form = formOf(base);
  switch (form) {
    case 'rfc822':
      return mailSubtree(latin1(base.value));
    case 'uri':
      return hostSubtree('uri', latin1(base.value));
    case 'ip':
      return ipSubtree(base.value);
    case 'directory': {
      const name = readDirectory(base.value);
      if (name === undefined) return { problem: 'a directory name is malformed' };
      return { form, text: nameText(name), value: { form, rdns: rdnsOf(name) } };
    }
    default:
      return { form, text: `of the form ${form}`, value: undefined };
  }
}

/**
 * Whether the name is in the subtree. `somehow` asks it of a wildcard for any of the names that it
 * stands for, as exclusions do; otherwise it is asked for all of them. Undefined if nobody can say.
 */
export function isInSubtree(
  { value: name }: ConstrainedName,
  { value: base }: Subtree,
  { somehow }: { readonly somehow: boolean },
): boolean | undefined {
  if (name === undefined || base === undefined) return undefined;
  if (name.form === 'dns' && base.form === 'dns') {
    return somehow ? meetsDns(name.name, base.base) : isWithinDns(name.name, base.base);
  }
  if (name.form === 'ip' && base.form === 'ip') return isInRange(name.address, base);
  if (name.form === 'directory' && base.form === 'directory') {
    return base.rdns.every((rdn, index) => rdn === name.rdns[index]);
  }
  if (name.form === 'rfc822' && base.form === 'rfc822' && 'mailbox' in base) {
    return name.mailbox === base.mailbox && name.host === base.host;
  }
  if ('host' in name && 'below' in base && name.form === base.form) {
    return base.below ? name.host.endsWith(`.${base.host}`) : name.host === base.host;
  }
  return undefined;
}

/** A wildcard stands for one whole label, the leftmost. */
function dnsValue(text: string): NameValue | undefined {
  const name = text.toLowerCase();
  return isHost(name.replace(/^\*\./, '')) ? { form: 'dns', name } : undefined;
}

/** Scheme, user, host and port; a backslash, which some take for a slash, is in none (RFC 3986). */
const uriForm =
  /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._~!$&'()*+,;=:%-]*@)?([a-z0-9._-]+)(?::\d*)?(?:[/?#]|$)/i;

/** RFC 5280 4.2.1.10: a URI without a fully qualified domain name meets no constraint. */
function uriValue(text: string): NameValue | undefined {
  const host = uriForm.exec(text)?.[1];
  if (host === undefined || !isDomain(host)) return undefined;
  return { form: 'uri', host: host.toLowerCase() };
}

/** The local part is compared as it is, the host without regard to case (RFC 5280 7.5). */
function mailboxOf(text: string) {
  const [, mailbox, host] = /^([\x21-\x3f\x41-\x7e]+)@([^@]+)$/.exec(text) ?? [];
  if (mailbox === undefined || host === undefined || !isHost(host)) return undefined;
  return { form: 'rfc822', mailbox, host: host.toLowerCase() } as const;
}

function mailSubtree(text: string): ReturnType<typeof subtreeOf> {
  if (!text.includes('@')) return hostSubtree('rfc822', text);
  const value = mailboxOf(text);
  return value === undefined
    ? { problem: `${quoted(text)} is no mailbox` }
    : { form: 'rfc822', text: quoted(text), value };
}

function hostSubtree(form: 'rfc822' | 'uri', text: string): ReturnType<typeof subtreeOf> {
  const below = text.startsWith('.');
  const host = text.slice(below ? 1 : 0).toLowerCase();
  if (!isDomain(host)) return { problem: `${quoted(text)} is no domain name` };
  return { form, text: quoted(text), value: { form, host, below } };
}

/** An address and a mask of the same length, the ones of the mask first (RFC 4632). */
function ipSubtree(octets: Uint8Array): ReturnType<typeof subtreeOf> {
  const half = octets.length / 2;
  const [address, mask] = [octets.subarray(0, half), octets.subarray(half)];
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  if (!/^1*0*$/.test(bits)) return { problem: 'the mask of an address range has gaps' };
  const text = `an address range of /${bits.replace(/0/g, '').length}`;
  return { form: 'ip', text, value: { form: 'ip', address, mask } };
}

/** A range of the other version of IP holds none of these addresses. */
const isInRange = (
  address: Uint8Array,
  range: { readonly address: Uint8Array; readonly mask: Uint8Array },
): boolean =>
  address.length === range.mask.length &&
  sameBytes(masked(address, range.mask), masked(range.address, range.mask));

const masked = (address: Uint8Array, mask: Uint8Array): Uint8Array =>
  address.map((octet, index) => octet & (mask[index] ?? 0));

/** Each RDN as a key that is equal where RFC 5280 7.1 takes them for the same. */
function rdnsOf({ attributes }: DistinguishedName): string[] {
  const rdns: string[][] = [];
  for (const { type, value, sameRdn } of attributes) {
    const key = JSON.stringify([type, folded(value)]);
    if (sameRdn) rdns.at(-1)?.push(key);
    else rdns.push([key]);
  }
  // Folding may change the order that DER has given to the attributes of an RDN.
  return rdns.map((keys) => keys.sort().join());
}

function readDirectory(der: Uint8Array): DistinguishedName | undefined {
  try {
    const reader = DerReader.over(der, der.length);
    const name = readForeignName(reader);
    reader.end();
    return name;
  } catch (error) {
    if (error instanceof DerError || error instanceof NameError) return undefined;
    throw error;
  }
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
/** Other people's bytes, in a sentence for a terminal or a log. */
const quoted = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(
    /[^ -~…]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
