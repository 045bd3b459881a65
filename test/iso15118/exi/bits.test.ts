/** Bits, numbers and octets, wherever in an octet they start. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BitReader } from '../../../src/iso15118/exi/bit-reader.ts';
import { BitWriter } from '../../../src/iso15118/exi/bit-writer.ts';
import { seed } from '../../support/chance.ts';
import { exiErrorOf } from '../../support/exi-samples.ts';
import { HandWriter } from '../../support/hand-writer.ts';
import { fromHex, toHex } from '../../support/vectors.ts';

type Item =
  | { kind: 'bits'; value: number; width: number }
  | { kind: 'number'; value: number }
  | { kind: 'bigint'; value: bigint }
  | { kind: 'octets'; value: Uint8Array }
  | { kind: 'ascii'; value: string };

const item: fc.Arbitrary<Item> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 16 }), fc.nat({ max: 0xffff }))
    .map(([width, value]): Item => ({ kind: 'bits', width, value: value & ((1 << width) - 1) })),
  fc
    .oneof(
      fc.nat({ max: 300 }),
      fc.maxSafeNat().map((value) => value % 2 ** 35),
    )
    .map((value): Item => ({ kind: 'number', value })),
  fc.bigInt({ min: 0n, max: 2n ** 200n - 1n }).map((value): Item => ({ kind: 'bigint', value })),
  fc.uint8Array({ maxLength: 40 }).map((value): Item => ({ kind: 'octets', value })),
  fc.stringMatching(/^[ -~]{0,40}$/).map((value): Item => ({ kind: 'ascii', value })),
);

test(`any sequence is written as by hand and read again, EVPKI_TEST_SEED=${seed}`, () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 60 }), (items) => {
      const writer = new BitWriter();
      const hand = new HandWriter();
      for (const entry of items) {
        write(writer, entry);
        writeByHand(hand, entry);
        expect(writer.bit).toBe(hand.bits.length);
      }
      const written = writer.finish();
      expect(toHex(written)).toBe(toHex(hand.finish()));
      const reader = new BitReader(written);
      expect(items.map((entry) => read(reader, entry))).toEqual(items.map(({ value }) => value));
      expect(reader.bit).toBe(hand.bits.length);
      expect(reader.end()).toBe(0);
    }),
    { numRuns: 500, seed: createHash('sha256').update(seed).digest().readInt32BE(8) },
  );
});

test('octets of every length at every position, with nothing around them touched', () => {
  for (let shift = 0; shift < 8; shift++) {
    for (let length = 0; length < 20; length++) {
      const value = Uint8Array.from({ length }, (_, index) => 0xff - index);
      const writer = new BitWriter();
      if (shift > 0) writer.bits(2 ** shift - 1, shift);
      writer.octets(value);
      writer.bits(0xa5, 8);
      const reader = new BitReader(writer.finish());
      if (shift > 0) expect(reader.bits(shift)).toBe(2 ** shift - 1);
      expect(reader.octets(length)).toEqual(value);
      expect(reader.bits(8)).toBe(0xa5);
      expect(reader.end()).toBe(0);
    }
  }
});

test('the writer grows beyond what it starts with', () => {
  const writer = new BitWriter();
  writer.bits(1, 1);
  for (let i = 0; i < 5_000; i++) writer.octet(i & 0xff);
  writer.octets(new Uint8Array(20_000).fill(7));
  const reader = new BitReader(writer.finish());
  reader.bits(1);
  for (let i = 0; i < 5_000; i++) expect(reader.octet()).toBe(i & 0xff);
  expect(reader.octets(20_000)).toEqual(new Uint8Array(20_000).fill(7));
});

test('a writer that finishes, fails or grows leaves nothing to the next one', () => {
  const full = (length: number) => new Uint8Array(length).fill(0xff);
  const writers = [new BitWriter(), new BitWriter()];
  for (const writer of writers) writer.octets(full(8_000));
  const [first, second] = writers as [BitWriter, BitWriter];
  const written = first.finish();
  second.octets(full(20_000));
  const failed = new BitWriter();
  failed.octets(full(100));
  expect(exiErrorOf(() => failed.fail('bad-value', 'as it should')).code).toBe('bad-value');
  const next = new BitWriter();
  next.bits(0, 3);
  next.bits(1, 13);
  expect(next.finish()).toEqual(Uint8Array.of(0, 1));
  expect(written).toEqual(full(8_000));
  expect(second.finish()).toEqual(full(28_000));
  expect(first.finish()).toEqual(new Uint8Array(0));
  first.octet(7);
  const other = new BitWriter();
  other.octet(9);
  expect([first.finish(), other.finish()]).toEqual([Uint8Array.of(7), Uint8Array.of(9)]);
});

describe('the end of the document', () => {
  const over = (hex: string): BitReader => new BitReader(fromHex(hex));

  test.each([
    ['bits', () => over('ff').bits(9)],
    ['an octet', () => over('').octet()],
    ['a number', () => over('ff').unsignedInteger()],
    ['a long number', () => over('ffffffffffffffffff').bigUnsignedInteger(512)],
    ['octets', () => over('ffff').octets(3)],
    ['octets from within one', () => readAfter(over('ffff'), 1, (reader) => reader.octets(2))],
    ['text', () => over('4141').printable(3)],
    ['an announcement of 2^35 octets', () => over('41').expectOctets(2 ** 35)],
  ])('%s beyond it', (_, act) => {
    expect(exiErrorOf(act).code).toBe('truncated');
  });

  test('what is announced and not there is not allocated', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1_000; i++) exiErrorOf(() => over('41').octets(2 ** 31));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });
});

describe('numbers', () => {
  test.each([
    ['ffffffff7f', 2 ** 35 - 1],
    ['8001', 128],
    ['7f', 127],
    ['00', 0],
  ])('%s is %d', (hex, value) => {
    expect(new BitReader(fromHex(hex)).unsignedInteger()).toBe(value);
    expect(new BitReader(fromHex(hex)).bigUnsignedInteger(64)).toBe(BigInt(value));
  });

  test.each([
    ['8000', 'not-canonical'],
    ['ffff8000', 'not-canonical'],
    ['ffffffffff01', 'limit'],
  ])('%s is none (%s)', (hex, code) => {
    expect(exiErrorOf(() => new BitReader(fromHex(hex)).unsignedInteger()).code).toBe(code);
  });

  test.each([
    ['ffffffffffffffffff01', 64, undefined],
    ['ffffffffffffffffff02', 64, 'limit'],
    ['ffffffffffffffffff00', 64, 'not-canonical'],
    ['ffffffffffffff00', 64, 'not-canonical'],
    [`${'ff'.repeat(30_000)}01`, 64, 'limit'],
    ['8001', 7, 'limit'],
    ['7f', 7, undefined],
  ] as const)('%s in %d bits: %s', (hex, bits, code) => {
    const act = (): unknown => new BitReader(fromHex(hex)).bigUnsignedInteger(bits);
    if (code === undefined) expect(act()).toBe(2n ** BigInt(bits) - 1n);
    else expect(exiErrorOf(act).code).toBe(code);
  });
});

function readAfter<T>(reader: BitReader, bits: number, act: (reader: BitReader) => T): T {
  reader.bits(bits);
  return act(reader);
}

function write(writer: BitWriter, entry: Item): void {
  if (entry.kind === 'bits') writer.bits(entry.value, entry.width);
  if (entry.kind === 'number') writer.unsignedInteger(entry.value);
  if (entry.kind === 'bigint') writer.bigUnsignedInteger(entry.value);
  if (entry.kind === 'octets') writer.octets(entry.value);
  if (entry.kind === 'ascii') writer.ascii(entry.value);
}

function writeByHand(hand: HandWriter, entry: Item): void {
  if (entry.kind === 'bits') hand.code(entry.value, entry.width);
  if (entry.kind === 'number' || entry.kind === 'bigint') hand.unsigned(entry.value);
  if (entry.kind === 'octets') for (const octet of entry.value) hand.code(octet, 8);
  if (entry.kind === 'ascii') for (const octet of Buffer.from(entry.value)) hand.code(octet, 8);
}

function read(reader: BitReader, entry: Item): unknown {
  if (entry.kind === 'bits') return reader.bits(entry.width);
  if (entry.kind === 'number') return reader.unsignedInteger();
  if (entry.kind === 'bigint') return reader.bigUnsignedInteger(200);
  if (entry.kind === 'octets') return reader.octets(entry.value.length);
  return reader.printable(entry.value.length);
}
