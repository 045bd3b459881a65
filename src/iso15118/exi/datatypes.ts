/**
 * How values of the schema types are written (EXI 1.0, section 7.1), and what they are limited to.
 * Limits hold both ways: a value beyond one is neither read nor written.
 */

import type { BitWriter } from './bit-writer.ts';
import { isNcName, isPrintable, isXmlCharacter } from './characters.ts';
import type { ExiReader } from './exi-reader.ts';
import { MAX_CHARACTERS, MAX_INTEGER_BITS, MAX_OCTETS } from './limits.ts';

export interface Datatype<T> {
  /** @param name of the attribute or element whose value it is, see {@link ExiReader.string} */
  read(reader: ExiReader, name: string): T;
  write(writer: BitWriter, value: T): void;
}

/** How many characters or octets; without a limit of the schema, one of evpki's own. */
export interface Size {
  readonly min?: number;
  readonly max?: number;
}

/** xs:base64Binary or xs:hexBinary: a length and the octets. */
export function octets({ min = 0, max = MAX_OCTETS }: Size = {}): Datatype<Uint8Array> {
  const allowed = `${min === max ? max : `${min} to ${max}`} are allowed`;
  return {
    read(reader) {
      const start = reader.bit;
      const count = reader.unsignedInteger();
      if (count < min || count > max) reader.fail('limit', `${count} octets; ${allowed}`, start);
      return reader.octets(count);
    },
    write(writer, value) {
      const count = value.length;
      if (count < min || count > max) writer.fail('limit', `${count} octets; ${allowed}`);
      writer.unsignedInteger(count);
      writer.octets(value);
    },
  };
}

/** xs:string or xs:anyURI: a length and the code points. */
export function text({ min = 0, max = MAX_CHARACTERS }: Size = {}): Datatype<string> {
  return {
    read: (reader, name) => reader.string(name, min, max),
    write(writer, value) {
      // Most strings are, and all their code points then are octets below 128.
      const simple = isPrintable(value);
      const count = simple ? value.length : countCharacters(writer, value);
      if (count < min || count > max) {
        writer.fail('limit', `${count} characters; ${min} to ${max} are allowed`);
      }
      writer.unsignedInteger(count + 2);
      if (simple) {
        writer.ascii(value);
        return;
      }
      for (const character of value) writer.unsignedInteger(character.codePointAt(0) as number);
    },
  };
}

/** The code points of a string, all of which XML must allow. */
function countCharacters(writer: BitWriter, value: string): number {
  let count = 0;
  for (const character of value) {
    const codePoint = character.codePointAt(0) as number;
    if (!isXmlCharacter(codePoint)) {
      writer.fail('bad-value', `${codePoint} is no character that XML allows`);
    }
    count += 1;
  }
  return count;
}

const anyText = text();

/** xs:anyURI, which EXI writes as a string. */
export const uri: Datatype<string> = anyText;

/** xs:ID, which EXI writes as a string. */
export const id: Datatype<string> = {
  read(reader, name) {
    const start = reader.bit;
    const value = anyText.read(reader, name);
    if (!isNcName(value)) reader.fail('bad-value', 'an Id must be a name without colon', start);
    return value;
  },
  write(writer, value) {
    if (!isNcName(value)) writer.fail('bad-value', 'an Id must be a name without colon');
    anyText.write(writer, value);
  },
};

/** An enumeration: the position of the value in the order of the schema. */
export function enumeration<const T extends string>(values: readonly T[]): Datatype<T> {
  const width = Math.ceil(Math.log2(values.length));
  return {
    read(reader: ExiReader) {
      const start = reader.bit;
      const code = reader.bits(width);
      const value = values[code];
      if (value === undefined) reader.fail('bad-value', `no value has the code ${code}`, start);
      return value;
    },
    write(writer, value) {
      const code = values.indexOf(value);
      if (code < 0) writer.fail('bad-value', 'not a value of this enumeration');
      writer.bits(code, width);
    },
  };
}

/** xs:unsignedByte: eight bits. */
export const unsignedByte: Datatype<number> = {
  read: (reader) => reader.bits(8),
  write(writer, value) {
    if (!Number.isInteger(value) || value < 0 || value > 0xff) {
      writer.fail('bad-value', 'not a whole number from 0 to 255');
    }
    writer.bits(value, 8);
  },
};

/** xs:unsignedLong: an Unsigned Integer below 2^64. */
export const unsignedLong: Datatype<bigint> = {
  read: (reader) => reader.bigUnsignedInteger(64),
  write(writer, value) {
    if (value < 0n || value >> 64n > 0n) {
      writer.fail('bad-value', 'not a whole number from 0 to 2^64 - 1');
    }
    writer.bigUnsignedInteger(value);
  },
};

/** xs:integer: a sign, then the number, or what a negative one lies below -1. */
export const integer: Datatype<bigint> = {
  read(reader) {
    const negative = reader.bits(1) === 1;
    const magnitude = reader.bigUnsignedInteger(MAX_INTEGER_BITS);
    return negative ? -magnitude - 1n : magnitude;
  },
  write(writer, value) {
    const magnitude = value < 0n ? -value - 1n : value;
    if (magnitude >> BigInt(MAX_INTEGER_BITS) > 0n) {
      writer.fail('limit', `a number of more than ${MAX_INTEGER_BITS} bits`);
    }
    writer.bits(value < 0n ? 1 : 0, 1);
    writer.bigUnsignedInteger(magnitude);
  },
};

/** xs:short, which is written like xs:integer: it has too many values for a field of its own. */
export const short: Datatype<number> = {
  read(reader) {
    const start = reader.bit;
    const negative = reader.bits(1) === 1;
    const magnitude = reader.unsignedInteger();
    if (magnitude > 0x7fff) reader.fail('bad-value', 'not a number of 16 bits', start);
    return negative ? -magnitude - 1 : magnitude;
  },
  write(writer, value) {
    if (!Number.isInteger(value) || value < -0x8000 || value > 0x7fff) {
      writer.fail('bad-value', 'not a number of 16 bits');
    }
    writer.bits(value < 0 ? 1 : 0, 1);
    writer.unsignedInteger(value < 0 ? -value - 1 : value);
  },
};
