/** Reading the GeneralNames of other people's certificates (RFC 5280 4.2.1.6, 4.2.1.10). */

import { readIpAddress } from '../../identifiers/ip-address.ts';
import type { DerReader } from '../der.ts';
import { contextConstructed, contextPrimitive, type DerElement, DerError } from '../der-element.ts';
import { requireDer } from '../require-der.ts';
import type { GeneralName } from '../template.ts';
import { generalNameTags } from './general-name-tags.ts';

/** A name of a kind that evpki does not issue, or a range of addresses in a name constraint. */
export interface OtherGeneralName {
  readonly kind: 'other';
  /** The tag octet, such as 0xa4 for a directoryName. */
  readonly tag: number;
  /** The value octets: for a directoryName (an EXPLICIT tag) the DER of the name. */
  readonly value: Uint8Array;
}

/** A name as read. What evpki issues is a `GeneralName`, which holds no others. */
export type AnyGeneralName = GeneralName | OtherGeneralName;

const dnsTag = contextPrimitive(generalNameTags.dns);
const uriTag = contextPrimitive(generalNameTags.uri);
const ipTag = contextPrimitive(generalNameTags.ip);
const otherTags: ReadonlySet<number> = new Set([
  contextConstructed(generalNameTags.otherName),
  contextPrimitive(generalNameTags.rfc822),
  contextConstructed(generalNameTags.x400),
  contextConstructed(generalNameTags.directory),
  contextConstructed(generalNameTags.ediParty),
  contextPrimitive(generalNameTags.registeredId),
]);

/**
 * One name of a subject alternative name or an access location.
 * @throws DerError on text that is not ASCII or holds controls, on an address that has neither 4
 *   nor 16 octets, on an unknown tag
 */
export function readGeneralName(reader: DerReader): AnyGeneralName {
  const element = reader.read();
  const { tag, content, offset } = element;
  if (tag === dnsTag) return { kind: 'dns', value: text(element) };
  if (tag === uriTag) return { kind: 'uri', value: text(element) };
  if (tag === ipTag) {
    const address = readIpAddress(content);
    if (!address.ok) throw new DerError(`an IP address of ${content.length} octets`, offset);
    return { kind: 'ip', value: address.value.normal };
  }
  return otherName(element, reader);
}

/**
 * The base of a subtree of name constraints: as above, but a DNS name may be empty (it covers all
 * names), and an address is an address and a mask (RFC 5280 4.2.1.10), returned as `other`.
 * @throws DerError as above
 */
export function readSubtreeBase(reader: DerReader): AnyGeneralName {
  const element = reader.read();
  const { tag, content, offset } = element;
  if (tag === dnsTag) {
    return { kind: 'dns', value: content.length === 0 ? '' : text(element) };
  }
  if (tag === ipTag && content.length !== 8 && content.length !== 32) {
    throw new DerError(`an address range of ${content.length} octets`, offset);
  }
  if (tag === ipTag || tag === uriTag) return { kind: 'other', tag, value: content };
  return otherName(element, reader);
}

/** The names of a GeneralNames, at least one. `names` is a reader inside the sequence. */
export function readGeneralNames(names: DerReader): AnyGeneralName[] {
  requireFilled(names, 'names');
  const found: AnyGeneralName[] = [];
  while (!names.atEnd) found.push(readGeneralName(names));
  return found;
}

function otherName(element: DerElement, reader: DerReader): OtherGeneralName {
  const { tag, content, offset } = element;
  if (!otherTags.has(tag)) {
    throw new DerError(`tag 0x${tag.toString(16)} is no kind of name`, offset);
  }
  if (content.length === 0) throw new DerError('a name is empty', offset);
  if ((tag & 0x20) !== 0) requireDer(reader.inside(element));
  return { kind: 'other', tag, value: content };
}

/** An IA5String of visible characters: a NUL or space in a host name is an attack. */
function text({ content, offset }: DerElement): string {
  const value = Buffer.from(content).toString('latin1');
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new DerError('a name is empty, or not in visible ASCII', offset);
  }
  return value;
}

/** Refuses an empty SIZE (1..MAX) list. `what` says of what. */
export function requireFilled(list: DerReader, what: string): void {
  if (list.atEnd) throw new DerError(`no ${what}`, list.offset);
}
