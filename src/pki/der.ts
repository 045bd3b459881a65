/**
 * The one DER reader of evpki (`der-writer.ts` is the one writer): what policy decides on and what
 * is signed go through this file. It reads DER and nothing else (ITU-T X.690 section 10): definite lengths in their
 * shortest form, one-octet tags, minimal integers, canonical booleans and bit strings. Whatever a
 * BER parser would forgive is an error here, because two parsers that read the same bytes
 * differently are how a CA signs something that it did not approve.
 *
 * Readers are cursors over the caller's bytes: nothing is copied, so the input must not change
 * while its elements are in use.
 */

/** Tag octets (class, constructed bit and number) of the types that X.509 uses. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
} as const;

/** The tag octet of `[number]`, constructed (EXPLICIT, or IMPLICIT over a constructed type). */
export const contextConstructed = (number: number): number => 0xa0 | number;

/** The tag octet of `[number]`, primitive (IMPLICIT over a primitive type). */
export const contextPrimitive = (number: number): number => 0x80 | number;

/** Bytes that are not DER, or not of the expected type. `offset` counts from the input's start. */
export class DerError extends Error {
  override readonly name = 'DerError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.offset = offset;
  }
}

/** One tag-length-value. `raw` is the whole of it, `content` its value octets. */
export interface DerElement {
  readonly tag: number;
  readonly raw: Uint8Array;
  readonly content: Uint8Array;
  /** Where `raw` starts in the input. */
  readonly offset: number;
}

export interface DerBitString {
  readonly unusedBits: number;
  readonly bytes: Uint8Array;
}

/** Deeper nesting than any structure evpki reads; deeper input is an attack or an accident. */
const MAX_DEPTH = 24;
/** The longest object identifier accepted, in content octets: longer ones cost quadratic time. */
export const MAX_OID_OCTETS = 40;

/** A cursor over the elements of one DER value. Every method throws {@link DerError}. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #depth: number;
  #position = 0;

  private constructor(bytes: Uint8Array, base: number, depth: number) {
    this.#bytes = bytes;
    this.#base = base;
    this.#depth = depth;
  }

  /**
   * A reader over `bytes`, which hold one or more elements.
   * @param maxBytes input longer than this is refused before anything is parsed
   */
  static over(bytes: Uint8Array, maxBytes: number): DerReader {
    if (bytes.length > maxBytes) {
      throw new DerError(`${bytes.length} bytes are more than the ${maxBytes} allowed`, maxBytes);
    }
    return new DerReader(bytes, 0, 0);
  }

  /** Where the next element starts, from the start of the outermost input. */
  get offset(): number {
    return this.#base + this.#position;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** The next element's tag octet, or undefined at the end. */
  peekTag(): number | undefined {
    return this.#bytes[this.#position];
  }

  /** Whether the next element carries this tag. */
  has(tag: number): boolean {
    return this.#bytes[this.#position] === tag;
  }

  /** The next element, of the given tag if one is given. */
  read(expectedTag?: number): DerElement {
    const start = this.#position;
    const bytes = this.#bytes;
    const tag = bytes[start];
    if (tag === undefined) this.#fail('an element is missing');
    if (expectedTag !== undefined && tag !== expectedTag) {
      this.#fail(`tag 0x${hexOctet(tag)} stands where 0x${hexOctet(expectedTag)} is expected`);
    }
    if ((tag & 0x1f) === 0x1f) this.#fail('a tag number above 30 has no place here');
    if (expectedTag === undefined && !isDerForm(tag)) {
      this.#fail(`tag 0x${hexOctet(tag)} is BER, or no type at all`);
    }
    const contentStart = this.#contentStart(start);
    const { header, length } = contentStart;
    const end = start + header + length;
    if (end > bytes.length) this.#fail(`the length ${length} runs past the end`);
    this.#position = end;
    return {
      tag,
      raw: bytes.subarray(start, end),
      content: bytes.subarray(start + header, end),
      offset: this.#base + start,
    };
  }

  #contentStart(start: number): { header: number; length: number } {
    const bytes = this.#bytes;
    const first = bytes[start + 1];
    if (first === undefined) this.#fail('a length is missing');
    if (first < 0x80) return { header: 2, length: first };
    if (first === 0x80) this.#fail('an indefinite length is BER, not DER');
    const octets = first & 0x7f;
    if (octets > 4) this.#fail('a length of more than four octets');
    let length = 0;
    for (let i = 0; i < octets; i++) {
      const octet = bytes[start + 2 + i];
      if (octet === undefined) this.#fail('a length is cut off');
      length = length * 256 + octet;
    }
    if (length < 0x80 || (octets > 1 && bytes[start + 2] === 0)) {
      this.#fail('a length is not in its shortest form');
    }
    return { header: 2 + octets, length };
  }

  /** A reader over the elements inside the next element, which must carry `tag`. */
  enter(tag: number): DerReader {
    return this.inside(this.read(tag));
  }

  /** A reader over the elements inside `element`, which this reader returned. */
  inside(element: DerElement): DerReader {
    if (this.#depth + 1 > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`);
    const base = element.offset + (element.raw.length - element.content.length);
    return new DerReader(element.content, base, this.#depth + 1);
  }

  sequence(): DerReader {
    return this.enter(tags.sequence);
  }

  set(): DerReader {
    return this.enter(tags.set);
  }

  /**
   * The elements of a SET OF, which DER wants in ascending order of their encodings (X.690 11.6).
   */
  setOf(tag: number = tags.set): { elements: DerElement[]; reader: DerReader } {
    const reader = this.enter(tag);
    const elements: DerElement[] = [];
    while (!reader.atEnd) {
      const element = reader.read();
      const previous = elements.at(-1);
      if (previous && compareBytes(previous.raw, element.raw) > 0) {
        throw new DerError('the elements of a SET OF are not in order', element.offset);
      }
      elements.push(element);
    }
    return { elements, reader };
  }

  boolean(): boolean {
    const { content, offset } = this.read(tags.boolean);
    const value = content[0];
    if (content.length !== 1 || (value !== 0x00 && value !== 0xff)) {
      throw new DerError('a boolean is neither 00 nor FF', offset);
    }
    return value === 0xff;
  }

  /** The content octets of an INTEGER in its shortest form, two's complement. */
  integerBytes(tag: number = tags.integer): Uint8Array {
    const { content, offset } = this.read(tag);
    const first = content[0];
    if (first === undefined) throw new DerError('an integer has no content', offset);
    const second = content[1];
    if (second !== undefined) {
      const padded = (first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80);
      if (padded) throw new DerError('an integer is not in its shortest form', offset);
    }
    return content;
  }

  /** An INTEGER between -2^31 and 2^31-1, such as a version. */
  smallInteger(tag: number = tags.integer): number {
    const start = this.offset;
    const content = this.integerBytes(tag);
    if (content.length > 4) throw new DerError('an integer is too large', start);
    let value = (content[0] as number) >= 0x80 ? -1 : 0;
    for (const octet of content) value = (value << 8) | octet;
    return value;
  }

  bitString(): DerBitString {
    const element = this.read(tags.bitString);
    return bitStringOf(element.content, element.offset);
  }

  octetString(): Uint8Array {
    return this.read(tags.octetString).content;
  }

  null(): void {
    const { content, offset } = this.read(tags.null);
    if (content.length !== 0) throw new DerError('a NULL has content', offset);
  }

  /** An OBJECT IDENTIFIER in dotted form, such as `2.5.4.3`. */
  oid(): string {
    const { content, offset } = this.read(tags.oid);
    return dottedOid(content, offset);
  }

  /** A UTCTime or GeneralizedTime in the form that RFC 5280 4.1.2.5 prescribes. */
  time(): Date {
    const element = this.read();
    return timeOf(element);
  }

  /** A GeneralizedTime `YYYYMMDDHHMMSSZ`, as OCSP and CRL entries carry it. */
  generalizedTime(tag: number = tags.generalizedTime): Date {
    const { content, offset } = this.read(tag);
    return parseTime(Buffer.from(content).toString('latin1'), 4, offset);
  }

  /** Refuses anything after what has been read. */
  end(): void {
    if (!this.atEnd) this.#fail('bytes follow where none belong');
  }

  #fail(message: string): never {
    throw new DerError(message, this.offset);
  }
}

/**
 * Whether a tag octet of the universal class says constructed exactly where DER does: strings come
 * in one piece (X.690 10.2), and number 0 only ever ends BER's indefinite lengths.
 */
function isDerForm(tag: number): boolean {
  if (tag >= 0x40) return true;
  const number = tag & 0x1f;
  return number !== 0 && tag >= 0x20 === constructedTypes.includes(number);
}

/** EXTERNAL, EMBEDDED PDV, SEQUENCE, SET and CHARACTER STRING. */
const constructedTypes = [8, 11, 16, 17, 29];

/** The value octets of a BIT STRING as bits. Unused bits must be zero (X.690 11.2.1). */
export function bitStringOf(content: Uint8Array, offset = 0): DerBitString {
  const unusedBits = content[0];
  if (unusedBits === undefined || unusedBits > 7 || (unusedBits > 0 && content.length === 1)) {
    throw new DerError('a bit string counts its unused bits wrongly', offset);
  }
  const last = content[content.length - 1] as number;
  if (unusedBits > 0 && (last & ((1 << unusedBits) - 1)) !== 0) {
    throw new DerError('unused bits of a bit string are set', offset);
  }
  return { unusedBits, bytes: content.subarray(1) };
}

/** The time in a UTCTime or GeneralizedTime element (RFC 5280 4.1.2.5.1, 4.1.2.5.2). */
function timeOf({ tag, content, offset }: DerElement): Date {
  const text = Buffer.from(content).toString('latin1');
  if (tag === tags.utcTime) return parseTime(text, 2, offset);
  if (tag !== tags.generalizedTime) {
    throw new DerError(`tag 0x${hexOctet(tag)} stands where a time is expected`, offset);
  }
  const time = parseTime(text, 4, offset);
  if (time.getUTCFullYear() < 2050) {
    throw new DerError('a time before 2050 is written as GeneralizedTime', offset);
  }
  return time;
}

function parseTime(text: string, yearDigits: 2 | 4, offset: number): Date {
  const expected = yearDigits === 2 ? /^\d{12}Z$/ : /^\d{14}Z$/;
  if (!expected.test(text)) {
    throw new DerError('a time is not written in whole seconds and UTC', offset);
  }
  const year = Number(text.slice(0, yearDigits));
  // RFC 5280 4.1.2.5.1: two-digit years from 50 are of the twentieth century.
  const fullYear = yearDigits === 4 ? year : year >= 50 ? 1900 + year : 2000 + year;
  const field = (index: number) =>
    Number(text.slice(yearDigits + 2 * index, yearDigits + 2 * index + 2));
  const [month, day, hour, minute, second] = [field(0), field(1), field(2), field(3), field(4)];
  const time = new Date(0);
  time.setUTCFullYear(fullYear, month - 1, day);
  time.setUTCHours(hour, minute, second, 0);
  const exists =
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!exists) throw new DerError('a time that no calendar or clock shows', offset);
  return time;
}

const dottedByContent = new Map<string, string>();
const MAX_CACHED_OIDS = 512;

function dottedOid(content: Uint8Array, offset: number): string {
  if (content.length > MAX_OID_OCTETS) {
    throw new DerError(`an object identifier of more than ${MAX_OID_OCTETS} octets`, offset);
  }
  const key = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  const known = dottedByContent.get(key);
  if (known !== undefined) return known;

  const arcs: bigint[] = [];
  let arc = 0n;
  let atStart = true;
  for (const octet of content) {
    if (atStart && octet === 0x80) {
      throw new DerError('an object identifier is not in its shortest form', offset);
    }
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    atStart = octet < 0x80;
    if (atStart) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const first = arcs[0];
  if (first === undefined || !atStart) {
    throw new DerError('an object identifier is cut off', offset);
  }
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n;
  const dotted = [root, first - root * 40n, ...arcs.slice(1)].join('.');
  // Bounded, so that a caller inventing identifiers cannot grow it.
  if (dottedByContent.size < MAX_CACHED_OIDS) dottedByContent.set(key, dotted);
  return dotted;
}

const hexOctet = (octet: number): string => octet.toString(16).padStart(2, '0');

/** Orders byte strings as DER does: octet by octet, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Whether two byte strings are equal. Not for secrets: it takes as long as they agree. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
