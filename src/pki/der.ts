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

import { compareBytes } from './byte-order.ts';
import { DerElement, DerError, hexOctet, tags } from './der-element.ts';
import { dottedOid } from './der-oid.ts';
import { parseTime, timeOf } from './der-time.ts';

export interface DerBitString {
  readonly unusedBits: number;
  readonly bytes: Uint8Array;
}

/** Deeper nesting than any structure evpki reads; deeper input is an attack or an accident. */
const MAX_DEPTH = 24;
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
    return dottedOid(this.read(tags.oid));
  }

  /** A UTCTime or GeneralizedTime in the form that RFC 5280 4.1.2.5 prescribes. */
  time(): Date {
    return timeOf(this.read());
  }

  /** A GeneralizedTime `YYYYMMDDHHMMSSZ`, as OCSP and CRL entries carry it. */
  generalizedTime(tag: number = tags.generalizedTime): Date {
    return parseTime(this.read(tag), 4);
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
