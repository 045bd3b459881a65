import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newId, newIssuerId } from '../../src/services/ids.ts';
import { drawSerialNumber } from '../../src/services/serial-numbers.ts';

describe('S1 RFC 5280 4.1.2.2 serial numbers', () => {
  const serials = Array.from({ length: 100_000 }, () => drawSerialNumber(randomBytes));

  test('100,000 are unique, positive and of one length', () => {
    const texts = new Set(serials.map((serial) => Buffer.from(serial).toString('hex')));
    expect(texts.size).toBe(serials.length);
    const wrong = serials.filter(
      (serial) => serial.length !== 16 || (serial[0] ?? 0) < 0x01 || (serial[0] ?? 0) > 0x7f,
    );
    expect(wrong).toEqual([]);
  });

  test('every octet takes every value about equally often (chi-square)', () => {
    for (let position = 0; position < 16; position++) {
      const counts = new Array<number>(256).fill(0);
      for (const serial of serials) {
        const value = serial[position] ?? 0;
        counts[value] = (counts[value] ?? 0) + 1;
      }
      const possible = position === 0 ? counts.slice(1, 128) : counts;
      const expected = serials.length / possible.length;
      const chiSquare = possible.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
      const freedom = possible.length - 1;
      // Eight standard deviations: a fair source exceeds it anywhere once in a billion runs or less.
      expect(chiSquare).toBeLessThan(freedom + 8 * Math.sqrt(2 * freedom));
    }
  });

  test('a first octet that would make the number short is drawn again', () => {
    const draws = [
      new Uint8Array(16),
      new Uint8Array(16).fill(0x80),
      new Uint8Array(16).fill(0xff),
    ];
    const serial = drawSerialNumber(() => draws.shift() ?? new Uint8Array(0));
    expect(Buffer.from(serial).toString('hex')).toBe(`7f${'ff'.repeat(15)}`);
  });
});

describe('ids', () => {
  test('name what they are of and hold 120 random bits', () => {
    expect(newId('crt', randomBytes)).toMatch(/^crt_[0-9a-hjkmnp-tv-z]{24}$/);
    expect(newId('crt', () => new Uint8Array(15))).toBe(`crt_${'0'.repeat(24)}`);
    expect(newId('crt', () => new Uint8Array(15).fill(0xff))).toBe(`crt_${'z'.repeat(24)}`);
  });

  test('of issuers are short', () => {
    expect(newIssuerId(randomBytes)).toMatch(/^[0-9a-hjkmnp-tv-z]{10}$/);
  });
});
