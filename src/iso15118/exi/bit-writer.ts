/** Writes what {@link BitReader} reads, into an array that grows. */

import { ExiError, type ExiErrorCode } from './exi-error.ts';

export class BitWriter {
  #octets = new Uint8Array(4_096);
  #bit = 0;
  /** Names of the elements that are open. */
  readonly path: string[] = [];

  /** Bits written so far. */
  get bit(): number {
    return this.#bit;
  }

  fail(code: ExiErrorCode, problem: string): never {
    throw new ExiError(code, problem, this.#bit, this.path.join('/'));
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

  unsignedInteger(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bits((rest % 128) | 0x80, 8);
      rest = Math.floor(rest / 128);
    }
    this.bits(rest, 8);
  }

  bigUnsignedInteger(value: bigint): void {
    let rest = value;
    for (; rest >= 2n ** 49n; rest >>= 49n) {
      let part = Number(BigInt.asUintN(49, rest));
      for (let group = 0; group < 7; group++) {
        this.bits((part % 128) | 0x80, 8);
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
    const target = this.#octets;
    if (shift === 0) {
      target.set(source, from);
    } else {
      let window = (target[from] as number) >>> (8 - shift);
      for (let i = 0; i < source.length; i++) {
        window = ((window & 0xff) << 8) | (source[i] as number);
        target[from + i] = window >>> shift;
      }
      target[from + source.length] = window << (8 - shift);
    }
    this.#bit = start + source.length * 8;
  }

  /** What was written; the last octet is filled with zero bits. */
  finish(): Uint8Array {
    return this.#octets.slice(0, (this.#bit + 7) >>> 3);
  }

  #makeRoom(length: number): void {
    if (length <= this.#octets.length) return;
    const larger = new Uint8Array(Math.max(length, 2 * this.#octets.length));
    larger.set(this.#octets);
    this.#octets = larger;
  }
}
