import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Curve, curves } from '../../src/pki/curves.ts';
import {
  bitString,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  unsignedInteger,
} from '../../src/pki/der-writer.ts';
import { algorithms } from '../../src/pki/oids.ts';
import { importPublicKey, readPublicKey, rsaModulus } from '../../src/pki/public-key.ts';
import type { Violation } from '../../src/pki/violations.ts';
import {
  acceptedKey,
  ecSpki,
  hex,
  keyAlgorithms,
  keyPair,
  modularPower,
  octetsOf,
  rsaSpki,
  spkiOf,
} from '../support/public-keys.ts';

/** The one violation that `readPublicKey` has to report for these bytes. */
function violationOf(spki: Uint8Array): Violation {
  const read = readPublicKey(spki);
  if (read.ok) throw new Error(`accepted as ${read.value.algorithm}`);
  const [first, ...others] = read.violations;
  expect(others).toEqual([]);
  expect(first?.field).toBe('publicKey');
  if (!first) throw new Error('refused without a violation');
  return first;
}

/** Why these bytes are no key in a form that is accepted. */
function refusal(spki: Uint8Array): string {
  const { code, message } = violationOf(spki);
  expect(code).toBe('key-malformed');
  return message;
}

const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

const changed = (bytes: Uint8Array, at: number, flip: number): Uint8Array => {
  const copy = new Uint8Array(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ flip;
  return copy;
};

const P256 = '1.2.840.10045.3.1.7';
const p256Spki = spkiOf(keyPair('P-256'));
const p256Point = acceptedKey(p256Spki).bits;
const p256X = p256Point.subarray(1, 33);
const ed25519Spki = spkiOf(keyPair('Ed25519'));
const ed25519Point = acceptedKey(ed25519Spki).bits;

describe('accepted keys', () => {
  test.each(keyAlgorithms)('%s from node:crypto is read, and imported as the same key', (name) => {
    const spki = spkiOf(keyPair(name));
    const key = acceptedKey(spki);
    expect(key.algorithm).toBe(name);
    expect(Buffer.from(key.spki).equals(spki)).toBe(true);
    const exported = importPublicKey(key).export({ format: 'der', type: 'spki' });
    expect(exported.equals(spki)).toBe(true);
  });

  test.each(keyAlgorithms)('%s: bits are the content of the bit string', (name) => {
    const { spki, bits } = acceptedKey(spkiOf(keyPair(name)));
    const whole = bitString(bits);
    expect(Buffer.from(spki.subarray(-whole.length)).equals(whole)).toBe(true);
  });

  test('a key inside a larger buffer is read and imported', () => {
    for (const name of keyAlgorithms) {
      const spki = spkiOf(keyPair(name));
      const inside = concat(hex('ffff'), spki, hex('ffff')).subarray(2, 2 + spki.length);
      const exported = importPublicKey(acceptedKey(inside)).export({ format: 'der', type: 'spki' });
      expect(exported.equals(spki)).toBe(true);
    }
  });

  test('rsaModulus is the modulus of RSA keys and undefined for others', () => {
    const key = acceptedKey(spkiOf(keyPair('RSA-2048')));
    const { n } = keyPair('RSA-2048').publicKey.export({ format: 'jwk' });
    expect(Buffer.from(rsaModulus(key) ?? []).toString('base64url')).toBe(n);
    expect(rsaModulus(acceptedKey(p256Spki))).toBeUndefined();
  });
});

describe('C2: every bit before the key itself is fixed', () => {
  test.each(keyAlgorithms)('%s with one bit changed', (name) => {
    const spki = spkiOf(keyPair(name));
    const { bits } = acceptedKey(spki);
    // The point's form octet and the head of an RSA key are fixed too.
    const head = name.startsWith('RSA') ? 9 : name.startsWith('P-') ? 1 : 0;
    const fixed = spki.length - bits.length + head;
    for (let at = 0; at < fixed; at++) {
      for (let bit = 0; bit < 8; bit++) violationOf(changed(spki, at, 1 << bit));
    }
  });

  test.each(keyAlgorithms)('%s cut off at any place, or followed by a byte', (name) => {
    const spki = spkiOf(keyPair(name));
    for (let length = 0; length < spki.length; length++) refusal(spki.subarray(0, length));
    expect(refusal(concat(spki, hex('00')))).toContain('not a SubjectPublicKeyInfo in DER');
  });
});

const explicitParameters = sequence(
  integer(1),
  sequence(oid('1.2.840.10045.1.1'), integer(curves['P-256'].prime)),
  sequence(
    octetString(octetsOf(curves['P-256'].prime - 3n, 32)),
    octetString(octetsOf(curves['P-256'].b, 32)),
  ),
  octetString(p256Point),
  integer(curves['P-256'].order),
  integer(1),
);

describe('C2: EC keys in other encodings', () => {
  const ecKey = (parameters: readonly Uint8Array[], point = p256Point) =>
    sequence(sequence(oid(algorithms.ecPublicKey), ...parameters), bitString(point));
  const named = sequence(oid(algorithms.ecPublicKey), oid(P256));
  const withForm = (form: number) => concat(Uint8Array.of(form), p256Point.subarray(1));

  test.each<[name: string, spki: Uint8Array, says: string]>([
    ['RFC 5480 2.1.1 explicit parameters', ecKey([explicitParameters]), 'explicit parameters'],
    ['RFC 5480 2.1.1 implicit curve', ecKey([nullValue()]), 'implicit'],
    ['RFC 5480 2.1.1 parameters missing', ecKey([]), 'missing'],
    ['parameters twice', ecKey([oid(P256), oid(P256)]), 'bytes follow'],
    ['parameters of another type', ecKey([integer(5)]), 'tag 0x02'],
    ['RFC 5480 2.2 compressed, even y', ecKey([oid(P256)], concat(hex('02'), p256X)), 'compressed'],
    ['RFC 5480 2.2 compressed, odd y', ecKey([oid(P256)], concat(hex('03'), p256X)), 'compressed'],
    ['RFC 5480 2.2 hybrid, even y', ecKey([oid(P256)], withForm(6)), 'hybrid'],
    ['RFC 5480 2.2 hybrid, odd y', ecKey([oid(P256)], withForm(7)), 'hybrid'],
    ['RFC 5480 2.2 another first octet', ecKey([oid(P256)], withForm(5)), 'no known form'],
    ['infinity', ecKey([oid(P256)], hex('00')), 'infinity'],
    ['infinity in full length', ecKey([oid(P256)], new Uint8Array(65)), 'infinity'],
    ['an empty point', ecKey([oid(P256)], hex('')), 'no known form'],
    ['a point one octet short', ecKey([oid(P256)], p256Point.subarray(0, 64)), '64 octets'],
    ['a point one octet long', ecKey([oid(P256)], concat(p256Point, hex('00'))), '66 octets'],
    ['a P-256 point on P-384', ecKey([oid('1.3.132.0.34')]), '65 octets, 97 are expected'],
    [
      'RFC 5480 2.2 unused bits counted',
      sequence(named, hex(`034201${Buffer.from(withForm(4)).toString('hex').slice(0, -2)}fe`)),
      'unused bits',
    ],
    [
      'RFC 5480 2.2 unused bits set',
      sequence(named, hex(`034201${Buffer.from(withForm(4)).toString('hex').slice(0, -2)}ff`)),
      'unused bits',
    ],
    ['an octet string for the bits', sequence(named, octetString(p256Point)), 'tag 0x04'],
    ['a third element', sequence(named, bitString(p256Point), nullValue()), 'bytes follow'],
  ])('%s', (_name, spki, says) => {
    expect(refusal(spki)).toContain(says);
  });

  test.each<[name: string, code: string, spki: Uint8Array, says: string]>([
    [
      'secp192r1',
      'key-type',
      ecKey([oid('1.2.840.10045.3.1.1')], hex(`04${'01'.repeat(48)}`)),
      'secp192r1',
    ],
    [
      'secp224r1',
      'key-type',
      ecKey([oid('1.3.132.0.33')], hex(`04${'01'.repeat(56)}`)),
      'secp224r1',
    ],
    ['secp256k1', 'key-type', ecKey([oid('1.3.132.0.10')]), 'secp256k1'],
    ['brainpoolP256r1', 'key-type', ecKey([oid('1.3.36.3.3.2.8.1.1.7')]), 'brainpoolP256r1'],
    ['a curve nobody knows', 'key-type', ecKey([oid('1.2.3.4')]), '1.2.3.4'],
    [
      'id-ecDH',
      'key-type',
      sequence(sequence(oid('1.3.132.1.12'), oid(P256)), bitString(p256Point)),
      'ecDH',
    ],
    [
      'id-ecMQV',
      'key-type',
      sequence(sequence(oid('1.3.132.1.13'), oid(P256)), bitString(p256Point)),
      'ecMQV',
    ],
  ])('in good form, but not allowed: %s is %s', (_name, code, spki, says) => {
    expect(violationOf(spki)).toMatchObject({ code, message: expect.stringContaining(says) });
  });

  const body = p256Spki.subarray(2);
  test.each<[name: string, spki: Uint8Array]>([
    ['long form where short is enough', concat(hex('308159'), body)],
    ['two length octets', concat(hex('30820059'), body)],
    ['indefinite length', concat(hex('3080'), body, hex('0000'))],
    [
      'an indefinite length inside',
      concat(hex('305b3080'), body.subarray(2, 21), hex('0000'), body.subarray(21)),
    ],
    ['a long length inside', concat(hex('305a308113'), body.subarray(2))],
    [
      'a constructed bit string',
      concat(hex('305b'), body.subarray(0, 21), hex('23440342'), body.subarray(23)),
    ],
    ['a length beyond the end', concat(hex('305a'), body)],
    ['nothing', hex('')],
    ['an empty sequence', hex('3000')],
    ['zeros', new Uint8Array(91)],
  ])('BER or garbage: %s', (_name, spki) => {
    expect(refusal(spki)).toContain('not a SubjectPublicKeyInfo in DER');
  });

  test('node:crypto accepts what is refused here, which is why it is not asked', () => {
    const accepts = (spki: Uint8Array) => {
      try {
        createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
        return true;
      } catch {
        return false;
      }
    };
    expect(
      accepts(ecKey([oid(P256)], concat(Uint8Array.of(2 + ((p256Point[64] ?? 0) & 1)), p256X))),
    ).toBe(true);
    expect(accepts(concat(hex('308159'), body))).toBe(true);
    expect(accepts(spkiOf(keyPair('P-256')))).toBe(true);
  });
});

/** The point of the curve with the smallest x, and its y (the primes are all 3 modulo 4). */
function firstPoint({ prime, b }: Curve): { x: bigint; y: bigint } {
  for (let x = 0n; ; x++) {
    const square = (((x * x * x - 3n * x + b) % prime) + prime) % prime;
    const y = modularPower(square, (prime + 1n) / 4n, prime);
    if ((y * y) % prime === square) return { x, y };
  }
}

describe.each([
  ['P-256', P256],
  ['P-384', '1.3.132.0.34'],
  ['P-521', '1.3.132.0.35'],
] as const)('C2: points of %s', (name, curveOid) => {
  const curve = curves[name];
  const spki = (x: bigint, y: bigint) =>
    ecSpki(curveOid, concat(hex('04'), octetsOf(x, curve.octets), octetsOf(y, curve.octets)));
  const { x, y } = firstPoint(curve);
  const offCurve = `its point does not lie on ${name}`;

  test('a point computed from the equation is accepted, by node:crypto too', () => {
    expect(() => importPublicKey(acceptedKey(spki(x, y)))).not.toThrow();
    expect(acceptedKey(spki(x, curve.prime - y)).algorithm).toBe(name);
  });

  test.each<[string, bigint, bigint]>([
    ['off the curve by one in y', x, y + 1n],
    ['off the curve by one in x', x + 1n, y],
    ['x and y exchanged', y, x],
    ['all zero', 0n, 0n],
    ['x not reduced', x + curve.prime, y],
    ['y equal to the prime', x, curve.prime],
    [
      'both the largest that fit',
      2n ** BigInt(8 * curve.octets) - 1n,
      2n ** BigInt(8 * curve.octets) - 1n,
    ],
  ])('%s', (_name, px, py) => {
    expect(refusal(spki(px, py))).toContain(offCurve);
  });

  test('a bit changed anywhere in the point of a good key', () => {
    const good = spkiOf(keyPair(name));
    for (let at = 1; at <= 2 * curve.octets; at++) {
      expect(refusal(changed(good, -at, 0x01))).toContain(offCurve);
    }
  });
});

describe('C2: Edwards keys', () => {
  const edKey = (algorithm: string, point: Uint8Array, ...parameters: Uint8Array[]) =>
    sequence(sequence(oid(algorithm), ...parameters), bitString(point));
  const { ed25519, ed448, x448 } = algorithms;
  const ed448Point = acceptedKey(spkiOf(keyPair('Ed448'))).bits;

  test.each<[name: string, spki: Uint8Array, says: string]>([
    ['RFC 8410 3 Ed25519 with NULL', edKey(ed25519, ed25519Point, nullValue()), 'no parameters'],
    ['RFC 8410 3 Ed448 with NULL', edKey(ed448, ed448Point, nullValue()), 'no parameters'],
    ['RFC 8410 3 Ed25519 with a curve', edKey(ed25519, ed25519Point, oid(P256)), 'no parameters'],
    ['Ed25519 with 31 octets', edKey(ed25519, ed25519Point.subarray(1)), '32 octets, this one 31'],
    ['Ed25519 with the length of Ed448', edKey(ed25519, ed448Point), '32 octets, this one 57'],
    ['Ed448 with the length of Ed25519', edKey(ed448, ed25519Point), '57 octets, this one 32'],
    [
      'RFC 8410 4 unused bits',
      sequence(sequence(oid(ed25519)), hex(`032107${'00'.repeat(32)}`)),
      'unused bits',
    ],
  ])('%s', (_name, spki, says) => {
    expect(refusal(spki)).toContain(says);
  });

  test.each<[name: string, code: string, spki: Uint8Array, says: string]>([
    ['X25519', 'key-type', edKey('1.3.101.110', ed25519Point), 'X25519'],
    ['X448', 'key-type', edKey(x448, ed448Point.subarray(0, 56)), 'X448'],
  ])('in good form, but not allowed: %s is %s', (_name, code, spki, says) => {
    expect(violationOf(spki)).toMatchObject({ code, message: expect.stringContaining(says) });
  });

  const little = (value: bigint, octets: number) => octetsOf(value, octets).toReversed();
  const p25519 = 2n ** 255n - 19n;
  const sign = 2n ** 255n;
  const order8 = ed25519Order8();

  /** A root of d*y^4 + 2*y^2 - 1: the points there double to y = 0, which is of order 4. */
  function ed25519Order8(): bigint {
    const power = (base: bigint, exponent: bigint) => modularPower(base, exponent, p25519);
    const inverse = (value: bigint) => power(value, p25519 - 2n);
    const squareRoot = (value: bigint) => {
      const root = power(value, (p25519 + 3n) / 8n);
      const other = (root * power(2n, (p25519 - 1n) / 4n)) % p25519;
      return [root, other].find((y) => (y * y - value) % p25519 === 0n);
    };
    const d = -121665n * inverse(121666n);
    const discriminant = squareRoot((((1n + d) % p25519) + p25519) % p25519) ?? 0n;
    const squares = [discriminant, p25519 - discriminant].map(
      (root) => ((((root - 1n) * inverse(d)) % p25519) + p25519) % p25519,
    );
    const roots = squares.map(squareRoot).filter((y) => y !== undefined);
    expect(roots).toHaveLength(1);
    const y = roots[0] ?? 0n;
    const y2 = y * y;
    expect((-121665n * y2 * y2 + 121666n * (2n * y2 - 1n)) % p25519).toBe(0n);
    return y;
  }

  test.each<[name: string, y: bigint]>([
    ['the neutral element', 1n],
    ['order 2', p25519 - 1n],
    ['order 4', 0n],
    ['order 8', order8],
    ['order 8, its negative', p25519 - order8],
  ])('Ed25519 of small order: %s', (_name, y) => {
    expect(refusal(edKey(ed25519, little(y, 32)))).toContain('small order');
    expect(refusal(edKey(ed25519, little(y + sign, 32)))).toContain('small order');
  });

  test.each<[name: string, y: bigint]>([
    ['the prime itself', p25519],
    ['the neutral element plus the prime', p25519 + 1n],
    ['the largest y', 2n ** 255n - 1n],
  ])('Ed25519 not in canonical form: %s', (_name, y) => {
    expect(refusal(edKey(ed25519, little(y, 32)))).toContain('canonical');
    expect(refusal(edKey(ed25519, little(y + sign, 32)))).toContain('canonical');
  });

  const p448 = 2n ** 448n - 2n ** 224n - 1n;
  test.each<[name: string, y: bigint, says: string]>([
    ['the neutral element', 1n, 'small order'],
    ['order 2', p448 - 1n, 'small order'],
    ['order 4', 0n, 'small order'],
    ['the prime itself', p448, 'canonical'],
    ['the neutral element plus the prime', p448 + 1n, 'canonical'],
    ['a bit between y and the sign', 2n ** 448n + 5n, 'canonical'],
  ])('Ed448: %s', (_name, y, says) => {
    expect(refusal(edKey(ed448, little(y, 57)))).toContain(says);
    expect(refusal(edKey(ed448, little(y + 2n ** 455n, 57)))).toContain(says);
  });

  test('with the neutral element as key, OpenSSL takes one signature for every message', () => {
    const neutral = little(1n, 32);
    const key = createPublicKey({
      key: Buffer.from(edKey(ed25519, neutral)),
      format: 'der',
      type: 'spki',
    });
    const forged = concat(neutral, new Uint8Array(32));
    for (const message of ['one', 'another']) {
      expect(verify(null, Buffer.from(message), key, forged)).toBe(true);
    }
  });
});

describe('C2: RSA keys', () => {
  const modulus = BigInt(
    `0x${Buffer.from(rsaModulus(acceptedKey(spkiOf(keyPair('RSA-2048')))) ?? []).toString('hex')}`,
  );
  const magnitude = octetsOf(modulus, 256);
  const rsaKey = (key: Uint8Array, ...parameters: Uint8Array[]) =>
    sequence(sequence(oid(algorithms.rsaEncryption), ...parameters), bitString(key));
  const good = sequence(integer(modulus), integer(65537));

  test('the key that the variants below are made of is accepted', () => {
    expect(acceptedKey(rsaSpki(modulus)).algorithm).toBe('RSA-2048');
    expect(acceptedKey(rsaKey(good, nullValue())).algorithm).toBe('RSA-2048');
  });

  test.each<[name: string, spki: Uint8Array, says: string]>([
    ['RFC 3279 2.3.1 parameters missing', rsaKey(good), 'NULL'],
    ['RFC 3279 2.3.1 parameters not NULL', rsaKey(good, oid(P256)), 'NULL'],
    ['a NULL with content', rsaKey(good, hex('050100')), 'NULL'],
    [
      '2047 bits in the length of 2048',
      rsaKey(sequence(hex(`0282010100${'7f'.repeat(256)}`), integer(65537)), nullValue()),
      '2048',
    ],
    ['40000 bits', rsaSpki(2n ** 39999n + 1n), 'more than the 4096 allowed'],
    ['e = 65536, for which there is no d', rsaSpki(modulus, 65536), 'exponent is 010000'],
    ['e = 0', rsaSpki(modulus, 0), 'exponent is 00'],
    [
      'e negative',
      rsaKey(sequence(integer(modulus), hex('020183')), nullValue()),
      'exponent is 83',
    ],
    [
      'a negative modulus',
      rsaKey(sequence(concat(hex('02820100'), magnitude), integer(65537)), nullValue()),
      'negative',
    ],
    [
      'a zero octet too many',
      rsaKey(sequence(concat(hex('028201020000'), magnitude), integer(65537)), nullValue()),
      'shortest form',
    ],
    [
      'e with a zero octet',
      rsaKey(sequence(unsignedInteger(magnitude), hex('020400010001')), nullValue()),
      'shortest form',
    ],
    [
      'a third integer',
      rsaKey(sequence(integer(modulus), integer(65537), integer(1)), nullValue()),
      'bytes follow',
    ],
    ['bytes after the key', rsaKey(concat(good, hex('00')), nullValue()), 'bytes follow'],
  ])('%s', (_name, spki, says) => {
    expect(refusal(spki)).toContain(says);
  });

  test.each<[name: string, code: string, spki: Uint8Array, says: string]>([
    ['1024 bits', 'key-weak', rsaSpki(2n ** 1023n + 1n), '1024 bits'],
    ['2047 bits', 'key-weak', rsaSpki(modulus >> 1n), '2047 bits'],
    ['modulus 0', 'key-weak', rsaSpki(0n), '0 bits'],
    ['512 bits with e = 3', 'key-weak', rsaSpki(2n ** 511n + 1n, 3), '512 bits'],
    ['e = 1', 'key-weak', rsaSpki(modulus, 1), 'exponent is 01'],
    ['2049 bits', 'key-type', rsaSpki(modulus << 1n), '2049 bits'],
    ['2056 bits', 'key-type', rsaSpki(modulus << 8n), '2056 bits'],
    ['3071 bits', 'key-type', rsaSpki(2n ** 3070n + 1n), '3071 bits'],
    ['8192 bits', 'key-type', rsaSpki(2n ** 8191n + 1n), '8192 bits'],
    ['e = 3', 'key-type', rsaSpki(modulus, 3), 'exponent is 03'],
    ['e as long as the modulus', 'key-type', rsaSpki(modulus, modulus | 1n), 'exponent is 00'],
    [
      'RSA-PSS',
      'key-type',
      sequence(sequence(oid('1.2.840.113549.1.1.10')), bitString(good)),
      'RSA-PSS',
    ],
    [
      'RSA-OAEP',
      'key-type',
      sequence(sequence(oid('1.2.840.113549.1.1.7')), bitString(good)),
      'RSA-OAEP',
    ],
    ['DSA', 'key-type', sequence(sequence(oid('1.2.840.10040.4.1')), bitString(integer(5))), 'DSA'],
    [
      'an unknown algorithm',
      'key-type',
      sequence(sequence(oid('1.2.3')), bitString(integer(5))),
      '1.2.3',
    ],
  ])('in good form, but not allowed: %s is %s', (_name, code, spki, says) => {
    expect(violationOf(spki)).toMatchObject({ code, message: expect.stringContaining(says) });
  });
});
