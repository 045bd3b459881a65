import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { curveOf } from '../../src/pki/curves.ts';
import { integer, nullValue, oid, sequence } from '../../src/pki/der-writer.ts';
import { ecdsaDerToRaw } from '../../src/pki/ecdsa.ts';
import { algorithms } from '../../src/pki/oids.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { importPublicKey } from '../../src/pki/public-key.ts';
import {
  algorithmIdentifier,
  fitsKey,
  keyAlgorithmOf,
  nodeDigest,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  signatureAlgorithmFor,
  verifySignature,
  verifySignatureOnce,
  verifyWith,
} from '../../src/pki/signature-algorithm.ts';
import {
  acceptedKey,
  freshKeyPair,
  hex,
  keyAlgorithms,
  keyPair,
  spkiOf,
} from '../support/public-keys.ts';

const message = Buffer.from('to be signed');
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Each algorithm, the DER of its identifier as openssl writes it, the keys that it fits. */
const ec: readonly KeyAlgorithm[] = ['P-256', 'P-384', 'P-521'];
const rsa: readonly KeyAlgorithm[] = ['RSA-2048', 'RSA-3072', 'RSA-4096'];
const identifiers: readonly [SignatureAlgorithm, der: string, keys: readonly KeyAlgorithm[]][] = [
  ['ecdsa-with-SHA256', '300a06082a8648ce3d040302', ec],
  ['ecdsa-with-SHA384', '300a06082a8648ce3d040303', ec],
  ['ecdsa-with-SHA512', '300a06082a8648ce3d040304', ec],
  ['Ed25519', '300506032b6570', ['Ed25519']],
  ['Ed448', '300506032b6571', ['Ed448']],
  ['sha256WithRSAEncryption', '300d06092a864886f70d01010b0500', rsa],
  ['sha384WithRSAEncryption', '300d06092a864886f70d01010c0500', rsa],
  ['sha512WithRSAEncryption', '300d06092a864886f70d01010d0500', rsa],
];

describe('S6: algorithm identifiers', () => {
  test.each(identifiers)('%s is written and read as %s', (algorithm, der) => {
    expect(toHex(algorithmIdentifier(algorithm))).toBe(der);
    expect(readSignatureAlgorithm(hex(der))).toBe(algorithm);
  });

  test.each(identifiers)('%s with any bit changed is not it', (algorithm, der) => {
    const bytes = hex(der);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const copy = new Uint8Array(bytes);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(readSignatureAlgorithm(copy)).not.toBe(algorithm);
    }
  });

  test.each<[what: string, der: Uint8Array]>([
    ['nothing', hex('')],
    ['RFC 5758 3.2 ECDSA with NULL', sequence(oid(algorithms.ecdsaWithSha256), nullValue())],
    ['RFC 8410 3 Ed25519 with NULL', sequence(oid(algorithms.ed25519), nullValue())],
    ['RFC 8410 3 Ed448 with NULL', sequence(oid(algorithms.ed448), nullValue())],
    ['RFC 4055 5 RSA without NULL', sequence(oid(algorithms.sha256WithRsaEncryption))],
    ['RSA with parameters', sequence(oid(algorithms.sha256WithRsaEncryption), integer(1))],
    ['ecdsa-with-SHA1', sequence(oid('1.2.840.10045.4.1'))],
    ['ecdsa-with-SHA224', sequence(oid('1.2.840.10045.4.3.1'))],
    ['sha1WithRSAEncryption', sequence(oid('1.2.840.113549.1.1.5'), nullValue())],
    ['md5WithRSAEncryption', sequence(oid('1.2.840.113549.1.1.4'), nullValue())],
    ['RSASSA-PSS', sequence(oid('1.2.840.113549.1.1.10'))],
    ['a long length', hex('30810a06082a8648ce3d040302')],
    ['a byte behind', hex('300a06082a8648ce3d04030200')],
  ])('%s is unknown', (_what, der) => {
    expect(readSignatureAlgorithm(der)).toBeUndefined();
  });

  test.each(identifiers)('%s fits its keys and no others', (algorithm, _der, keys) => {
    expect(keyAlgorithms.filter((key) => fitsKey(algorithm, key))).toEqual(keys);
  });

  test.each<[KeyAlgorithm, SignatureAlgorithm, digest: string | undefined]>([
    ['P-256', 'ecdsa-with-SHA256', 'sha256'],
    ['P-384', 'ecdsa-with-SHA384', 'sha384'],
    ['P-521', 'ecdsa-with-SHA512', 'sha512'],
    ['Ed25519', 'Ed25519', undefined],
    ['Ed448', 'Ed448', undefined],
    ['RSA-2048', 'sha256WithRSAEncryption', 'sha256'],
    ['RSA-3072', 'sha256WithRSAEncryption', 'sha256'],
    ['RSA-4096', 'sha256WithRSAEncryption', 'sha256'],
  ])('%s signs with %s', (key, algorithm, digest) => {
    expect(signatureAlgorithmFor(key)).toBe(algorithm);
    expect(fitsKey(algorithm, key)).toBe(true);
    expect(nodeDigest(algorithm)).toBe(digest);
  });
});

const signed = (privateKey: KeyObject, algorithm: SignatureAlgorithm, text = message): Buffer =>
  sign(nodeDigest(algorithm) ?? null, text, privateKey);

const combinations = identifiers.flatMap(([algorithm, , keys]) =>
  keys.map((key) => [key, algorithm] as const),
);

describe.each(combinations)('a signature by %s with %s', (name, algorithm) => {
  const pair = keyPair(name);
  const key = acceptedKey(spkiOf(pair));
  const imported = importPublicKey(key);
  const good = signed(pair.privateKey, algorithm);
  /** All ways of verifying, which must agree. */
  const verdict = (text: Uint8Array, signature: Uint8Array, as = algorithm): boolean => {
    const verdicts = [
      verifySignature(key, as, text, signature),
      verifySignatureOnce(key, as, text, signature),
      verifyWith(imported, as, text, signature),
      verifyWith(pair.publicKey, as, text, signature),
    ];
    expect(new Set(verdicts).size).toBe(1);
    return verdicts[0] ?? false;
  };

  test('is valid', () => {
    expect(verdict(message, good)).toBe(true);
    expect(verdict(new Uint8Array(0), signed(pair.privateKey, algorithm, Buffer.alloc(0)))).toBe(
      true,
    );
  });

  test('C1: is not valid for another message', () => {
    expect(verdict(Buffer.from('to be signed.'), good)).toBe(false);
  });

  test('C1: is not valid with any other algorithm', () => {
    for (const [other] of identifiers) {
      if (other !== algorithm) expect(verdict(message, good, other)).toBe(false);
    }
  });

  test('C1: is not valid with a bit changed, cut off or extended', () => {
    const ends = [0, 1, 2, 3, 4, 5, good.length >> 1, good.length - 1];
    for (const at of ends) {
      const copy = new Uint8Array(good);
      copy[at] = (copy[at] ?? 0) ^ 0x01;
      expect(verdict(message, copy)).toBe(false);
      expect(verdict(message, good.subarray(0, at))).toBe(false);
    }
    expect(verdict(message, Buffer.concat([good, Buffer.of(0)]))).toBe(false);
    expect(verdict(message, Buffer.concat([Buffer.of(0), good]))).toBe(false);
  });

  test('C1: constant bytes are not valid and do not throw', () => {
    for (const length of [0, 1, good.length - 1, good.length, good.length + 1, 5000]) {
      for (const octet of [0x00, 0x30, 0xff]) {
        expect(verdict(message, new Uint8Array(length).fill(octet))).toBe(false);
      }
    }
  });
});

test('C1: garbage is never valid and never throws', () => {
  const key = acceptedKey(spkiOf(keyPair('P-256')));
  const scalar = fc.uint8Array({ minLength: 1, maxLength: 32 });
  const der = fc
    .tuple(scalar, scalar)
    .map(([r, s]) => sequence(integer(BigInt(`0x${toHex(r)}`)), integer(BigInt(`0x${toHex(s)}`))));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), der), (signature) => {
      expect(verifySignature(key, 'ecdsa-with-SHA256', message, signature)).toBe(false);
      expect(verifySignatureOnce(key, 'ecdsa-with-SHA256', message, signature)).toBe(false);
    }),
    { numRuns: 200 },
  );
});

describe('C1: other encodings of a valid ECDSA signature are refused', () => {
  const pair = keyPair('P-256');
  const key = acceptedKey(spkiOf(pair));
  const good = signed(pair.privateKey, 'ecdsa-with-SHA256');
  const raw = ecdsaDerToRaw(good, 'P-256');
  const number = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
  const r = number(raw.subarray(0, 32));
  const s = number(raw.subarray(32));
  const order = curveOf('P-256')?.order ?? 0n;
  const padded = (value: bigint) => {
    const { length } = integer(value);
    return Buffer.concat([Buffer.of(2, length - 1, 0), integer(value).subarray(2)]);
  };

  test('the signature that they are made of is valid', () => {
    const again = sequence(integer(r), integer(s));
    expect(verifySignature(key, 'ecdsa-with-SHA256', message, again)).toBe(true);
  });

  test.each<[what: string, signature: Uint8Array]>([
    ['r || s', raw],
    ['a long length', Buffer.concat([Buffer.of(0x30, 0x81), good.subarray(1)])],
    ['an indefinite length', Buffer.concat([hex('3080'), good.subarray(2), hex('0000')])],
    ['r with a zero octet too many', sequence(padded(r), integer(s))],
    ['s with a zero octet too many', sequence(integer(r), padded(s))],
    ['s + order', sequence(integer(r), integer(s + order))],
    ['r + order', sequence(integer(r + order), integer(s))],
    ['a third integer', sequence(integer(r), integer(s), integer(1))],
    ['s = 0', sequence(integer(r), integer(0))],
    ['both 0', sequence(integer(0), integer(0))],
  ])('%s', (_what, signature) => {
    expect(verifySignature(key, 'ecdsa-with-SHA256', message, signature)).toBe(false);
    expect(verifySignatureOnce(key, 'ecdsa-with-SHA256', message, signature)).toBe(false);
  });
});

test('RFC 6979 A.2.5 and RFC 8032 7.1: published signatures are valid', () => {
  const p256 = acceptedKey(
    hex(
      '3059301306072a8648ce3d020106082a8648ce3d03010703420004' +
        '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
        '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    ),
  );
  const ecdsa = sequence(
    integer(0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716n),
    integer(0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8n),
  );
  expect(verifySignature(p256, 'ecdsa-with-SHA256', Buffer.from('sample'), ecdsa)).toBe(true);

  const ed25519 = acceptedKey(
    hex('302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'),
  );
  const eddsa = hex(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555' +
      'fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  expect(verifySignature(ed25519, 'Ed25519', new Uint8Array(0), eddsa)).toBe(true);
});

test('C1: a signature by another key of the same kind is not valid', () => {
  for (const name of ['P-256', 'Ed25519', 'Ed448', 'RSA-2048'] as const) {
    const algorithm = signatureAlgorithmFor(name);
    const foreign = signed(freshKeyPair(name).privateKey, algorithm);
    expect(verifySignature(acceptedKey(spkiOf(keyPair(name))), algorithm, message, foreign)).toBe(
      false,
    );
  }
});

describe('C2: key objects of other kinds verify nothing', () => {
  const others: [what: string, pair: { publicKey: KeyObject; privateKey: KeyObject }][] = [
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
    ['secp224r1', generateKeyPairSync('ec', { namedCurve: 'secp224r1' })],
    ['RSA of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['RSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
  ];

  test.each(others)('%s', (_what, { publicKey, privateKey }) => {
    const signature = sign('sha256', message, privateKey);
    expect(keyAlgorithmOf(publicKey)).toBeUndefined();
    for (const [algorithm] of identifiers) {
      expect(verifyWith(publicKey, algorithm, message, signature)).toBe(false);
    }
  });

  test.each(keyAlgorithms)('%s is recognised, public and private', (name) => {
    expect(keyAlgorithmOf(keyPair(name).privateKey)).toBe(name);
    expect(keyAlgorithmOf(createPublicKey(keyPair(name).privateKey))).toBe(name);
  });
});
