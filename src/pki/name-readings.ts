/**
 * Names that came as text, from whatever software: RFC 4514 and its forerunners in either order of
 * RDNs, OpenSSL's `C = DE, O = X` and its older `/C=DE/O=X`. No text of a name is fit to decide
 * about trust; this is for recognizing a certificate that somebody points at.
 */

import { DerReader } from './der.ts';
import { DerError } from './der-element.ts';
import { readForeignString } from './directory-strings.ts';
import { attributeSet, type DistinguishedName, type NameAttribute } from './names.ts';
import { attributeTypes } from './oids.ts';

/** Longer than any name of a certificate that a car knows; everything below is linear in it. */
const MAX_CHARACTERS = 4096;
/** As many as names of certificates may have. */
const MAX_ATTRIBUTES = 64;

/** What else attribute types are called, in lower case; those of `oids.ts` have their own names. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  [attributeTypes.CN]: ['commonname'],
  [attributeTypes.C]: ['countryname'],
  [attributeTypes.L]: ['localityname'],
  [attributeTypes.ST]: ['stateorprovincename', 's', 'sp'],
  [attributeTypes.street]: ['streetaddress'],
  [attributeTypes.O]: ['organizationname'],
  [attributeTypes.OU]: ['organizationalunitname'],
  [attributeTypes.DC]: ['domaincomponent'],
  [attributeTypes.emailAddress]: ['e', 'email'],
  '2.5.4.4': ['sn', 'surname'],
  '2.5.4.12': ['title', 't'],
  '2.5.4.13': ['description'],
  '2.5.4.15': ['businesscategory'],
  '2.5.4.17': ['postalcode'],
  '2.5.4.41': ['name'],
  '2.5.4.42': ['givenname', 'gn', 'g'],
  '2.5.4.43': ['initials'],
  '2.5.4.44': ['generationqualifier'],
  '2.5.4.46': ['dnqualifier', 'dnq'],
  '2.5.4.65': ['pseudonym'],
  '2.5.4.97': ['organizationidentifier'],
  '0.9.2342.19200300.100.1.1': ['uid', 'userid'],
  '1.3.6.1.4.1.311.60.2.1.1': ['jurisdictionl', 'jurisdictionlocalityname'],
  '1.3.6.1.4.1.311.60.2.1.2': ['jurisdictionst', 'jurisdictionstateorprovincename'],
  '1.3.6.1.4.1.311.60.2.1.3': ['jurisdictionc', 'jurisdictioncountryname'],
};

const oidByName = new Map<string, string>([
  ...Object.entries(attributeTypes).map(([name, dotted]) => [name.toLowerCase(), dotted] as const),
  ...Object.entries(otherNames).flatMap(([dotted, names]) =>
    names.map((name) => [name, dotted] as const),
  ),
]);

/** How a kind of text is to be read. */
interface Form {
  /** What may stand before an attribute. */
  readonly separators: string;
  /** Whether a value may stand in quotation marks, or be the hex of its DER. */
  readonly encodes: boolean;
  /** Whether a backslash takes the meaning from a separator after it. */
  readonly escapes: boolean;
  readonly textOf: (raw: string) => string;
}

const plain = { encodes: false, escapes: false, textOf: (raw: string) => raw };
/** RFC 4514, and what is written by software that escapes nothing. */
const commaForms: readonly Form[] = [
  { separators: ',;+', encodes: true, escapes: true, textOf: unescaped },
  { separators: ',;+', ...plain },
];
/**
 * Octets outside of printable ASCII as `\xC3` where a backslash appears as itself, the same where
 * it is set before slashes that separate nothing, and everything as it is: OpenSSL has done all
 * three, and the text does not tell which.
 */
const slashForms: readonly Form[] = [
  { separators: '/+', ...plain, textOf: octetsRead },
  {
    ...{ separators: '/+', encodes: false, escapes: true },
    textOf: (raw) => octetsRead(raw.replace(/\\([/+\\])/g, '$1')),
  },
  { separators: '/+', ...plain },
];

/**
 * What a text may mean as a name: the attributes in the order of the text, with their types as
 * dotted OIDs. Whatever does not begin a known attribute is part of the value before it, since
 * some software does not escape what it should.
 * @param text of up to 4,096 characters; there is no reading of a longer one
 * @returns no reading if the text is no name in any of the forms
 */
export function nameReadings(text: string): (readonly NameAttribute[])[] {
  if (text.length > MAX_CHARACTERS) return [];
  // At its end white space may be escaped, and does not count anyway.
  const begun = text.trimStart();
  const [start, forms] = begun.startsWith('/') ? [1, slashForms] : [0, commaForms];
  return forms.map((form) => reading(begun, start, form)).filter((found) => found !== undefined);
}

/**
 * A key that is equal for names that one text may mean, in whatever forms it is read: without what
 * may take the meaning from other characters, or have it taken, and with every separator the same.
 * Names with one key are not one name; those with several keys are never confused.
 */
export function lookalikeSet(name: DistinguishedName): string {
  const bare = name.attributes.map(({ type, value }) => ({ type, value: bareValue(value) }));
  const text = bare.map(({ type, value }) => `${type}=${value}`).join(',');
  const [attributes = bare] = nameReadings(text);
  return attributeSet({ attributes });
}

/** As often as one software may have encoded what another one had encoded before. */
function bareValue(value: string): string {
  let bare = value;
  for (let before = ''; bare !== before; ) {
    before = bare;
    const read = unescaped(octetsRead(bare)).replaceAll('"', '').replace(/[;+/]/g, ',');
    bare = encodedText(read.trim()) ?? read;
  }
  return bare.replaceAll('\\', '');
}

function reading(text: string, start: number, form: Form): NameAttribute[] | undefined {
  const attributes: NameAttribute[] = [];
  for (let position = start; ; ) {
    const head = headAt(text, position);
    if (head === undefined || attributes.length === MAX_ATTRIBUTES) return undefined;
    const value =
      (form.encodes ? quotedAt(text, head.end, form) : undefined) ?? plainAt(text, head.end, form);
    attributes.push({ type: head.type, value: value.text });
    if (value.end === text.length) return attributes;
    // Past the separator.
    position = value.end + 1;
  }
}

const HEAD = /\s*(?:oid\.)?([a-z][a-z\d-]{0,39}|\d{1,2}(?:\.\d{1,20}){1,20})\s*=\s*/iy;

/** The attribute type that stands here with its equals sign, if one does. */
function headAt(text: string, position: number): { type: string; end: number } | undefined {
  HEAD.lastIndex = position;
  const name = HEAD.exec(text)?.[1];
  if (name === undefined) return undefined;
  const type = /^\d/.test(name) ? name : oidByName.get(name.toLowerCase());
  return type === undefined ? undefined : { type, end: HEAD.lastIndex };
}

interface Value {
  readonly text: string;
  /** Where its separator stands, or the text ends. */
  readonly end: number;
}

/** Whether the text ends here, or another attribute begins behind a separator. */
const endsAt = (text: string, position: number, { separators }: Form): boolean =>
  position === text.length ||
  (separators.includes(text[position] ?? '') && headAt(text, position + 1) !== undefined);

/** A value in quotation marks (RFC 1779 2.3); a doubled one inside stands for itself, as on Windows. */
function quotedAt(text: string, start: number, form: Form): Value | undefined {
  if (text[start] !== '"') return undefined;
  let position = start + 1;
  for (; position < text.length; position++) {
    if (text[position] === '\\') position += 1;
    else if (text[position] === '"') {
      if (text[position + 1] !== '"') break;
      position += 1;
    }
  }
  let end = position + 1;
  while (/\s/.test(text[end] ?? '')) end += 1;
  if (position >= text.length || !endsAt(text, end, form)) return undefined;
  return { text: form.textOf(text.slice(start + 1, position).replaceAll('""', '"')), end };
}

function plainAt(text: string, start: number, form: Form): Value {
  let end = start;
  while (end < text.length && !endsAt(text, end, form)) {
    end += form.escapes && text[end] === '\\' ? 2 : 1;
  }
  end = Math.min(end, text.length);
  const raw = text.slice(start, end);
  const encoded = form.encodes ? encodedText(raw.trim()) : undefined;
  return { text: encoded ?? form.textOf(raw), end };
}

/** The text of a value that is given as `#` and the hex of its DER (RFC 4514 2.4). */
function encodedText(raw: string): string | undefined {
  if (!/^#(?:[\da-f]{2})+$/i.test(raw)) return undefined;
  try {
    const der = DerReader.over(Buffer.from(raw.slice(1), 'hex'), MAX_CHARACTERS);
    const element = der.read();
    der.end();
    return readForeignString(element);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Pairs of hex digits are octets of UTF-8 (RFC 4514 3). */
function unescaped(raw: string): string {
  return raw.replace(
    /(?:\\[\da-f]{2})+|\\(.)/gis,
    (run: string, character?: string) => character ?? octetsText(run.replaceAll('\\', '')),
  );
}

function octetsRead(raw: string): string {
  return raw.replace(/(?:\\x[\da-f]{2})+/gi, (run) => octetsText(run.replace(/\\x/gi, '')));
}

/** Latin-1 where it is not UTF-8: some write the octets of other string types as they are. */
function octetsText(hex: string): string {
  const octets = Buffer.from(hex, 'hex');
  const text = octets.toString('utf8');
  return Buffer.from(text, 'utf8').equals(octets) ? text : octets.toString('latin1');
}
