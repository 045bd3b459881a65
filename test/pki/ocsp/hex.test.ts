import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../src/pki/ocsp/hex.ts';

const text = (value: string) => Buffer.from(value, 'latin1');

describe('OCSP in ASCII hex (P8)', () => {
  test.each([
    ['lower case', '3003020101'],
    ['upper case', '30030201FF'],
    ['a line break', '3003020101\n'],
    ['a line break of other systems', '3003020101\r\n'],
  ])('is read: %s', (_, body) => {
    const expected = Buffer.from(body.trim(), 'hex');
    expect(Buffer.from(fromHex(text(body)) ?? [])).toEqual(expected);
  });

  test.each([
    ['nothing', ''],
    ['a digit too few', '300302010'],
    ['a character that is no digit', '30030201g1'],
    ['a space', '3003 020101'],
    ['a line break too many', '3003020101\n\n'],
    ['another beginning', '0030020101'],
  ])('is not read: %s', (_, body) => {
    expect(fromHex(text(body))).toBeUndefined();
  });

  test('DER is not taken for hex, not even DER that looks like it', () => {
    expect(fromHex(Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x01))).toBeUndefined();
    expect(fromHex(text('0030'))).toBeUndefined();
  });

  test('is written in lower case, without a line break', () => {
    expect(Buffer.from(toHex(Uint8Array.of(0x30, 0xab, 0x0f))).toString('latin1')).toBe('30ab0f');
  });
});
