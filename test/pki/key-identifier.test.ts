import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keyIdentifier, spkiFingerprint } from '../../src/pki/key-identifier.ts';
import { acceptedKey, hex, keyAlgorithms, keyPair, spkiOf } from '../support/public-keys.ts';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('RFC 5280 4.2.1.2: key identifiers', () => {
  // The P-256 key of RFC 6979 A.2.5; the hashes were computed with sha1sum.
  const point =
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
    '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
  const key = acceptedKey(hex(`3059301306072a8648ce3d020106082a8648ce3d030107034200${point}`));

  test('method 1 is the SHA-1 of the bit string without its unused-bits octet', () => {
    expect(toHex(keyIdentifier(key, 20))).toBe('1a9569579bce329a942d0769c9c0b56431563710');
  });

  test('method 2 is 0100 and the last 60 bits of it', () => {
    expect(toHex(keyIdentifier(key, 8))).toBe('49c0b56431563710');
  });

  test.each(keyAlgorithms)('%s: both methods, from the key as it is written', (name) => {
    const spki = spkiOf(keyPair(name));
    const accepted = acceptedKey(spki);
    const full = toHex(createHash('sha1').update(spki.subarray(-accepted.bits.length)).digest());
    expect(toHex(keyIdentifier(accepted, 20))).toBe(full);
    expect(toHex(keyIdentifier(accepted, 8))).toBe(`4${full.slice(-15)}`);
  });

  test('the result is the caller’s own: changing it changes no later one', () => {
    keyIdentifier(key, 20).fill(0);
    expect(toHex(keyIdentifier(key, 20))).not.toMatch(/^0+$/);
  });
});

test('spkiFingerprint is the SHA-256 of the SPKI in lower-case hex', () => {
  expect(spkiFingerprint(hex('616263'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
