/**
 * Writes the parts of EXI for tests, bit after bit and without any check, with a string table if asked
 * for (EXI 1.0, 7.1 and 7.3.3).
 */

export class HandWriter {
  /** Zeros and ones. */
  bits = '';
  /** How many strings were written as references. */
  hits = 0;
  readonly #table: Map<string, string[]> | undefined;

  /** @param withTable whether strings that came before are written as references to them */
  constructor(withTable = false) {
    this.#table = withTable ? new Map([['', []]]) : undefined;
  }

  code(value: number, width: number): void {
    this.bits += value.toString(2).padStart(width, '0');
  }

  unsigned(value: bigint | number): void {
    let rest = BigInt(value);
    do {
      const group = Number(rest & 127n);
      rest >>= 7n;
      this.code(rest > 0n ? group | 128 : group, 8);
    } while (rest > 0n);
  }

  signed(value: bigint | number): void {
    const number = BigInt(value);
    this.code(number < 0n ? 1 : 0, 1);
    this.unsigned(number < 0n ? -number - 1n : number);
  }

  binary(octets: Uint8Array): void {
    this.unsigned(octets.length);
    for (const octet of octets) this.code(octet, 8);
  }

  /** @param name with its namespace: strings of one name have a table of their own */
  string(name: string, value: string): void {
    const local = this.#table?.get(name) ?? [];
    const global = this.#table?.get('') ?? [];
    if (local.includes(value)) {
      this.#reference(0, local.indexOf(value), local.length);
      return;
    }
    if (global.includes(value)) {
      this.#reference(1, global.indexOf(value), global.length);
      return;
    }
    const codePoints = [...value].map((character) => character.codePointAt(0) as number);
    this.unsigned(codePoints.length + 2);
    for (const codePoint of codePoints) this.unsigned(codePoint);
    if (value === '') return;
    this.#table?.set(name, [...local, value]);
    this.#table?.set('', [...global, value]);
  }

  #reference(kind: 0 | 1, index: number, count: number): void {
    this.hits += 1;
    this.unsigned(kind);
    if (count > 1) this.code(index, Math.ceil(Math.log2(count)));
  }

  finish(): Uint8Array {
    const padded = this.bits.padEnd(8 * Math.ceil(this.bits.length / 8), '0');
    return Uint8Array.from(padded.match(/.{8}/g) ?? [], (octet) => Number.parseInt(octet, 2));
  }
}

/** The only attribute that may come, and its value. */
export function attribute(w: HandWriter, name: string, text: string): void {
  w.code(0, 1);
  w.string(name, text);
}

/** Content and end of an element that holds a value. */
export function value(w: HandWriter, write: () => void): void {
  w.code(0, 1);
  write();
  w.code(0, 1);
}

/** The only element that may come, which holds a value. */
export function element(w: HandWriter, write: () => void): void {
  w.code(0, 1);
  value(w, write);
}

/** Elements one after the other; beyond `max`, and without any, the code that leaves the schema. */
export function repeat<T>(
  w: HandWriter,
  max: number,
  items: readonly T[],
  write: (item: T) => void,
): void {
  items.forEach((item, index) => {
    if (index === 0) w.code(0, 1);
    else if (index < max) w.code(0, 2);
    else w.code(1, 1);
    write(item);
  });
  if (items.length === 0) w.code(1, 1);
  else if (items.length < max) w.code(1, 2);
  else w.code(0, 1);
}
