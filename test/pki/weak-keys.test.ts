import {
  checkPrimeSync,
  createECDH,
  createPrivateKey,
  createPublicKey,
  generatePrimeSync,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { curves } from '../../src/pki/curves.ts';
import { edwardsPointExists } from '../../src/pki/edwards-points.ts';
import { keyWeaknesses } from '../../src/pki/weak-keys.ts';
import { rsaWeaknesses } from '../../src/pki/weak-rsa.ts';
import {
  acceptedKey,
  ecSpki,
  freshKeyPair,
  hex,
  keyAlgorithms,
  keyPair,
  modularPower,
  octetsOf,
  rsaSpki,
  spkiOf,
} from '../support/public-keys.ts';

const isPrime = (value: bigint): boolean => checkPrimeSync(value, { checks: 5 });

const nextPrime = (from: bigint): bigint => {
  let candidate = from | 1n;
  while (!isPrime(candidate)) candidate += 2n;
  return candidate;
};

/** A prime of 1024 bits whose two highest bits are set, so that two make 2048 bits. */
const randomPrime = (): bigint => {
  for (;;) {
    const prime = generatePrimeSync(1024, { bigint: true });
    if (prime >> 1022n === 3n) return prime;
  }
};

const weaknessesOf = (spki: Uint8Array): string[] =>
  keyWeaknesses(acceptedKey(spki)).map(({ code, message }) => `${code}: ${message}`);

describe('good keys', () => {
  test.each(keyAlgorithms)('%s from node:crypto is not weak', (name) => {
    expect(keyWeaknesses(acceptedKey(spkiOf(keyPair(name))))).toEqual([]);
  });

  test('many keys from node:crypto are not weak', () => {
    for (const name of ['P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448'] as const) {
      for (let i = 0; i < 10; i++) {
        expect(keyWeaknesses(acceptedKey(spkiOf(freshKeyPair(name))))).toEqual([]);
      }
    }
  });
});

const odd = 2n ** 2047n + 2n ** 1000n;

describe('C2: RSA moduli with a small factor', () => {
  test.each([2n, 3n, 5n, 7n, 251n, 1021n, 1999n, 2039n])('divisible by %i', (factor) => {
    const modulus = (odd / factor) * factor + (factor === 2n ? 0n : factor);
    expect(rsaWeaknesses(modulus)).toContain(
      `its RSA modulus is divisible by ${smallest(modulus)}`,
    );
  });

  /** The smallest factor, which the message is to name. */
  function smallest(modulus: bigint): bigint {
    let factor = 2n;
    while (modulus % factor !== 0n) factor++;
    return factor;
  }

  test('every prime below 2048 is tried, and nothing else is taken for a factor', () => {
    const cofactor = randomPrime();
    for (let factor = 3n; factor < 2100n; factor += 2n) {
      if (!isPrime(factor)) continue;
      const found = rsaWeaknesses(factor * cofactor).some((text) => text.endsWith(` ${factor}`));
      expect([factor, found]).toEqual([factor, factor < 2048n]);
    }
  });

  test('as a public key: key-weak', () => {
    const first = (2n ** 2047n / 1009n + 1n) | 1n;
    expect(weaknessesOf(rsaSpki(first * 1009n)).join()).toMatch(/^key-weak: .* is divisible by /);
  });
});

describe('C2: ROCA (CVE-2017-15361)', () => {
  const primorial = primesBelow(702).reduce((product, prime) => product * BigInt(prime), 1n);

  function primesBelow(bound: number): number[] {
    return Array.from({ length: bound }, (_, n) => n).filter((n) => n > 1 && isPrime(BigInt(n)));
  }

  /** A prime as the flawed library made them: k * M + (65537^a mod M), of 1024 bits. */
  function rocaPrime(start: bigint): bigint {
    const multiplier = (2n ** 1024n - 2n ** 1020n) / primorial;
    for (let a = start; ; a++) {
      const candidate = multiplier * primorial + modularPower(65537n, a, primorial);
      if (isPrime(candidate)) return candidate;
    }
  }

  // Of different multipliers, or the two primes would be close as well.
  const p = rocaPrime(123456789n);
  const q = rocaPrime(987654321n);

  test('the product of two such primes is found', () => {
    expect(p * q >= 2n ** 2047n && p * q < 2n ** 2048n).toBe(true);
    expect(rsaWeaknesses(p * q).join()).toContain('ROCA');
    expect(weaknessesOf(rsaSpki(p * q)).join()).toMatch(/^key-weak: .*ROCA/);
  });

  test('one such prime with an ordinary one is not', () => {
    for (let i = 0; i < 5; i++)
      expect(rsaWeaknesses(p * randomPrime()).join()).not.toContain('ROCA');
  });

  test('every power of 65537 modulo the primes up to 167 is found, and no other residue', () => {
    const fingerprint = primesBelow(168).filter((prime) => prime > 2);
    const product = fingerprint.reduce((all, prime) => all * BigInt(prime), 1n);
    const base = (2n ** 2047n / product + 1n) * product;
    const power = modularPower(65537n, 4242n, product);
    expect(rsaWeaknesses(base + power).join()).toContain('ROCA');
    expect(fingerprint).toHaveLength(38);
    let outside = 0;
    for (const prime of fingerprint) {
      const powers = new Set(
        Array.from({ length: prime }, (_, n) => modularPower(65537n, BigInt(n), BigInt(prime))),
      );
      // The multiples of the other primes' product change the residue modulo this one only.
      const step = product / BigInt(prime);
      for (let n = 0n; n < prime; n++) {
        const modulus = base + power + n * step;
        const expected = powers.has(modulus % BigInt(prime));
        if (!expected) outside++;
        const found = rsaWeaknesses(modulus).join().includes('ROCA');
        expect([prime, n, found]).toEqual([prime, n, expected]);
      }
    }
    expect(outside).toBeGreaterThan(500);
  });
});

describe('C2: RSA primes close to each other', () => {
  const close = (modulus: bigint) => rsaWeaknesses(modulus).join().includes('too close');
  const prime = randomPrime();

  test('a prime and the next one, as a public key', () => {
    const modulus = prime * nextPrime(prime + 2n);
    expect(weaknessesOf(rsaSpki(modulus))).toEqual([
      'key-weak: The public key is weak: the two primes of its RSA modulus are too close to each other.',
    ]);
  });

  test('the square of a prime', () => {
    expect(close(prime * prime)).toBe(true);
  });

  test.each<[bits: bigint, found: boolean]>([
    [100n, true],
    [500n, true],
    [514n, true],
    [540n, false],
    [1000n, false],
  ])('primes about 2^%i apart: %s', (bits, found) => {
    expect(close(prime * nextPrime(prime - 2n ** bits))).toBe(found);
  });

  test.each<[round: bigint, found: boolean]>([
    [3n, true],
    [98n, true],
    [99n, true],
    [100n, false],
    [101n, false],
  ])('factors that Fermat’s method finds after %i rounds: %s', (round, found) => {
    // With these a and b the root of a^2 - b^2 lies just below a - round.
    const s = 2n ** 508n + 1n;
    const a = 2n * round * s * s + 1n;
    const b = 2n * round * s;
    const modulus = (a + b) * (a - b);
    expect((a - round) ** 2n >= modulus && (a - round - 1n) ** 2n < modulus).toBe(true);
    expect(close(modulus)).toBe(found);
  });
});

describe('C2: EC keys whose private key is trivial', () => {
  test.each<[name: 'P-256' | 'P-384' | 'P-521', oid: string]>([
    ['P-256', '1.2.840.10045.3.1.7'],
    ['P-384', '1.3.132.0.34'],
    ['P-521', '1.3.132.0.35'],
  ])('%s', (name, oid) => {
    const { nodeName, octets, order } = curves[name];
    const ofScalar = (scalar: bigint): Uint8Array => {
      const ecdh = createECDH(nodeName);
      ecdh.setPrivateKey(octetsOf(scalar, octets));
      return ecSpki(oid, ecdh.getPublicKey());
    };
    for (const scalar of [1n, 2n, 8n, order - 1n, order - 8n]) {
      expect(weaknessesOf(ofScalar(scalar)).join()).toMatch(/^key-weak: .*trivial/);
    }
    for (const scalar of [9n, order - 9n, 2n ** 200n]) {
      expect(weaknessesOf(ofScalar(scalar))).toEqual([]);
    }
  });
});

describe('C2: Edwards keys', () => {
  const seeded = (name: 'Ed25519' | 'Ed448', octet: number): Uint8Array => {
    const prefix =
      name === 'Ed25519' ? '302e020100300506032b657004220420' : '3047020100300506032b6571043b0439';
    const seed = Buffer.alloc(name === 'Ed25519' ? 32 : 57, octet);
    const key = Buffer.concat([hex(prefix), seed]);
    const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    return createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  };

  test.each(['Ed25519', 'Ed448'] as const)('%s of a constant seed', (name) => {
    expect(weaknessesOf(seeded(name, 0x00)).join()).toMatch(/^key-weak: .*constant/);
    expect(weaknessesOf(seeded(name, 0xff)).join()).toMatch(/^key-weak: .*constant/);
    expect(weaknessesOf(seeded(name, 0x55))).toEqual([]);
  });

  // Decoded as RFC 8032 says, with a division and a root in place of the product and a power.
  const p25519 = 2n ** 255n - 19n;
  const p448 = 2n ** 448n - 2n ** 224n - 1n;
  const mod = (value: bigint, prime: bigint) => ((value % prime) + prime) % prime;
  const quotient = (a: bigint, b: bigint, prime: bigint) =>
    mod(a * modularPower(b, prime - 2n, prime), prime);
  const decodes = {
    Ed25519: (y: bigint): boolean => {
      const d = quotient(-121665n, 121666n, p25519);
      const x2 = quotient(y * y - 1n, d * y * y + 1n, p25519);
      const x = modularPower(x2, (p25519 + 3n) / 8n, p25519);
      return [x2, mod(-x2, p25519)].includes((x * x) % p25519);
    },
    Ed448: (y: bigint): boolean => {
      const x2 = quotient(y * y - 1n, -39081n * y * y - 1n, p448);
      const x = modularPower(x2, (p448 + 1n) / 4n, p448);
      return (x * x) % p448 === x2;
    },
  };

  test.each(['Ed25519', 'Ed448'] as const)('RFC 8032 %s: which y have a point', (name) => {
    const octets = name === 'Ed25519' ? 32 : 57;
    const prefix = hex(
      name === 'Ed25519' ? '302a300506032b6570032100' : '3043300506032b6571033a00',
    );
    let without = 0;
    for (let y = 2n; y < 50n; y++) {
      const point = octetsOf(y, octets).toReversed();
      expect([y, edwardsPointExists(name, point)]).toEqual([y, decodes[name](y)]);
      if (decodes[name](y)) continue;
      without++;
      const spki = new Uint8Array(Buffer.concat([prefix, point]));
      expect(weaknessesOf(spki).join()).toMatch(/^key-malformed: .*not a point of Ed/);
    }
    expect(without).toBeGreaterThan(10);
  });
});
