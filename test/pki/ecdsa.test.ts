import { generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CurveName, curves } from '../../src/pki/curves.ts';
import { DerError } from '../../src/pki/der-element.ts';
import { integer, sequence } from '../../src/pki/der-writer.ts';
import { ecdsaDerToRaw, ecdsaRawToDer } from '../../src/pki/ecdsa.ts';
import { hex, octetsOf } from '../support/public-keys.ts';

const names = Object.keys(curves) as CurveName[];

describe.each(names)('ECDSA signatures on %s', (name) => {
  const { octets, order } = curves[name];
  const scalar = fc.oneof(
    fc.bigInt({ min: 1n, max: order - 1n }),
    fc.bigInt({ min: 1n, max: 2n ** 64n }),
    fc.constantFrom(1n, 127n, 128n, 255n, 256n, order - 1n),
  );

  test('RFC 3279 2.2.3: DER and r || s turn into each other', () => {
    fc.assert(
      fc.property(scalar, scalar, (r, s) => {
        const der = sequence(integer(r), integer(s));
        const raw = new Uint8Array(Buffer.concat([octetsOf(r, octets), octetsOf(s, octets)]));
        expect(ecdsaDerToRaw(der, name)).toEqual(raw);
        expect(ecdsaRawToDer(raw)).toEqual(der);
      }),
      { numRuns: 60 },
    );
  });

  test('node:crypto verifies in one form what it signed in the other', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: name });
    const message = Buffer.from('to be signed');
    const der = sign('sha256', message, privateKey);
    const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const rawKey = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(raw).toHaveLength(2 * octets);
    expect(verify('sha256', message, rawKey, ecdsaDerToRaw(der, name))).toBe(true);
    expect(verify('sha256', message, publicKey, ecdsaRawToDer(raw))).toBe(true);
  });

  test.each<[what: string, r: bigint, s: bigint]>([
    ['r = 0', 0n, 1n],
    ['s = 0', 1n, 0n],
    ['r = order', order, 1n],
    ['s = order', 1n, order],
    ['s above the order', 1n, order + 1n],
  ])('%s is refused in both forms', (_what, r, s) => {
    expect(() => ecdsaDerToRaw(sequence(integer(r), integer(s)), name)).toThrow(DerError);
    const raw = Buffer.concat([octetsOf(r, octets), octetsOf(s, octets)]);
    expect(() => ecdsaRawToDer(raw)).toThrow(RangeError);
  });

  test('r longer than the curve is refused', () => {
    const long = sequence(integer(2n ** BigInt(8 * octets + 8)), integer(1));
    expect(() => ecdsaDerToRaw(long, name)).toThrow(DerError);
  });
});

describe('C1: Ecdsa-Sig-Value in any other encoding is refused', () => {
  test.each<[what: string, der: string]>([
    ['nothing', ''],
    ['an empty sequence', '3000'],
    ['one integer', '3003020105'],
    ['three integers', '3009020105020106020107'],
    ['bytes after the sequence', '300602010502010600'],
    ['bytes after the integers', '30080201050201060500'],
    ['a set', '3106020105020106'],
    ['a long length', '308106020105020106'],
    ['an indefinite length', '30800201050201060000'],
    ['a long length inside', '300702810105020106'],
    ['a zero octet too many', '300702020005020106'],
    ['an integer without content', '30050200020106'],
    ['a negative r', '3006020180020106'],
    ['a negative s', '3006020105020180'],
    ['octet strings', '3006040105040106'],
    ['cut off', '30060201050201'],
    ['longer than any signature', `3081c8${'02010'.padEnd(400, '1')}`],
  ])('%s', (_what, der) => {
    for (const name of names) expect(() => ecdsaDerToRaw(hex(der), name)).toThrow(DerError);
  });

  test('the encoding that the variants are made of is read', () => {
    const raw = ecdsaDerToRaw(hex('3006020105020106'), 'P-256');
    expect(Buffer.from(raw).toString('hex')).toBe(
      `${'05'.padStart(64, '0')}${'06'.padStart(64, '0')}`,
    );
  });

  test.each([0, 1, 63, 65, 95, 97, 128, 131, 133])('%i octets are no r || s', (length) => {
    expect(() => ecdsaRawToDer(new Uint8Array(length).fill(1))).toThrow(RangeError);
  });
});
