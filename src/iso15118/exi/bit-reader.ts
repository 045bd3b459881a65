/**
 * Reads the bits of an EXI document (W3C EXI 1.0, bit-packed), most significant first, and knows
 * where it is: the bit, and the elements around it. Nothing is allocated before its length has been
 * held against what is left of the document. What it returns is copied out of the document.
 */

import { ExiError, type ExiErrorCode } from './exi-error.ts';
import { MAX_CHARACTERS } from './limits.ts';
import { copyFromBits } from './shifted-octets.ts';

/** Where characters are collected: a text that grows by one at a time is as many objects. */
const text = Buffer.alloc(MAX_CHARACTERS);

export class BitReader {
  readonly #octets: Uint8Array;
  readonly #end: number;
  #bit = 0;
  /** Where octets are copied to: one array for all, as they are no more than the document has. */
  readonly #copies: Uint8Array;
  #copied = 0;
  /** Names of the elements that are open. */
  readonly path: string[] = [];

  constructor(octets: Uint8Array) {
    this.#octets = octets;
    this.#end = octets.length * 8;
    this.#copies = new Uint8Array(octets.length);
  }

  /** Bits read so far. */
  get bit(): number {
    return this.#bit;
  }

  fail(code: ExiErrorCode, problem: string, bit = this.#bit): never {
    throw new ExiError(code, problem, bit, this.path.join('/'));
  }

  /** The next `count` bits, at most 16, as a number. */
  bits(count: number): number {
    const start = this.#bit;
    if (start + count > this.#end) this.fail('truncated', 'the document ends here');
    this.#bit = start + count;
    const index = start >>> 3;
    const octets = this.#octets;
    const window =
      ((octets[index] ?? 0) << 16) | ((octets[index + 1] ?? 0) << 8) | (octets[index + 2] ?? 0);
    return (window >>> (24 - (start & 7) - count)) & ((1 << count) - 1);
  }

  /** The next eight bits. */
  octet(): number {
    const start = this.#bit;
    if (start + 8 > this.#end) this.fail('truncated', 'the document ends here');
    this.#bit = start + 8;
    const index = start >>> 3;
    const shift = start & 7;
    const first = this.#octets[index] as number;
    if (shift === 0) return first;
    return ((first << shift) | ((this.#octets[index + 1] as number) >>> (8 - shift))) & 0xff;
  }

  /** An Unsigned Integer: groups of seven bits, the least significant first; below 2^35. */
  unsignedInteger(): number {
    const start = this.#bit;
    let octet = this.octet();
    if (octet < 0x80) return octet;
    let value = octet & 0x7f;
    for (let factor = 128; octet >= 0x80; factor *= 128) {
      if (factor > 2 ** 28) this.fail('limit', 'a number of more than five octets', start);
      octet = this.octet();
      value += (octet & 0x7f) * factor;
    }
    if (octet === 0) this.#notShortest(start);
    return value;
  }

  /** An Unsigned Integer of at most `maxBits` bits. */
  bigUnsignedInteger(maxBits: number): bigint {
    const start = this.#bit;
    let value = 0n;
    let shift = 0;
    // Seven groups at a time fit a number; BigInt is for what they make together.
    for (;;) {
      let part = 0;
      let factor = 1;
      let octet = 0x80;
      for (let group = 0; group < 7 && octet >= 0x80; group++) {
        octet = this.octet();
        part += (octet & 0x7f) * factor;
        factor *= 128;
      }
      if (shift >= maxBits) this.fail('limit', `a number of more than ${maxBits} bits`, start);
      value |= BigInt(part) << BigInt(shift);
      if (octet < 0x80) {
        if (octet === 0 && this.#bit > start + 8) this.#notShortest(start);
        if (value >> BigInt(maxBits) > 0n) {
          this.fail('limit', `a number of more than ${maxBits} bits`, start);
        }
        return value;
      }
      shift += 49;
    }
  }

  #notShortest(start: number): never {
    this.fail('not-canonical', 'a number is not in its shortest form', start);
  }

  /** Refuses `count` items of at least eight bits each that the document is too short for. */
  expectOctets(count: number): void {
    if (count * 8 > this.#end - this.#bit) {
      this.fail('truncated', `${count} octets are announced, and the document is shorter`);
    }
  }

  /** The next `count` octets, wherever in an octet they start. */
  octets(count: number): Uint8Array {
    this.expectOctets(count);
    const start = this.#bit;
    this.#bit = start + count * 8;
    const from = start >>> 3;
    const shift = start & 7;
    const result = this.#copies.subarray(this.#copied, this.#copied + count);
    this.#copied += count;
    if (shift === 0) result.set(this.#octets.subarray(from, from + count));
    else copyFromBits(this.#octets, from, shift, result);
    return result;
  }

  /**
   * The next `count` octets as text, if all of them are printable characters of ASCII; otherwise
   * nothing was read.
   */
  printable(count: number): string | undefined {
    this.expectOctets(count);
    const start = this.#bit;
    const characters = count <= text.length ? text : Buffer.alloc(count);
    for (let i = 0; i < count; i++) {
      const octet = this.octet();
      if (octet < 0x20 || octet > 0x7e) {
        this.#bit = start;
        return undefined;
      }
      characters[i] = octet;
    }
    return characters.toString('latin1', 0, count);
  }

  /**
   * Ends the document: the rest of the last octet must be zero bits, what follows zero octets.
   * @returns how many zero octets follow
   */
  end(): number {
    const start = this.#bit;
    const padding = (8 - (start & 7)) & 7;
    if (this.bits(padding) !== 0) {
      this.fail('not-canonical', 'the bits after the end are not zero', start);
    }
    const from = this.#bit >>> 3;
    for (let i = from; i < this.#octets.length; i++) {
      if (this.#octets[i] !== 0) {
        this.fail('trailing-data', 'something follows the end of the document', i * 8);
      }
    }
    return this.#octets.length - from;
  }
}
