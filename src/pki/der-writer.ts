/** Writing DER (ITU-T X.690 section 10): each function returns one complete element. */

import { compareBytes } from './byte-order.ts';
import { contextConstructed, contextPrimitive, tags } from './der-element.ts';
import { MAX_OID_OCTETS } from './der-oid.ts';

/** Identifiers that are written again and again are encoded once. */
const MAX_CACHED_OIDS = 512;

const MAX_LOOPED = 32;

/** An element with this tag octet around the concatenated parts. */
export const element = (tag: number, ...parts: Uint8Array[]): Uint8Array => around(tag, parts);

function around(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const octets =
    length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const out = new Uint8Array(2 + octets + length);
  out[0] = tag;
  out[1] = octets === 0 ? length : 0x80 | octets;
  for (let i = 0; i < octets; i++) out[1 + octets - i] = (length >>> (8 * i)) & 0xff;
  let position = 2 + octets;
  for (const part of parts) {
    // Most parts are short, and then a loop is faster than the call.
    if (part.length > MAX_LOOPED) out.set(part, position);
    else for (let i = 0; i < part.length; i++) out[position + i] = part[i] as number;
    position += part.length;
  }
  return out;
}

export const sequence = (...parts: Uint8Array[]): Uint8Array => around(tags.sequence, parts);

export const set = (...parts: Uint8Array[]): Uint8Array => around(tags.set, parts);

/** A SET OF with its elements in DER order. */
export const setOf = (...parts: Uint8Array[]): Uint8Array =>
  around(tags.set, [...parts].sort(compareBytes));

/** `[number] EXPLICIT`. */
export const explicit = (number: number, ...parts: Uint8Array[]): Uint8Array =>
  around(contextConstructed(number), parts);

/** `[number] IMPLICIT` over a primitive type's content octets. */
export const implicit = (number: number, content: Uint8Array): Uint8Array =>
  element(contextPrimitive(number), content);

export const boolean = (value: boolean): Uint8Array =>
  new Uint8Array([tags.boolean, 1, value ? 0xff : 0x00]);

export const nullValue = (): Uint8Array => new Uint8Array([tags.null, 0]);

/** A non-negative INTEGER. */
export function integer(value: number | bigint, tag: number = tags.integer): Uint8Array {
  if (value < 0) throw new RangeError('only non-negative integers are written');
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`${value} is not exact: write it as a bigint`);
  }
  if (value < 0x80) return new Uint8Array([tag, 1, Number(value)]);
  const hex = value.toString(16);
  return unsignedInteger(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'), tag);
}

/** A non-negative INTEGER from its big-endian magnitude; leading zeros are dropped. */
export function unsignedInteger(magnitude: Uint8Array, tag: number = tags.integer): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  const first = digits[0];
  if (first === undefined) return element(tag, new Uint8Array([0]));
  return first >= 0x80 ? element(tag, new Uint8Array([0]), digits) : element(tag, digits);
}

export const octetString = (content: Uint8Array): Uint8Array => element(tags.octetString, content);

/** A BIT STRING; `unusedBits` of the last octet do not count and must be zero. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Uint8Array =>
  element(tags.bitString, unusedBits === 0 ? zero : new Uint8Array([unusedBits]), bytes);

const zero = new Uint8Array([0]);

/**
 * A BIT STRING of named bits without trailing zero bits (X.690 11.2.2).
 * @param bits the numbers of the bits that are set, 0 being the first
 */
export function namedBits(bits: readonly number[]): Uint8Array {
  if (bits.length === 0) return bitString(new Uint8Array(0));
  const last = Math.max(...bits);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] as number) | (0x80 >> (bit & 7));
  return bitString(bytes, 7 - (last & 7));
}

const encodedOids = new Map<string, Uint8Array>();

/** An OBJECT IDENTIFIER from its dotted form. The result is shared: do not change it. */
export function oid(dotted: string): Uint8Array {
  const known = encodedOids.get(dotted);
  if (known) return known;
  // BigInt reads much more than decimal arcs, and arcs out of range would encode another OID.
  if (!/^([01]\.[1-3]?\d|2\.(0|[1-9]\d*))(\.(0|[1-9]\d*))*$/.test(dotted)) {
    throw new RangeError(`not an OID: ${dotted}`);
  }
  const [first, second, ...rest] = dotted.split('.').map((arc) => BigInt(arc)) as [
    bigint,
    bigint,
    ...bigint[],
  ];
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    octets.push(...groups);
  }
  if (octets.length > MAX_OID_OCTETS) throw new RangeError(`too long an OID: ${dotted}`);
  const encoded = element(tags.oid, new Uint8Array(octets));
  if (encodedOids.size < MAX_CACHED_OIDS) encodedOids.set(dotted, encoded);
  return encoded;
}

export const utf8String = (characters: string): Uint8Array =>
  isAscii(characters)
    ? text(tags.utf8String, characters)
    : element(tags.utf8String, Buffer.from(characters, 'utf8'));

function isAscii(characters: string): boolean {
  for (let i = 0; i < characters.length; i++) if (characters.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** A PrintableString; the caller has checked the characters. */
export const printableString = (characters: string): Uint8Array =>
  text(tags.printableString, characters);

/** An IA5String; the caller has checked the characters. */
export const ia5String = (characters: string): Uint8Array => text(tags.ia5String, characters);

function text(tag: number, characters: string): Uint8Array {
  if (characters.length > MAX_LOOPED) return element(tag, Buffer.from(characters, 'latin1'));
  const out = new Uint8Array(2 + characters.length);
  out[0] = tag;
  out[1] = characters.length;
  for (let i = 0; i < characters.length; i++) out[2 + i] = characters.charCodeAt(i);
  return out;
}

/** A Time as RFC 5280 4.1.2.5 wants it: UTCTime through 2049, GeneralizedTime after. */
export function time(value: Date): Uint8Array {
  const year = value.getUTCFullYear();
  if (year < 1950) throw new RangeError(`year ${year} cannot be written`);
  if (year >= 2050) return generalizedTime(value);
  return digits(tags.utcTime, timeFields(value).slice(1));
}

/** A GeneralizedTime in whole seconds, UTC. */
export const generalizedTime = (value: Date): Uint8Array =>
  digits(tags.generalizedTime, timeFields(value));

/** The century and what follows it, each of them two digits. */
function timeFields(value: Date): readonly number[] {
  const year = value.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new RangeError(`year ${year} cannot be written`);
  return [
    Math.floor(year / 100),
    year % 100,
    value.getUTCMonth() + 1,
    value.getUTCDate(),
    value.getUTCHours(),
    value.getUTCMinutes(),
    value.getUTCSeconds(),
  ];
}

/** Each number as two decimal digits, and the Z of UTC. */
function digits(tag: number, fields: readonly number[]): Uint8Array {
  const length = 2 * fields.length + 1;
  const out = new Uint8Array(2 + length);
  out[0] = tag;
  out[1] = length;
  let at = 2;
  for (const field of fields) {
    out[at++] = 0x30 + Math.floor(field / 10);
    out[at++] = 0x30 + (field % 10);
  }
  out[at] = 0x5a;
  return out;
}
