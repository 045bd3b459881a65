import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEnvelope, sealEnvelope } from '../../src/keystore/envelope.ts';
import { generateKey } from '../../src/keystore/generate.ts';
import { encryptUnder } from '../../src/keystore/sealing.ts';

const kek = createSecretKey(randomBytes(32));
const ids = { keyId: 'key-1', authorityId: 'cpo-sub-2' };

const rejection = (kekUsed: KeyObject, envelope: Uint8Array, claimed: typeof ids): unknown => {
  try {
    openEnvelope(kekUsed, envelope, claimed);
    return 'opened';
  } catch (error) {
    return error;
  }
};
const rejected = { name: 'KeystoreError', code: 'envelope-rejected' };

describe('an envelope', () => {
  let pkcs8: Buffer;
  let envelope: Uint8Array;
  beforeAll(async () => {
    const fresh = await generateKey('P-256');
    pkcs8 = Buffer.from(fresh.pkcs8);
    envelope = sealEnvelope(kek, fresh.pkcs8, ids);
  });

  test('opens to the key that was sealed', () => {
    const key = openEnvelope(kek, envelope, ids);
    expect(key.type).toBe('private');
    expect(key.export({ type: 'pkcs8', format: 'der' }).equals(pkcs8)).toBe(true);
  });

  test('has the documented layout: version, nonce, ciphertext, tag', () => {
    expect(envelope[0]).toBe(1);
    expect(envelope).toHaveLength(1 + 12 + pkcs8.length + 16);
    expect(Buffer.from(envelope).includes(pkcs8.subarray(36, 68))).toBe(false);
  });

  test('differs each time the same key is sealed', () => {
    const again = sealEnvelope(kek, Uint8Array.from(pkcs8), ids);
    expect(again.subarray(1, 13)).not.toEqual(envelope.subarray(1, 13));
    expect(again.subarray(13)).not.toEqual(envelope.subarray(13));
  });

  test('K1 does not open with any single bit of any octet changed', () => {
    for (let at = 0; at < envelope.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const tampered = Uint8Array.from(envelope);
        tampered[at] = (tampered[at] ?? 0) ^ bit;
        expect(rejection(kek, tampered, ids), `octet ${at}, bit ${bit}`).toMatchObject(rejected);
      }
    }
  });

  test('K1 does not open when cut to any length, or extended', () => {
    for (let length = 0; length < envelope.length; length++) {
      expect(rejection(kek, envelope.subarray(0, length), ids), `${length}`).toMatchObject(
        rejected,
      );
    }
    const longer = Uint8Array.from([...envelope, 0]);
    expect(rejection(kek, longer, ids)).toMatchObject(rejected);
  });

  test.each([
    ['another key', { ...ids, keyId: 'key-2' }],
    ['another authority', { ...ids, authorityId: 'cpo-sub-1' }],
    ['key and authority exchanged', { keyId: ids.authorityId, authorityId: ids.keyId }],
    ['an octet moved between the ids', { keyId: 'key-1c', authorityId: 'po-sub-2' }],
    ['empty ids', { keyId: '', authorityId: '' }],
  ])('K1 does not open for %s', (_name, claimed) => {
    expect(rejection(kek, envelope, claimed)).toMatchObject(rejected);
  });

  test('K1 does not open for any other pair of ids', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (keyId, authorityId) => {
        fc.pre(keyId !== ids.keyId || authorityId !== ids.authorityId);
        expect(rejection(kek, envelope, { keyId, authorityId })).toMatchObject(rejected);
      }),
      { numRuns: 50 },
    );
  });

  test('K1 two rows with their envelopes swapped both fail', async () => {
    const otherIds = { keyId: 'key-9', authorityId: 'mo-root' };
    const other = sealEnvelope(kek, (await generateKey('P-256')).pkcs8, otherIds);
    expect(rejection(kek, other, ids)).toMatchObject(rejected);
    expect(rejection(kek, envelope, otherIds)).toMatchObject(rejected);
  });

  test('does not open in another vault', () => {
    expect(rejection(createSecretKey(randomBytes(32)), envelope, ids)).toMatchObject(rejected);
  });

  test('that holds no private key is rejected without the words of OpenSSL', () => {
    const sealed = sealEnvelope(kek, Uint8Array.from(Buffer.from('not a key at all')), ids);
    const error = rejection(kek, sealed, ids);
    expect(error).toMatchObject(rejected);
    expect(String(error)).not.toMatch(/asn1|decoder|DECODER|unsupported/);
  });

  test('no message carries octets of the key', () => {
    const error = rejection(kek, envelope, { ...ids, keyId: 'key-2' }) as Error;
    expect(error.message).toContain('key-2');
    expect(error.message).not.toContain(pkcs8.toString('hex').slice(80, 96));
  });
});

test('what is encrypted for one purpose does not open for another', () => {
  const context = new Uint8Array(0);
  const sealed = encryptUnder(kek, 'evpki vault check v1', randomBytes(100), context);
  expect(rejection(kek, Uint8Array.from([1, ...sealed]), ids)).toMatchObject(rejected);
});
