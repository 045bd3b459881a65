import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { x448Problem } from '../../src/pki/x448.ts';

const PRIME = 2n ** 448n - 2n ** 224n - 1n;
const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(112, '0'), 'hex').reverse());
const keyOf = (octets: Uint8Array) =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'X448', x: Buffer.from(octets).toString('base64url') },
    format: 'jwk',
  });
const { privateKey } = generateKeyPairSync('x448');

describe('x448Problem', () => {
  test('a fresh key is in order', () => {
    const { publicKey } = generateKeyPairSync('x448');
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    expect(x448Problem(spki.subarray(-56))).toBeUndefined();
  });

  test.each([0, 1, 55, 57])('%i octets are none', (octets) => {
    expect(x448Problem(new Uint8Array(octets).fill(9))).toBe(`it has ${octets} octets, not 56`);
  });

  // Those that are not reduced too: RFC 7748 5 has them accepted and reduced.
  test.each([0n, 1n, PRIME - 1n, PRIME, PRIME + 1n])('u = %d is of small order', (u) => {
    const octets = littleEndian(u);
    expect(x448Problem(octets)).toBe('it is a point of small order');
    // A second opinion: nobody can agree on a secret with it.
    expect(() => diffieHellman({ privateKey, publicKey: keyOf(octets) })).toThrow();
  });

  test.each([2n, 5n, PRIME - 2n, PRIME + 2n])('u = %d is not', (u) => {
    const octets = littleEndian(u);
    expect(x448Problem(octets)).toBeUndefined();
    expect(diffieHellman({ privateKey, publicKey: keyOf(octets) })).toHaveLength(56);
  });
});
