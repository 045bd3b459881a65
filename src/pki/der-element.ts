/** What a DER reader returns and throws: tags, elements and errors. */

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

export const hexOctet = (octet: number): string => octet.toString(16).padStart(2, '0');
