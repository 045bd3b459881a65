/** Writes what {@link BitReader} reads, into an array that grows. */

import { ExiError, type ExiErrorCode } from './exi-error.ts';
import type { KeptElements } from './kept-elements.ts';
import { copyToBits } from './shifted-octets.ts';

/** Enough for most messages. */
const ROOM = 8_192;
const SLAB = 65_536;

/**
 * Writers write one behind the other into one large array, zeros before; what they have written is
 * part of it. Whoever writes has it alone, and one that fails keeps it.
 */
let shared: { readonly octets: Uint8Array; readonly used: number } | undefined;

export class BitWriter {
  #octets: Uint8Array;
  /** Where this writer began. */
  #start: number;
  #bit: number;
  /** Names of the elements that are open. */
  readonly path: string[] = [];
  readonly kept: KeptElements | undefined;

  /** @param kept elements that are not to be written twice, if there are any */
  constructor(kept?: KeptElements) {
    this.kept = kept;
    const { octets, used } = shared ?? { octets: new Uint8Array(SLAB), used: 0 };
    shared = undefined;
    this.#octets = octets;
    this.#start = used;
    this.#bit = used * 8;
  }

  /** Bits written so far. */
  get bit(): number {
    return this.#bit - this.#start * 8;
  }

  fail(code: ExiErrorCode, problem: string): never {
    throw new ExiError(code, problem, this.bit, this.path.join('/'));
  }

  /** `value` in `count` bits, at most 16. */
  bits(value: number, count: number): void {
    const start = this.#bit;
    const index = start >>> 3;
    this.#makeRoom(index + 3);
    const octets = this.#octets;
    const window = value << (24 - (start & 7) - count);
    // The octets after the position are zero still.
    octets[index] = (octets[index] as number) | (window >>> 16);
    octets[index + 1] = window >>> 8;
    octets[index + 2] = window;
    this.#bit = start + count;
  }

  octet(value: number): void {
    const start = this.#bit;
    const index = start >>> 3;
    const shift = start & 7;
    this.#makeRoom(index + 2);
    const octets = this.#octets;
    octets[index] = (octets[index] as number) | (value >>> shift);
    octets[index + 1] = value << (8 - shift);
    this.#bit = start + 8;
  }

  unsignedInteger(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.octet((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.octet(rest);
  }

  bigUnsignedInteger(value: bigint): void {
    let rest = value;
    for (; rest >= 2n ** 49n; rest >>= 49n) {
      let part = Number(BigInt.asUintN(49, rest));
      for (let group = 0; group < 7; group++) {
        this.octet((part % 128) | 0x80);
        part = Math.floor(part / 128);
      }
    }
    this.unsignedInteger(Number(rest));
  }

  octets(source: Uint8Array): void {
    const start = this.#bit;
    const from = start >>> 3;
    const shift = start & 7;
    this.#makeRoom(from + source.length + 1);
    if (shift === 0) this.#octets.set(source, from);
    else copyToBits(source, this.#octets, from, shift);
    this.#bit = start + source.length * 8;
  }

  /** Text of ASCII, an octet for each character. */
  ascii(text: string): void {
    this.#makeRoom((this.#bit >>> 3) + text.length + 1);
    const octets = this.#octets;
    const shift = this.#bit & 7;
    const rest = 8 - shift;
    let index = this.#bit >>> 3;
    let begun = octets[index] as number;
    for (let i = 0; i < text.length; i++) {
      const octet = text.charCodeAt(i);
      octets[index] = begun | (octet >>> shift);
      begun = octet << rest;
      index += 1;
    }
    octets[index] = begun;
    this.#bit += text.length * 8;
  }

  /** Bits of another array, wherever in an octet they start. */
  copy(source: Uint8Array, from: number, to: number): void {
    const lead = Math.min((8 - (from & 7)) & 7, to - from);
    this.bits(bitsOf(source[from >>> 3], from & 7, lead), lead);
    const first = (from + lead) >>> 3;
    const count = (to - from - lead) >>> 3;
    if (count > 0) this.octets(source.subarray(first, first + count));
    const rest = (to - from - lead) & 7;
    this.bits(bitsOf(source[first + count], 0, rest), rest);
  }

  /**
   * The array that is being written, and the bit of it where this writer is: what lies before it
   * stays as it is.
   */
  get place(): { readonly octets: Uint8Array; readonly bit: number } {
    return { octets: this.#octets, bit: this.#bit };
  }

  /** What was written; the last octet is filled with zero bits. It ends the writer. */
  finish(): Uint8Array {
    const octets = this.#octets;
    const end = (this.#bit + 7) >>> 3;
    if (octets.length - end >= ROOM) shared = { octets, used: end };
    const written = octets.subarray(this.#start, end);
    this.#octets = new Uint8Array(0);
    this.#start = 0;
    this.#bit = 0;
    return written;
  }

  #makeRoom(end: number): void {
    if (end <= this.#octets.length) return;
    const larger = new Uint8Array(Math.max(end, 2 * this.#octets.length));
    larger.set(this.#octets);
    this.#octets = larger;
  }
}

/** `count` bits of an octet, from bit `from` on, the most significant being 0. */
const bitsOf = (octet: number | undefined, from: number, count: number): number =>
  ((octet ?? 0) >>> (8 - from - count)) & ((1 << count) - 1);
