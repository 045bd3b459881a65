import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes, sameBytes } from '../../src/pki/byte-order.ts';
import { bitStringOf, DerReader } from '../../src/pki/der.ts';
import { contextConstructed, contextPrimitive, DerError, tags } from '../../src/pki/der-element.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  generalizedTime,
  ia5String,
  implicit,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  printableString,
  sequence,
  set,
  setOf,
  time,
  unsignedInteger,
  utf8String,
} from '../../src/pki/der-writer.ts';

const hex = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replace(/ /g, ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const over = (bytes: Uint8Array): DerReader => DerReader.over(bytes, 1 << 20);
const text = (content: string, tag: number): Uint8Array => element(tag, Buffer.from(content));

/** Reads one value and demands that nothing follows. */
function whole<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = over(bytes);
  const value = read(reader);
  reader.end();
  return value;
}

describe('C1: what BER forgives and DER does not', () => {
  const anything = (reader: DerReader): unknown => reader.read();
  const refusals: [string, string, (reader: DerReader) => unknown, RegExp][] = [
    ['nothing at all', '', anything, /an element is missing/],
    ['a tag alone', '30', anything, /a length is missing/],
    ['indefinite length', '30 80 00 00', anything, /indefinite length/],
    ['long form for 127', '04 81 7f', anything, /shortest form/],
    ['long form with a leading zero', '04 82 00 80', anything, /shortest form/],
    ['a length cut off', '04 82 01', anything, /cut off/],
    ['a length of five octets', '04 85 01 00 00 00 00', anything, /more than four octets/],
    ['the reserved length octet FF', '04 ff', anything, /more than four octets/],
    ['content cut off', '04 03 01 02', anything, /runs past the end/],
    ['a length near 4 GiB', '04 84 ff ff ff ff 00', anything, /runs past the end/],
    ['a tag number above 30', '1f 81 01 00', anything, /above 30/],
    ['a context tag number above 30', 'bf 1f 00', anything, /above 30/],
    ['end-of-contents octets', '00 00', anything, /BER, or no type/],
    ['a constructed octet string', '24 04 04 02 01 02', anything, /BER, or no type/],
    ['a constructed UTF8String', '2c 03 0c 01 41', anything, /BER, or no type/],
    ['a primitive sequence', '10 00', anything, /BER, or no type/],
    ['another tag than expected', '04 00', (r) => r.sequence(), /0x04 stands where 0x30/],
    ['a constructed bit string', '23 04 03 02 00 01', (r) => r.bitString(), /0x23 stands/],
    ['boolean 01', '01 01 01', (r) => r.boolean(), /neither 00 nor FF/],
    ['boolean of two octets', '01 02 00 00', (r) => r.boolean(), /neither 00 nor FF/],
    ['empty boolean', '01 00', (r) => r.boolean(), /neither 00 nor FF/],
    ['empty integer', '02 00', (r) => r.integerBytes(), /no content/],
    ['positive integer padded', '02 02 00 7f', (r) => r.integerBytes(), /shortest form/],
    ['negative integer padded', '02 02 ff 80', (r) => r.integerBytes(), /shortest form/],
    ['five-octet version', '02 05 01 00 00 00 00', (r) => r.smallInteger(), /too large/],
    ['empty bit string', '03 00', (r) => r.bitString(), /unused bits wrongly/],
    ['eight unused bits', '03 02 08 00', (r) => r.bitString(), /unused bits wrongly/],
    ['unused bits of nothing', '03 01 01', (r) => r.bitString(), /unused bits wrongly/],
    ['unused bits set', '03 02 01 01', (r) => r.bitString(), /are set/],
    ['NULL with content', '05 01 00', (r) => r.null(), /NULL has content/],
    ['SET OF out of order', '31 06 04 01 02 04 01 01', (r) => r.setOf(), /not in order/],
    ['trailing bytes', '05 00 00', (r) => r.null(), /bytes follow/],
  ];
  test.each(refusals)('%s is refused', (_name, input, read, message) => {
    const attempt = () => whole(hex(input), read);
    expect(attempt).toThrow(DerError);
    expect(attempt).toThrow(message);
  });

  test.each<[string, string]>([
    ['127 octets in short form', `047f${'00'.repeat(127)}`],
    ['128 octets in long form', `048180${'00'.repeat(128)}`],
    ['255 octets', `0481ff${'00'.repeat(255)}`],
    ['256 octets', `04820100${'00'.repeat(256)}`],
    ['65536 octets', `0483010000${'00'.repeat(65536)}`],
  ])('%s are read and written alike', (_name, input) => {
    const content = whole(hex(input), (r) => r.octetString());
    expect(toHex(octetString(content))).toBe(input);
  });

  test.each<[string, string]>([
    ['[0] constructed', 'a000'],
    ['[30] primitive', '9e00'],
    ['application 1', '6100'],
    ['SET', '3100'],
    ['EXTERNAL', '2800'],
  ])('%s is read without an expected tag', (_name, input) => {
    expect(toHex(over(hex(input)).read().raw)).toBe(input);
  });
});

describe('limits', () => {
  const nested = (depth: number): Uint8Array => {
    let bytes: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < depth; i++) bytes = sequence(bytes);
    return bytes;
  };
  const dive = (bytes: Uint8Array): number => {
    let reader = over(bytes);
    let depth = 0;
    while (!reader.atEnd) {
      reader = reader.sequence();
      depth++;
    }
    return depth;
  };

  test('24 levels are entered, the 25th is refused', () => {
    expect(dive(nested(24))).toBe(24);
    expect(() => dive(nested(25))).toThrow(/nested more than 24 deep/);
    expect(() => dive(nested(5000))).toThrow(DerError);
  });

  test('the input cap is exact and comes before parsing', () => {
    const bytes = octetString(new Uint8Array(10));
    expect(DerReader.over(bytes, 12).octetString()).toHaveLength(10);
    expect(() => DerReader.over(bytes, 11)).toThrow(/12 bytes are more than the 11 allowed/);
    expect(() => DerReader.over(hex('ffff'), 1)).toThrow(DerError);
  });

  test('object identifiers have at most 40 octets', () => {
    const ofOctets = (count: number): Uint8Array =>
      element(tags.oid, new Uint8Array(count).fill(0x01));
    expect(over(ofOctets(40)).oid()).toBe(`0.${Array(40).fill('1').join('.')}`);
    expect(() => over(ofOctets(41)).oid()).toThrow(/more than 40 octets/);
  });
});

describe('object identifiers', () => {
  const largest = `2.${(1n << 64n).toString()}`;
  test.each<[string, string]>([
    ['0.0', '060100'],
    ['0.39', '060127'],
    ['1.0', '060128'],
    ['1.39', '06014f'],
    ['2.0', '060150'],
    ['2.47', '06017f'],
    ['2.48', '06028100'],
    ['2.999.3', '0603883703'],
    ['2.5.4.3', '0603550403'],
    ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
    [largest, '060a82808080808080808050'],
  ])('%s is %s', (dotted, encoded) => {
    expect(toHex(oid(dotted))).toBe(encoded);
    expect(whole(hex(encoded), (r) => r.oid())).toBe(dotted);
    expect(whole(hex(encoded), (r) => r.oid())).toBe(dotted);
  });

  test.each<[string, string, RegExp]>([
    ['empty', '0600', /cut off/],
    ['an arc padded with 80', '0602 8001', /shortest form/],
    ['a later arc padded with 80', '0604 2a 80 01 01', /shortest form/],
    ['a last arc that goes on', '0602 2a 86', /cut off/],
  ])('C1: %s is refused', (_name, input, message) => {
    expect(() => over(hex(input)).oid()).toThrow(DerError);
    expect(() => over(hex(input)).oid()).toThrow(message);
  });

  test.each([
    '',
    '1',
    '2.',
    '.2.5',
    '2..5',
    '1.40',
    '0.40.1',
    '3.1',
    '2.-1',
    '2.05',
    '01.2',
    '2.0x10',
    '2. 5',
    '1.2.840\n',
    'CN',
    `2.${'1.'.repeat(41)}1`,
  ])('%j is not written as some other identifier', (dotted) => {
    expect(() => oid(dotted)).toThrow(RangeError);
  });
});

describe('times (RFC 5280 4.1.2.5)', () => {
  test.each<[string, string, string]>([
    ['1950-01-01T00:00:00Z', '170d', '500101000000Z'],
    ['1999-12-31T23:59:59Z', '170d', '991231235959Z'],
    ['2000-02-29T00:00:00Z', '170d', '000229000000Z'],
    ['2049-12-31T23:59:59Z', '170d', '491231235959Z'],
    ['2050-01-01T00:00:00Z', '180f', '20500101000000Z'],
    ['9999-12-31T23:59:59Z', '180f', '99991231235959Z'],
  ])('RFC 5280 4.1.2.5: %s is %s %s', (iso, header, digits) => {
    const encoded = header + toHex(Buffer.from(digits));
    expect(toHex(time(new Date(iso)))).toBe(encoded);
    expect(whole(hex(encoded), (r) => r.time())).toEqual(new Date(iso));
  });

  test.each<[string, Uint8Array]>([
    ['RFC 5280 4.1.2.5: GeneralizedTime before 2050', text('20491231235959Z', 0x18)],
    ['RFC 5280 4.1.2.5.1: UTCTime without seconds', text('2701010000Z', 0x17)],
    ['RFC 5280 4.1.2.5.1: UTCTime with an offset', text('270101000000+0100', 0x17)],
    ['RFC 5280 4.1.2.5.1: UTCTime without Z', text('270101000000', 0x17)],
    ['RFC 5280 4.1.2.5.2: fractions of a second', text('20500101000000.5Z', 0x18)],
    ['RFC 5280 4.1.2.5.2: GeneralizedTime without Z', text('20500101000000', 0x18)],
    ['29 February 2027', text('270229000000Z', 0x17)],
    ['29 February 2100', text('21000229000000Z', 0x18)],
    ['31 April', text('270431000000Z', 0x17)],
    ['month 0', text('270001000000Z', 0x17)],
    ['month 13', text('271301000000Z', 0x17)],
    ['day 0', text('270100000000Z', 0x17)],
    ['hour 24', text('270101240000Z', 0x17)],
    ['minute 60', text('270101006000Z', 0x17)],
    ['a leap second', text('261231235960Z', 0x17)],
    ['letters', text('27010100000OZ', 0x17)],
    ['a sign for a digit', text('27+101000000Z', 0x17)],
    ['a final newline', text('270101000000Z\n', 0x17)],
    ['a high bit that latin-1 keeps', element(0x17, Buffer.from('2701010000\xb20Z', 'latin1'))],
    ['no time at all', text('270101000000Z', 0x16)],
  ])('%s is refused', (_name, encoded) => {
    expect(() => over(encoded).time()).toThrow(DerError);
  });

  test('GeneralizedTime of OCSP and CRL entries may be before 2050', () => {
    const moment = new Date('2027-03-04T05:06:07Z');
    expect(whole(generalizedTime(moment), (r) => r.generalizedTime())).toEqual(moment);
    const tagged = element(contextPrimitive(0), generalizedTime(moment).subarray(2));
    expect(over(tagged).generalizedTime(contextPrimitive(0))).toEqual(moment);
  });

  test('whole seconds are written; fractions are cut, not rounded', () => {
    const written = time(new Date('2049-12-31T23:59:59.999Z'));
    expect(over(written).time()).toEqual(new Date('2049-12-31T23:59:59Z'));
  });

  test.each(['1949-12-31T23:59:59Z', '+010000-01-01T00:00:00Z', 'never'])(
    '%s cannot be written as Time',
    (iso) => {
      expect(() => time(new Date(iso))).toThrow(RangeError);
    },
  );

  test.each(['+010000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', 'never'])(
    '%s cannot be written as GeneralizedTime',
    (iso) => {
      expect(() => generalizedTime(new Date(iso))).toThrow(RangeError);
    },
  );
});

describe('SET OF (X.690 11.6)', () => {
  test('the writer sorts, the reader takes only what is sorted', () => {
    const parts = [octetString(hex('02')), oid('2.5.4.3'), octetString(hex('01')), nullValue()];
    const sorted = setOf(...parts);
    expect(toHex(sorted)).toBe('310d0401010401020500 0603550403'.replace(' ', ''));
    expect(over(sorted).setOf().elements).toHaveLength(4);
    expect(() => over(set(...parts)).setOf()).toThrow(/not in order/);
  });

  test('equal elements and the empty set are in order', () => {
    expect(over(set(nullValue(), nullValue())).setOf().elements).toHaveLength(2);
    expect(over(set()).setOf().elements).toHaveLength(0);
  });

  test('an implicit tag is honoured and elements can be entered', () => {
    const encoded = element(contextConstructed(0), sequence(integer(5)));
    const { elements, reader } = over(encoded).setOf(contextConstructed(0));
    const [only] = elements;
    expect(only && reader.inside(only).smallInteger()).toBe(5);
  });
});

describe('writing', () => {
  test.each<[number | bigint, string]>([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [255, '020200ff'],
    [256, '02020100'],
    [65537, '0203010001'],
    [1n << 64n, '0209010000000000000000'],
  ])('integer %s is %s', (value, encoded) => {
    expect(toHex(integer(value))).toBe(encoded);
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'the number %s is not written',
    (value) => {
      expect(() => integer(value)).toThrow(RangeError);
    },
  );

  test.each<[string, string]>([
    ['', '020100'],
    ['00', '020100'],
    ['0000', '020100'],
    ['007f', '02017f'],
    ['0080', '02020080'],
    ['ff', '020200ff'],
  ])('the magnitude "%s" is %s', (magnitude, encoded) => {
    expect(toHex(unsignedInteger(hex(magnitude)))).toBe(encoded);
  });

  test.each<[number[], string]>([
    [[], '030100'],
    [[0], '03020780'],
    [[7], '03020001'],
    [[5, 6], '03020106'],
    [[8], '0303070080'],
    [[0, 8], '0303078080'],
  ])('X.690 11.2.2: named bits %j are %s', (bits, encoded) => {
    expect(toHex(namedBits(bits))).toBe(encoded);
    expect(() => over(hex(encoded)).bitString()).not.toThrow();
  });

  test.each<[string, Uint8Array, string]>([
    ['TRUE', boolean(true), '0101ff'],
    ['FALSE', boolean(false), '010100'],
    ['NULL', nullValue(), '0500'],
    ['a bit string', bitString(hex('a0'), 5), '030205a0'],
    ['[1] EXPLICIT', explicit(1, nullValue()), 'a1020500'],
    ['[2] IMPLICIT', implicit(2, hex('41')), '820141'],
    ['a UTF8String', utf8String('ä'), '0c02c3a4'],
    ['a PrintableString', printableString('DE'), '13024445'],
    ['an IA5String', ia5String('V2G'), '1603563247'],
  ])('%s', (_name, encoded, expected) => {
    expect(toHex(encoded)).toBe(expected);
  });
});

describe('reading', () => {
  test.each<[string, number]>([
    ['020100', 0],
    ['0201ff', -1],
    ['020180', -128],
    ['02020080', 128],
    ['02047fffffff', 2147483647],
    ['020480000000', -2147483648],
  ])('the small integer %s is %i', (encoded, value) => {
    expect(over(hex(encoded)).smallInteger()).toBe(value);
  });

  test('offsets count from the outermost input', () => {
    const bytes = sequence(nullValue(), sequence(boolean(true), element(tags.boolean, hex('02'))));
    const inner = over(bytes).sequence();
    inner.null();
    const innermost = inner.sequence();
    expect(innermost.offset).toBe(6);
    innermost.boolean();
    expect(() => innermost.boolean()).toThrow(/at byte 9/);
    try {
      innermost.end();
      over(bytes.subarray(0, 1)).read();
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'DerError', offset: 0 });
    }
  });

  test('a failed read leaves the reader where it was', () => {
    const reader = over(octetString(hex('01')));
    expect(() => reader.sequence()).toThrow(DerError);
    expect(reader.peekTag()).toBe(tags.octetString);
    expect(reader.has(tags.octetString)).toBe(true);
    expect(toHex(reader.octetString())).toBe('01');
    expect(reader.atEnd).toBe(true);
    expect(reader.peekTag()).toBeUndefined();
  });

  test('bits stand in implicit tags too', () => {
    expect(bitStringOf(hex('05a0'))).toEqual({ unusedBits: 5, bytes: hex('a0') });
    expect(() => bitStringOf(hex('05a1'))).toThrow(DerError);
  });

  test('byte strings compare as DER orders them', () => {
    expect(compareBytes(hex('01'), hex('0100'))).toBeLessThan(0);
    expect(compareBytes(hex('02'), hex('0100'))).toBeGreaterThan(0);
    expect(sameBytes(hex('0102'), Buffer.from([1, 2]))).toBe(true);
    expect(sameBytes(hex('0102'), hex('0103'))).toBe(false);
    expect(sameBytes(hex('01'), hex('0100'))).toBe(false);
  });
});

describe('properties', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const arcs = fc
    .tuple(
      fc.oneof(
        fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt(0n, 39n)),
        fc.tuple(fc.constant(2n), fc.bigInt(0n, 1n << 40n)),
      ),
      fc.array(fc.bigInt(0n, 1n << 40n), { maxLength: 4 }),
    )
    .map(([start, rest]) => [...start, ...rest].join('.'));

  test('octet strings, magnitudes, identifiers and times survive a round trip', () => {
    fc.assert(
      fc.property(
        bytes,
        fc.bigInt(0n, 1n << 200n),
        arcs,
        fc.integer({ min: -631152000, max: 253402300799 }),
        (content, number, dotted, seconds) => {
          expect(whole(octetString(content), (r) => r.octetString())).toEqual(content);
          const magnitude = whole(integer(number), (r) => r.integerBytes());
          expect(BigInt(`0x${toHex(magnitude)}`)).toBe(number);
          expect(whole(oid(dotted), (r) => r.oid())).toBe(dotted);
          const moment = new Date(seconds * 1000);
          expect(whole(time(moment), (r) => r.time())).toEqual(moment);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a SET OF reads the same in whatever order it was given', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), (contents) => {
        const parts = contents.map(octetString);
        const encoded = setOf(...parts);
        expect(setOf(...[...parts].reverse())).toEqual(encoded);
        expect(over(encoded).setOf().elements).toHaveLength(parts.length);
      }),
      { numRuns: 200 },
    );
  });

  test('bytes that are read have exactly one encoding: writing them again changes nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 40 }), (input) => {
        try {
          const { tag, content, raw } = over(input).read();
          expect(toHex(element(tag, content))).toBe(toHex(raw));
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('20,000 mutated inputs end in a reading or a DerError, in no other way', () => {
    const seedInput = sequence(
      explicit(0, integer(2)),
      unsignedInteger(hex('00a1b2c3d4e5f60718293a4b5c6d7e8f')),
      sequence(oid('1.2.840.10045.4.3.2'), nullValue()),
      sequence(setOf(sequence(oid('2.5.4.3'), utf8String('WMIV1234567890ABCDEF')))),
      sequence(time(new Date('2026-01-01T00:00:00Z')), time(new Date('2056-01-01T00:00:00Z'))),
      bitString(new Uint8Array(70).fill(0x5a)),
      explicit(3, sequence(sequence(oid('2.5.29.15'), boolean(true), octetString(namedBits([0]))))),
    );
    let random = 0x2545f491;
    const next = (below: number): number => {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      return (random >>> 0) % below;
    };
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const mutated = mutate(seedInput, next);
      try {
        walk(over(mutated));
      } catch (error) {
        if (!(error instanceof DerError)) throw error;
        refused++;
      }
    }
    // Both outcomes must occur, or the test would prove nothing.
    expect(refused).toBeGreaterThan(5_000);
    expect(refused).toBeLessThan(20_000);
  });

  function mutate(original: Uint8Array, next: (below: number) => number): Uint8Array {
    const octets = [...original];
    for (let change = next(3); change >= 0; change--) {
      const at = next(octets.length);
      const kind = next(5);
      if (kind === 0) octets[at] = next(256);
      else if (kind === 1) octets[at] = (octets[at] ?? 0) ^ (1 << next(8));
      else if (kind === 2) octets.splice(at, 1 + next(4));
      else if (kind === 3) octets.splice(at, 0, next(256));
      else octets.length = Math.max(1, at);
      if (octets.length === 0) octets.push(0);
    }
    return new Uint8Array(octets);
  }

  /** Reads every element with the reader of its type, and enters what can be entered. */
  function walk(reader: DerReader): void {
    while (!reader.atEnd) {
      const tag = reader.peekTag();
      if (tag === tags.boolean) reader.boolean();
      else if (tag === tags.integer) reader.integerBytes();
      else if (tag === tags.bitString) reader.bitString();
      else if (tag === tags.null) reader.null();
      else if (tag === tags.oid) reader.oid();
      else if (tag === tags.utcTime || tag === tags.generalizedTime) reader.time();
      else if (tag === tags.set) {
        const { elements, reader: inside } = reader.setOf();
        for (const one of elements) if ((one.tag & 0x20) !== 0) walk(inside.inside(one));
      } else {
        const one = reader.read();
        if ((one.tag & 0x20) !== 0 || one.tag === tags.octetString) walk(reader.inside(one));
      }
    }
  }
});
