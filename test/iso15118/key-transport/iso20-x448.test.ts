import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  ed448Scalar,
  isEd448KeyPair,
  isEd448Scalar,
  mirrorsEd448Key,
} from '../../../src/iso15118/key-transport/ed448-scalar.ts';
import { sealField } from '../../../src/iso15118/key-transport/iso20-field.ts';
import {
  openForIso20X448,
  sealForIso20X448,
} from '../../../src/iso15118/key-transport/iso20-x448.ts';
import {
  agreedX448Secret,
  agreeOnX448,
  x448PublicKey,
} from '../../../src/iso15118/key-transport/x448.ts';
import { flipped, refusal } from '../../support/key-transport.ts';
import { keyPair, spkiOf } from '../../support/public-keys.ts';
import { fromHex, toHex } from '../../support/vectors.ts';

/** RFC 7748 6.2. */
const alice = {
  secret:
    '9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b',
  public:
    '9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0',
};
const bob = {
  secret:
    '1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d',
  public:
    '3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609',
};
const agreed =
  '07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d';

const prime = 2n ** 448n - 2n ** 224n - 1n;
const order = 2n ** 446n - 0x8335dc163bb124b65129c96fde933d8d723a70aadc873d6d54a7bb0dn;

const bigEndian = (value: bigint, octets = 56): Uint8Array =>
  fromHex(value.toString(16).padStart(2 * octets, '0'));
const littleEndian = (value: bigint): Uint8Array => bigEndian(value).reverse();

const x448Key = (hex: string): KeyObject =>
  createPrivateKey({
    key: Buffer.from(`3046020100300506032b656f043a0438${hex}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  });

/** A contract key of Ed448: its 57 octets, and its public key. */
function ed448Pair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed448');
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const spki = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
  return { seed: Uint8Array.from(pkcs8.subarray(-57)), spki, point: spki.subarray(-57) };
}

describe('X448', () => {
  test('agrees as in RFC 7748 6.2', () => {
    const agreement = agreeOnX448(x448Key(alice.secret), fromHex(bob.public));
    expect(toHex(agreement.dhPublicKey)).toBe(alice.public);
    expect(toHex(agreement.sharedSecret)).toBe(agreed);
    expect(toHex(agreedX448Secret(fromHex(bob.secret), fromHex(alice.public)))).toBe(agreed);
  });

  test.each([
    ['0', littleEndian(0n)],
    ['1', littleEndian(1n)],
    ['-1', littleEndian(prime - 1n)],
    ['the prime, another way to write 0', littleEndian(prime)],
    ['the prime + 1, another way to write 1', littleEndian(prime + 1n)],
    ['the largest number of 56 octets', new Uint8Array(56).fill(0xff)],
    ['of 55 octets', new Uint8Array(55).fill(5)],
    ['of 57 octets', Uint8Array.of(4, ...fromHex(bob.public))],
    ['empty', new Uint8Array(0)],
  ])('refuses a public key that is %s', (_name, octets) => {
    expect(refusal(() => x448PublicKey(octets))).toBe('recipient-key');
    expect(refusal(() => agreeOnX448(x448Key(alice.secret), octets))).toBe('recipient-key');
    expect(refusal(() => agreedX448Secret(fromHex(bob.secret), octets))).toBe('dh-public-key');
  });

  test('refuses a private key of another length', () => {
    for (const length of [0, 55, 57]) {
      const privateKey = new Uint8Array(length).fill(1);
      expect(refusal(() => agreedX448Secret(privateKey, fromHex(alice.public)))).toBe(
        'scalar-out-of-range',
      );
    }
  });
});

describe('the number of an Ed448 key', () => {
  test('is that of its public key, exactly and as X448 sees it', () => {
    for (let run = 0; run < 20; run += 1) {
      const { seed, point } = ed448Pair();
      const scalar = ed448Scalar(seed);
      expect(isEd448Scalar(scalar)).toBe(true);
      expect(isEd448KeyPair(scalar, point)).toBe(true);
      expect(mirrorsEd448Key(scalar, point)).toBe(true);
    }
  });

  test('is not that of another', () => {
    const scalar = ed448Scalar(ed448Pair().seed);
    const { point } = ed448Pair();
    expect(isEd448KeyPair(scalar, point)).toBe(false);
    expect(mirrorsEd448Key(scalar, point)).toBe(false);
  });

  test('is found changed in any octet', () => {
    const { seed, point } = ed448Pair();
    const scalar = ed448Scalar(seed);
    for (let at = 0; at < 56; at += 1) {
      const changed = flipped(scalar, 8 * at + (at % 8));
      expect(mirrorsEd448Key(changed, point), `octet ${at}`).toBe(false);
    }
  });

  test('is told from its negative by the car', () => {
    const { seed, point } = ed448Pair();
    const negative = bigEndian(order - BigInt(`0x${toHex(ed448Scalar(seed))}`));
    expect(isEd448KeyPair(negative, point)).toBe(false);
    // The public key of which only the sign of x differs.
    expect(isEd448KeyPair(negative, flipped(point, 8 * 56 + 7))).toBe(true);
  });

  test.each([
    ['0', 0n, false],
    ['1', 1n, true],
    ['the order - 1', order - 1n, true],
    ['the order', order, false],
    ['the order + 1', order + 1n, false],
    ['the largest of 56 octets', 2n ** 448n - 1n, false],
  ])('%s', (_name, value, expected) => {
    expect(isEd448Scalar(bigEndian(value))).toBe(expected);
  });

  test('1 times the base point is the base point', () => {
    const y =
      298819210078481492676017930443930673437544040154080242095928241372331506189835876003536878655418784733982303233503462500531545062832660n;
    const base = Uint8Array.of(...littleEndian(y), 0);
    expect(isEd448KeyPair(bigEndian(1n), base)).toBe(true);
    expect(isEd448KeyPair(bigEndian(order + 1n), base)).toBe(true);
  });
});

describe('the transport', () => {
  const contract = ed448Pair();
  const scalar = ed448Scalar(contract.seed);
  const binding = {
    pcid: 'WP0PTESTPCID000001',
    contractKeyIdentifier: fromHex('4344fdbd5f8600bd'),
  };
  const iv = new Uint8Array(12).fill(7);
  const sharedSecret = fromHex(agreed);
  const field = sealForIso20X448({ scalar, iv, sharedSecret, binding });
  const opened = {
    encryptedPrivateKey: field,
    dhPublicKey: fromHex(alice.public),
    privateKey: fromHex(bob.secret),
    binding,
    contractSpki: contract.spki,
  };

  test('brings the number into the car: 12 + 56 + 16 octets', () => {
    expect(field).toHaveLength(84);
    expect(toHex(openForIso20X448(opened))).toBe(toHex(scalar));
  });

  test('is refused with a bit changed in any octet', () => {
    const codes = new Set<string>();
    for (let at = 0; at < field.length; at += 1) {
      const encryptedPrivateKey = flipped(field, 8 * at + (at % 8));
      codes.add(refusal(() => openForIso20X448({ ...opened, encryptedPrivateKey })));
    }
    expect([...codes]).toEqual(['not-authentic']);
  });

  test.each([
    ['another PCID', { binding: { ...binding, pcid: 'WP0PTESTPCID000002' } }, 'not-authentic'],
    [
      'another key identifier',
      { binding: { ...binding, contractKeyIdentifier: new Uint8Array(8) } },
      'not-authentic',
    ],
    ['another car', { privateKey: fromHex(alice.secret) }, 'not-authentic'],
    ['another certificate', { contractSpki: ed448Pair().spki }, 'key-mismatch'],
    ['a certificate of another kind', { contractSpki: spkiOf(keyPair('P-521')) }, 'contract-key'],
    ['the length of P-521', { encryptedPrivateKey: new Uint8Array(94) }, 'field-length'],
    ['the 57 octets of RFC 8032', { encryptedPrivateKey: new Uint8Array(85) }, 'field-length'],
    ['133 octets of DHPublicKey', { dhPublicKey: new Uint8Array(133) }, 'dh-public-key'],
  ])('is refused for %s', (_name, wrong, code) => {
    expect(refusal(() => openForIso20X448({ ...opened, ...wrong }))).toBe(code);
  });

  test.each([
    ['0', bigEndian(0n)],
    ['the order', bigEndian(order)],
    ['57 octets', contract.seed],
  ])('is not begun with %s', (_name, wrong) => {
    expect(refusal(() => sealForIso20X448({ scalar: wrong, iv, sharedSecret, binding }))).toBe(
      'scalar-out-of-range',
    );
  });

  test.each([
    ['0', 0n],
    ['the order', order],
    ['the same number, not reduced', order + BigInt(`0x${toHex(scalar)}`)],
    ['the largest of 56 octets', 2n ** 448n - 1n],
  ])('of %s is refused by the car', (_name, value) => {
    // A faulty sender's work: the field of the standard around any number.
    const wrong = sealField({ privateKey: bigEndian(value), iv, sharedSecret, binding });
    expect(refusal(() => openForIso20X448({ ...opened, encryptedPrivateKey: wrong }))).toBe(
      'scalar-out-of-range',
    );
  });

  test('of a key that is not that of the certificate is found by the car', () => {
    const other = sealForIso20X448({ scalar: bigEndian(5n), iv, sharedSecret, binding });
    expect(refusal(() => openForIso20X448({ ...opened, encryptedPrivateKey: other }))).toBe(
      'key-mismatch',
    );
  });
});
