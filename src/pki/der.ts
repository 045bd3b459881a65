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

/** One tag-length-value, as a {@link DerReader} returns it. */
export class DerElement {
  readonly tag: number;
  /** Where `raw` starts in the input. */
  readonly offset: number;
  /** Where `content` starts in the input. */
  readonly contentOffset: number;
  /** Where both end in the input. */
  readonly end: number;
  /** The outermost input, which the offsets count in. */
  readonly input: Uint8Array;

  constructor(input: Uint8Array, tag: number, offset: number, contentOffset: number, end: number) {
    this.input = input;
    this.tag = tag;
    this.offset = offset;
    this.contentOffset = contentOffset;
    this.end = end;
  }

  // Views are made when somebody asks: most elements are entered and no more.

  /** The whole of it. */
  get raw(): Uint8Array {
    return this.input.subarray(this.offset, this.end);
  }

  /** Its value octets. */
  get content(): Uint8Array {
    return this.input.subarray(this.contentOffset, this.end);
  }
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
  /** The outermost input; positions and offsets count from its start. */
  readonly #input: Uint8Array;
  readonly #end: number;
  readonly #depth: number;
  #position: number;

  private constructor(input: Uint8Array, start: number, end: number, depth: number) {
    this.#input = input;
    this.#position = start;
    this.#end = end;
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
    return new DerReader(bytes, 0, bytes.length, 0);
  }

  /** Where the next element starts, from the start of the outermost input. */
  get offset(): number {
    return this.#position;
  }

  get atEnd(): boolean {
    return this.#position === this.#end;
  }

  /** The next element's tag octet, or undefined at the end. */
  peekTag(): number | undefined {
    return this.#position < this.#end ? this.#input[this.#position] : undefined;
  }

  /** Whether the next element carries this tag. */
  has(tag: number): boolean {
    return this.peekTag() === tag;
  }

  /** The next element, of the given tag if one is given. */
  read(expectedTag?: number): DerElement {
    const start = this.#position;
    const tag = this.peekTag();
    if (tag === undefined) this.#fail('an element is missing');
    if (expectedTag !== undefined && tag !== expectedTag) {
      this.#fail(`tag 0x${hexOctet(tag)} stands where 0x${hexOctet(expectedTag)} is expected`);
    }
    if ((tag & 0x1f) === 0x1f) this.#fail('a tag number above 30 has no place here');
    if (expectedTag === undefined && !isDerForm(tag)) {
      this.#fail(`tag 0x${hexOctet(tag)} is BER, or no type at all`);
    }
    const first = start + 1 < this.#end ? this.#input[start + 1] : undefined;
    if (first === undefined) this.#fail('a length is missing');
    if (first === 0x80) this.#fail('an indefinite length is BER, not DER');
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const length = octets === 0 ? first : this.#longLength(start + 2, octets);
    const contentOffset = start + 2 + octets;
    const end = contentOffset + length;
    if (end > this.#end) this.#fail(`the length ${length} runs past the end`);
    this.#position = end;
    return new DerElement(this.#input, tag, start, contentOffset, end);
  }

  /** A length in `octets` octets after the first, which has told how many there are. */
  #longLength(start: number, octets: number): number {
    if (octets > 4) this.#fail('a length of more than four octets');
    let length = 0;
    for (let i = start; i < start + octets; i++) {
      const octet = i < this.#end ? this.#input[i] : undefined;
      if (octet === undefined) this.#fail('a length is cut off');
      length = length * 256 + octet;
    }
    if (length < 0x80 || (octets > 1 && this.#input[start] === 0)) {
      this.#fail('a length is not in its shortest form');
    }
    return length;
  }

  /** A reader over the elements inside the next element, which must carry `tag`. */
  enter(tag: number): DerReader {
    return this.inside(this.read(tag));
  }

  /** A reader over the elements inside `element`, which this reader returned. */
  inside(element: DerElement): DerReader {
    if (this.#depth + 1 > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`);
    return new DerReader(element.input, element.contentOffset, element.end, this.#depth + 1);
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
      const previous = elements[elements.length - 1];
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
    return parseTime(latin1(content), 4, offset);
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
  const text = latin1(content);
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

const utcTimeForm = /^\d{12}Z$/;
const generalizedTimeForm = /^\d{14}Z$/;

function parseTime(text: string, yearDigits: 2 | 4, offset: number): Date {
  const expected = yearDigits === 2 ? utcTimeForm : generalizedTimeForm;
  if (!expected.test(text)) {
    throw new DerError('a time is not written in whole seconds and UTC', offset);
  }
  const field = (at: number) => Number(text.slice(at, at + 2));
  const year = Number(text.slice(0, yearDigits));
  // RFC 5280 4.1.2.5.1: two-digit years from 50 are of the twentieth century.
  const fullYear = yearDigits === 4 ? year : year >= 50 ? 1900 + year : 2000 + year;
  const month = field(yearDigits);
  const day = field(yearDigits + 2);
  const hour = field(yearDigits + 4);
  const minute = field(yearDigits + 6);
  const second = field(yearDigits + 8);
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

/** Identifiers that were read before, by {@link hashOf} their content. */
const knownOids = new Map<number, { readonly content: Uint8Array; readonly dotted: string }>();
const MAX_KNOWN_OIDS = 512;

function dottedOid(content: Uint8Array, offset: number): string {
  if (content.length > MAX_OID_OCTETS) {
    throw new DerError(`an object identifier of more than ${MAX_OID_OCTETS} octets`, offset);
  }
  const hash = hashOf(content);
  const known = knownOids.get(hash);
  if (known !== undefined && isSameOid(known.content, content)) return known.dotted;

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
  if (known === undefined && knownOids.size < MAX_KNOWN_OIDS) {
    knownOids.set(hash, { content: Uint8Array.from(content), dotted });
  }
  return dotted;
}

/** FNV-1a. Two identifiers with one hash cost the later one its place and nothing else. */
function hashOf(content: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < content.length; i++) {
    hash = Math.imul(hash ^ (content[i] as number), 0x01000193);
  }
  return hash;
}

function isSameOid(known: Uint8Array, content: Uint8Array): boolean {
  if (known.length !== content.length) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== content[i]) return false;
  return true;
}

/** Content octets as text, a character for each; without a copy of them. */
const latin1 = (content: Uint8Array): string =>
  Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');

const hexOctet = (octet: number): string => octet.toString(16).padStart(2, '0');

/** Orders byte strings as DER does: octet by octet, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Whether two byte strings are equal. Not for secrets: it takes as long as they agree. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
