import { BitReader } from './bit-reader.ts';
import { isXmlCharacter } from './characters.ts';

/**
 * Reads strings. The profile of ISO 15118 has no string table ([V2G2-099]: valuePartitionCapacity
 * is 0), so that every string is spelled out, but encoders exist that refer to strings that came
 * before (EXI 1.0, 7.3.3). Such hits are resolved and counted.
 */
export class ExiReader extends BitReader {
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #hits = 0;

  /** How many strings were references to earlier ones. */
  get stringTableHits(): number {
    return this.#hits;
  }

  /**
   * A string of `min` to `max` characters, which are Unicode code points.
   * @param name of the attribute or element whose value it is, with its namespace where the same
   * local name occurs in several: strings of one name have a table of their own
   */
  string(name: string, min: number, max: number): string {
    const start = this.bit;
    const length = this.unsignedInteger();
    if (length < 2) return this.#hit(length === 0 ? name : undefined, min, max, start);
    const count = length - 2;
    if (count < min || count > max) this.#refuseLength(count, min, max, start);
    const value = this.printable(count) ?? this.#codePoints(count);
    if (count > 0) {
      this.#names.push(name);
      this.#values.push(value);
    }
    return value;
  }

  #codePoints(count: number): string {
    let value = '';
    for (let i = 0; i < count; i++) {
      const start = this.bit;
      const codePoint = this.unsignedInteger();
      if (!isXmlCharacter(codePoint)) {
        this.fail('bad-value', `${codePoint} is no character that XML allows`, start);
      }
      value += String.fromCodePoint(codePoint);
    }
    return value;
  }

  /** The string that a number names, among those of `name` or, without one, among all. */
  #hit(name: string | undefined, min: number, max: number, start: number): string {
    const strings =
      name === undefined
        ? this.#values
        : this.#values.filter((_, index) => this.#names[index] === name);
    const index = strings.length < 2 ? 0 : this.bits(Math.ceil(Math.log2(strings.length)));
    const value = strings[index];
    if (value === undefined) this.fail('bad-value', 'a string that did not occur before', start);
    const count = [...value].length;
    if (count < min || count > max) this.#refuseLength(count, min, max, start);
    this.#hits += 1;
    return value;
  }

  #refuseLength(count: number, min: number, max: number, start: number): never {
    this.fail('limit', `${count} characters; ${min} to ${max} are allowed`, start);
  }
}
