/**
 * The transport of contract keys against a second implementation: car and sender written here from
 * the byte layouts of the standards, on @noble's curves, ciphers and hashes, which are JavaScript and share
 * nothing with OpenSSL. It shows that evpki does what its authors read in the text; whether a car
 * maker reads the same in it, only a car can show.
 */

import { randomBytes } from 'node:crypto';
import { cbc, gcm } from '@noble/ciphers/aes.js';
import { ed448, x448 } from '@noble/curves/ed448.js';
import { p256, p521 } from '@noble/curves/nist.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { shake256 } from '@noble/hashes/sha3.js';
import { describe, expect, test } from 'vitest';
import { agree } from '../../src/iso15118/key-transport/agreement.ts';
import { ed448Scalar, mirrorsEd448Key } from '../../src/iso15118/key-transport/ed448-scalar.ts';
import { openForIso2, sealForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../../src/iso15118/key-transport/iso20.ts';
import { openForIso20X448 } from '../../src/iso15118/key-transport/iso20-x448.ts';
import { contractKeys } from '../../src/keystore/contract-keys.ts';
import { readPublicKey } from '../../src/pki/public-key.ts';
import { verifySignature } from '../../src/pki/signature-algorithm.ts';
import { ecdhOf, scalarOf } from '../support/key-transport.ts';

const PCID = 'WP0PTESTPCID000001';
const RUNS_P256 = 100;
const RUNS_SLOW = 8;

const spki = {
  p256: (point: Uint8Array) =>
    join(bytes('3059301306072a8648ce3d020106082a8648ce3d030107034200'), point),
  p521: (point: Uint8Array) =>
    join(bytes('30819b301006072a8648ce3d020106052b8104002303818600'), point),
  ed448: (point: Uint8Array) => join(bytes('3043300506032b6571033a00'), point),
};

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const number = (octets: Uint8Array): bigint => BigInt(`0x${Buffer.from(octets).toString('hex')}`);

/** ISO 15118-2 and -20: SHA-2 over 00000001, Z, 01, 55, 56; as many octets of it as AES wants. */
const derive = (hash: (message: Uint8Array) => Uint8Array, z: Uint8Array, octets: number) =>
  hash(join(bytes('00000001'), z, bytes('015556'))).slice(0, octets);

/** The x coordinate of what is agreed on. */
const z256 = (d: Uint8Array, point: Uint8Array) =>
  p256.getSharedSecret(d, point, false).slice(1, 33);
const z521 = (d: Uint8Array, point: Uint8Array) =>
  p521.getSharedSecret(d, point, false).slice(1, 67);

const aad = (pcid: string, keyIdentifier: Uint8Array) =>
  Uint8Array.from(
    Buffer.from(pcid + Buffer.from(keyIdentifier).toString('hex').toUpperCase(), 'ascii'),
  );

describe('ISO 15118-2', () => {
  test('sealed by evpki, opened by the other car', async () => {
    for (let run = 0; run < RUNS_P256; run += 1) {
      const car = p256.keygen();
      const carPoint = p256.getPublicKey(car.secretKey, false);
      const key = await contractKeys().generate('P-256');
      const sealed = await key.seal({ standard: 'iso15118-2', spki: spki.p256(carPoint) });
      expect(sealed.curve).toBe('P-256');
      expect(sealed.encryptedPrivateKey).toHaveLength(48);
      expect(sealed.dhPublicKey).toHaveLength(65);

      const aesKey = derive(sha256, z256(car.secretKey, sealed.dhPublicKey), 16);
      const iv = sealed.encryptedPrivateKey.slice(0, 16);
      const scalar = cbc(aesKey, iv, { disablePadding: true }).decrypt(
        sealed.encryptedPrivateKey.slice(16),
      );
      expect(spki.p256(p256.getPublicKey(scalar, false))).toEqual(key.spki);
    }
  });

  test('sealed by the other sender, opened by evpki', () => {
    for (let run = 0; run < RUNS_P256; run += 1) {
      const car = p256.keygen();
      const ephemeral = p256.keygen();
      // Small ones among them: the leading zeros are part of the text.
      const scalar = run < 40 ? scalarOf('P-256', BigInt(run + 1) ** 7n) : p256.keygen().secretKey;
      const z = z256(ephemeral.secretKey, p256.getPublicKey(car.secretKey, false));
      const iv = Uint8Array.from(randomBytes(16));
      const cipher = cbc(derive(sha256, z, 16), iv, { disablePadding: true });
      const opened = openForIso2({
        encryptedPrivateKey: join(iv, cipher.encrypt(scalar)),
        dhPublicKey: p256.getPublicKey(ephemeral.secretKey, false),
        privateKey: car.secretKey,
        contractSpki: spki.p256(p256.getPublicKey(scalar, false)),
      });
      expect(Uint8Array.from(opened)).toEqual(scalar);
    }
  });
});

test('a shared secret keeps its leading zero octets', () => {
  const car = p256.keygen();
  const carPoint = p256.getPublicKey(car.secretKey, false);
  // One in 256 has one; the search uses the faster library, the car the other.
  for (let at = 1n; at < 10_000n; at += 1n) {
    const ephemeral = ecdhOf('P-256', scalarOf('P-256', at));
    const { dhPublicKey, sharedSecret } = agree('P-256', ephemeral, spki.p256(carPoint));
    if (sharedSecret[0] !== 0) continue;
    const scalar = p256.keygen().secretKey;
    const field = sealForIso2({ scalar, iv: new Uint8Array(16), sharedSecret });
    const aesKey = derive(sha256, z256(car.secretKey, Uint8Array.from(dhPublicKey)), 16);
    const cipher = cbc(aesKey, field.slice(0, 16), { disablePadding: true });
    expect(cipher.decrypt(Uint8Array.from(field.subarray(16)))).toEqual(scalar);
    return;
  }
  expect.unreachable('no secret with a leading zero octet was found');
});

describe('ISO 15118-20, P-521', () => {
  test('sealed by evpki, opened by the other car', async () => {
    for (let run = 0; run < RUNS_SLOW; run += 1) {
      const car = p521.keygen();
      const contractKeyIdentifier = Uint8Array.from(randomBytes(8));
      const key = await contractKeys().generate('P-521');
      const sealed = await key.seal({
        standard: 'iso15118-20',
        pcid: PCID,
        spki: spki.p521(p521.getPublicKey(car.secretKey, false)),
        contractKeyIdentifier,
      });
      expect(sealed.curve).toBe('SECP521');
      expect(sealed.encryptedPrivateKey).toHaveLength(94);
      expect(sealed.dhPublicKey).toHaveLength(133);

      const aesKey = derive(sha512, z521(car.secretKey, sealed.dhPublicKey), 32);
      const iv = sealed.encryptedPrivateKey.slice(0, 12);
      const scalar = gcm(aesKey, iv, aad(PCID, contractKeyIdentifier)).decrypt(
        sealed.encryptedPrivateKey.slice(12),
      );
      expect(scalar).toHaveLength(66);
      expect(spki.p521(p521.getPublicKey(scalar, false))).toEqual(key.spki);
    }
  });

  test('sealed by the other sender, opened by evpki', () => {
    for (let run = 0; run < RUNS_SLOW; run += 1) {
      const car = p521.keygen();
      const ephemeral = p521.keygen();
      const scalar = run < 2 ? scalarOf('P-521', BigInt(run + 1)) : p521.keygen().secretKey;
      const contractKeyIdentifier = Uint8Array.from(randomBytes(8));
      const z = z521(ephemeral.secretKey, p521.getPublicKey(car.secretKey, false));
      const iv = Uint8Array.from(randomBytes(12));
      const cipher = gcm(derive(sha512, z, 32), iv, aad(PCID, contractKeyIdentifier));
      const opened = openForIso20({
        encryptedPrivateKey: join(iv, cipher.encrypt(scalar)),
        dhPublicKey: p521.getPublicKey(ephemeral.secretKey, false),
        privateKey: car.secretKey,
        binding: { pcid: PCID.toLowerCase(), contractKeyIdentifier },
        contractSpki: spki.p521(p521.getPublicKey(scalar, false)),
      });
      expect(Uint8Array.from(opened)).toEqual(scalar);
    }
  });
});

describe('ISO 15118-20, X448 (experimental)', () => {
  test('sealed by evpki, opened by the other car, which can sign with the key', async () => {
    for (let run = 0; run < RUNS_SLOW; run += 1) {
      const car = x448.keygen();
      const contractKeyIdentifier = Uint8Array.from(randomBytes(8));
      const key = await contractKeys().generate('Ed448');
      const sealed = await key.seal({
        standard: 'iso15118-20',
        pcid: PCID,
        spki: spki.p521(p521.getPublicKey(p521.keygen().secretKey, false)),
        x448PublicKey: car.publicKey,
        contractKeyIdentifier,
      });
      expect(sealed.curve).toBe('X448');
      expect(sealed.encryptedPrivateKey).toHaveLength(84);
      expect(sealed.dhPublicKey).toHaveLength(56);

      const z = x448.getSharedSecret(car.secretKey, sealed.dhPublicKey);
      const iv = sealed.encryptedPrivateKey.slice(0, 12);
      const scalar = gcm(derive(sha512, z, 32), iv, aad(PCID, contractKeyIdentifier)).decrypt(
        sealed.encryptedPrivateKey.slice(12),
      );
      expect(scalar).toHaveLength(56);
      const point = ed448.Point.BASE.multiply(number(scalar));
      expect(spki.ed448(point.toBytes())).toEqual(key.spki);

      const message = Buffer.from('AuthorizationReq');
      const publicKey = readPublicKey(key.spki);
      if (!publicKey.ok) throw new Error('not a key');
      const signature = signedWith(number(scalar), message);
      expect(verifySignature(publicKey.value, 'Ed448', message, signature)).toBe(true);
    }
  });

  test('sealed by the other sender, opened by evpki', () => {
    for (let run = 0; run < RUNS_SLOW; run += 1) {
      const car = x448.keygen();
      const ephemeral = x448.keygen();
      const { scalar: value, pointBytes } = ed448.utils.getExtendedPublicKey(
        ed448.keygen().secretKey,
      );
      const scalar = bytes(value.toString(16).padStart(112, '0'));
      const contractKeyIdentifier = Uint8Array.from(randomBytes(8));
      const z = x448.getSharedSecret(ephemeral.secretKey, car.publicKey);
      const iv = Uint8Array.from(randomBytes(12));
      const cipher = gcm(derive(sha512, z, 32), iv, aad(PCID, contractKeyIdentifier));
      const opened = openForIso20X448({
        encryptedPrivateKey: join(iv, cipher.encrypt(scalar)),
        dhPublicKey: ephemeral.publicKey,
        privateKey: car.secretKey,
        binding: { pcid: PCID, contractKeyIdentifier },
        contractSpki: spki.ed448(pointBytes),
      });
      expect(Uint8Array.from(opened)).toEqual(scalar);
    }
  });

  test('the number of a private key is the one that the other implementation derives', () => {
    for (let run = 0; run < 100; run += 1) {
      const { secretKey, publicKey } = ed448.keygen();
      const scalar = ed448Scalar(secretKey);
      expect(number(scalar)).toBe(ed448.utils.getExtendedPublicKey(secretKey).scalar);
      expect(mirrorsEd448Key(scalar, publicKey)).toBe(true);
    }
  });
});

/** RFC 8032 5.2.6 for whoever has the number alone: the nonce is random instead of derived. */
function signedWith(d: bigint, message: Uint8Array): Uint8Array {
  const order = ed448.Point.Fn.ORDER;
  const r = number(randomBytes(64)) % order;
  const nonce = ed448.Point.BASE.multiply(r).toBytes();
  const publicKey = ed448.Point.BASE.multiply(d).toBytes();
  const prefix = join(Buffer.from('SigEd448'), bytes('0000'));
  const hash = shake256(join(prefix, nonce, publicKey, message), { dkLen: 114 });
  const s = (r + (number(hash.reverse()) % order) * d) % order;
  return join(nonce, bytes(s.toString(16).padStart(114, '0')).reverse());
}
