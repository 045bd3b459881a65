/** Distinguished names: reading them strictly, writing them, comparing them (RFC 5280 4.1.2.4, 7.1). */

import type { DerReader } from './der.ts';
import { type DerElement, DerError } from './der-element.ts';
import { oid, sequence, set } from './der-writer.ts';
import { problemOfValue, readForeignString, readString, writeString } from './directory-strings.ts';
import { attributeTypes } from './oids.ts';
import { remembered } from './remembered.ts';
import { requireDer } from './require-der.ts';

/** One attribute of a name; every relative distinguished name of ours has exactly one. */
export interface NameAttribute {
  /** Short name such as `CN` where `oids.ts` knows one, dotted OID otherwise. */
  readonly type: string;
  readonly value: string;
  /** Other people's names only: it shares its RDN with the attribute before it. */
  readonly sameRdn?: true;
}

/** A name in the order of its encoding, e.g. C, O, CN, DC. */
export interface DistinguishedName {
  readonly attributes: readonly NameAttribute[];
}

/** A name that is well-formed DER but not a name that evpki accepts or writes. */
export class NameError extends Error {
  override readonly name = 'NameError';
  /** The attribute's type as in {@link NameAttribute}; undefined if it is about the whole name. */
  readonly attribute: string | undefined;

  constructor(message: string, attribute?: string) {
    super(attribute === undefined ? message : `${attribute}: ${message}`);
    this.attribute = attribute;
  }
}

const oidByType = new Map<string, string>(Object.entries(attributeTypes));
const typeByOid = new Map<string, string>([...oidByType].map(([type, dotted]) => [dotted, type]));

const MAX_RDNS = 16;
/** Other people's names may be longer, but comparing them must stay cheap. */
const MAX_FOREIGN_ATTRIBUTES = 64;

/**
 * A name as evpki accepts it in requests and writes it into certificates: one attribute per RDN,
 * each type once, PrintableString or UTF8String (PrintableString for C and serialNumber, IA5String
 * for DC and emailAddress), within the bounds of RFC 5280, no character that a reader could
 * overlook. An empty name is a name: whether it is enough is for the profile to say.
 * @param reader stands before the Name, which is consumed
 * @throws DerError if it is not DER, {@link NameError} if it is a name of another form
 */
export function readName(reader: DerReader): DistinguishedName {
  const rdns = reader.sequence();
  const attributes: NameAttribute[] = [];
  while (!rdns.atEnd) {
    if (attributes.length === MAX_RDNS) throw new NameError(`more than ${MAX_RDNS} RDNs`);
    const rdn = rdns.set();
    const { type, value } = readTypeAndValue(rdn.sequence());
    if (!rdn.atEnd) throw new NameError('shares its RDN with another attribute', type);
    const reading = readString(type, value);
    if ('problem' in reading) throw new NameError(reading.problem, type);
    const attribute = { type, value: reading.text };
    checkAttribute(attribute, attributes);
    attributes.push(attribute);
  }
  return { attributes };
}

/**
 * A name from somebody else's certificate, which may have several attributes in an RDN, repeat
 * types and use any string type. What cannot be read as text appears as `#` and the hex of its
 * DER (RFC 4514 2.4). For showing and comparing only: where the bytes count, keep the bytes.
 * @param reader stands before the Name, which is consumed
 * @throws DerError if it is not DER, {@link NameError} on more than 64 attributes
 */
export function readForeignName(reader: DerReader): DistinguishedName {
  const rdns = reader.sequence();
  const attributes: NameAttribute[] = [];
  while (!rdns.atEnd) {
    const { elements, reader: rdn } = rdns.setOf();
    if (elements.length === 0) throw new DerError('an RDN is empty', rdn.offset);
    for (const [index, element] of elements.entries()) {
      if (attributes.length === MAX_FOREIGN_ATTRIBUTES) {
        throw new NameError(`more than ${MAX_FOREIGN_ATTRIBUTES} attributes`);
      }
      const { type, value } = readTypeAndValue(rdn.inside(element));
      const attribute = { type, value: readForeignString(value) };
      attributes.push(index === 0 ? attribute : { sameRdn: true, ...attribute });
    }
  }
  return { attributes };
}

/**
 * The DER of a name of ours: C and serialNumber as PrintableString, DC and emailAddress as
 * IA5String, everything else as UTF8String, as ISO 15118 certificates in the field have it.
 * @throws NameError on everything that {@link readName} would refuse
 */
export function writeName(name: DistinguishedName): Uint8Array {
  if (name.attributes.length > MAX_RDNS) throw new NameError(`more than ${MAX_RDNS} RDNs`);
  const before: NameAttribute[] = [];
  const rdns = name.attributes.map(({ type: given, value, sameRdn }) => {
    const type = typeByOid.get(given) ?? given;
    if (sameRdn) throw new NameError('shares its RDN with another attribute', type);
    checkAttribute({ type, value }, before);
    before.push({ type, value });
    return set(sequence(attributeOid(type), writeString(type, value)));
  });
  return sequence(...rdns);
}

function readTypeAndValue(reader: DerReader): { type: string; value: DerElement } {
  const dotted = reader.oid();
  const value = reader.read();
  if ((value.tag & 0x20) !== 0) requireDer(reader.inside(value));
  reader.end();
  return { type: typeByOid.get(dotted) ?? dotted, value };
}

/** What holds for any attribute of ours, read or written. */
function checkAttribute({ type, value }: NameAttribute, before: readonly NameAttribute[]): void {
  if (before.some((other) => other.type === type)) throw new NameError('occurs twice', type);
  const problem = problemOfValue(type, value);
  if (problem !== undefined) throw new NameError(problem, type);
}

function attributeOid(type: string): Uint8Array {
  try {
    return oid(oidByType.get(type) ?? type);
  } catch {
    throw new NameError('is neither a known attribute nor an object identifier', type);
  }
}

/**
 * The value of the only attribute of this type. Undefined when there is none, and also when a
 * foreign name repeats it: nothing may depend on which of two values somebody picks.
 */
export function attributeValue(name: DistinguishedName, type: string): string | undefined {
  const [attribute, another] = name.attributes.filter((candidate) => candidate.type === type);
  return another === undefined ? attribute?.value : undefined;
}

/**
 * The name as text in the form of RFC 4514: last RDN first, so usually the most specific first,
 * `+` inside an RDN. Beyond what it demands, characters that do not show are escaped too, so that
 * the text is safe in a terminal or log; and unknown types keep their readable values.
 */
export function nameText(name: DistinguishedName): string {
  const rdns: string[] = [];
  for (const { type, value, sameRdn } of name.attributes) {
    const text = `${type}=${escaped(value)}`;
    if (sameRdn) rdns.push(`${rdns.pop() ?? ''}+${text}`);
    else rdns.push(text);
  }
  return rdns.reverse().join(',');
}

const escaped = (value: string): string =>
  value
    .replace(/["+,;<>\\]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    // A value of one space has been escaped as a leading one.
    .replace(/(?<!^\\) $/, '\\ ')
    .replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, hexPairs);

const hexPairs = (character: string): string =>
  Buffer.from(character, 'utf8').toString('hex').replace(/../g, '\\$&');

/**
 * A key that is equal for names that RFC 5280 7.1 takes for the same: case, compatibility forms,
 * invisible characters and the amount of white space do not count. It folds a little more than
 * RFC 4518 would, which is right for finding twins: `CN=Foo ` and `CN=foo` must not both exist.
 */
export const canonicalName = remembered((name: DistinguishedName): string =>
  JSON.stringify(
    name.attributes.map(({ type, value, sameRdn }) => [
      typeByOid.get(type) ?? type,
      folded(value),
      ...(sameRdn ? ['+'] : []),
    ]),
  ),
);

/**
 * A key that is equal for names that have the same attributes as {@link canonicalName} compares
 * them, whatever their order and however they are grouped into RDNs. Two names with one key are
 * not one name: this is for recognizing what text says that has lost the order.
 */
export const attributeSet = remembered((name: DistinguishedName): string =>
  JSON.stringify(
    name.attributes.map(({ type, value }) => `${typeOf(type)}=${folded(value)}`).sort(),
  ),
);

/** Printable ASCII, which is the same in every normal form. */
const plainText = /^[ -~]*$/;

/**
 * A value as {@link canonicalName} compares it: equal for values that are one to RFC 5280 7.1. It is
 * stored, too, so whoever changes it has to have what is stored made anew (see migration 11).
 */
export function folded(value: string): string {
  if (plainText.test(value)) return value.toLowerCase().replace(/ +/g, ' ').trim();
  return (
    value
      .normalize('NFKC')
      .replace(/(?!\p{White_Space})[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
      // Upper case joins what lower case alone keeps apart, such as the two small sigmas; the capital
      // sharp s has to be lower case before, to become two letters like the small one.
      .toLowerCase()
      .toUpperCase()
      .toLowerCase()
      .normalize('NFKC')
      .replace(/\p{White_Space}+/gu, ' ')
      .trim()
  );
}

/** Whether two names are the same in the sense of {@link canonicalName}. */
export const sameName = (a: DistinguishedName, b: DistinguishedName): boolean =>
  a === b ||
  (a.attributes.length === b.attributes.length &&
    a.attributes.every((one, index) => sameAttribute(one, b.attributes[index])));

const sameAttribute = (a: NameAttribute, b: NameAttribute | undefined): boolean =>
  typeOf(a.type) === typeOf(b?.type) &&
  a.sameRdn === b?.sameRdn &&
  // Folding is what costs.
  (a.value === b?.value || folded(a.value) === folded(b?.value ?? ''));

const typeOf = (type = ''): string => typeByOid.get(type) ?? type;
