import * as crypto from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { openEnvelope, sealEnvelope } from '../../src/keystore/envelope.ts';
import { createVault } from '../../src/keystore/vault.ts';

/** Every buffer with a secret in it that was handed to or came from node:crypto. */
const seen = vi.hoisted(() => ({ buffers: new Map<string, Uint8Array[]>() }));

vi.mock('node:crypto', async (importOriginal) => {
  const actual = await importOriginal<typeof crypto>();
  const note = (what: string, value: unknown) => {
    if (!(value instanceof Uint8Array)) throw new Error(`${what} is not in octets`);
    // A buffer that is wiped already would pass for one that is wiped later.
    if (value.every((octet) => octet === 0)) throw new Error(`${what} is empty`);
    seen.buffers.set(what, [...(seen.buffers.get(what) ?? []), value]);
  };
  return {
    ...actual,
    createPrivateKey: (input: crypto.PrivateKeyInput) => {
      note('pkcs8 to createPrivateKey', input.key);
      return actual.createPrivateKey(input);
    },
    createSecretKey: (octets: Uint8Array) => {
      note('octets to createSecretKey', octets);
      return actual.createSecretKey(octets);
    },
    createCipheriv: (name: 'aes-256-gcm', key: Uint8Array, nonce: Uint8Array, options: object) => {
      note('key to createCipheriv', key);
      return actual.createCipheriv(name, key, nonce, options);
    },
    createDecipheriv: (
      name: 'aes-256-gcm',
      key: Uint8Array,
      nonce: Uint8Array,
      options: object,
    ) => {
      note('key to createDecipheriv', key);
      const decipher = actual.createDecipheriv(name, key, nonce, options);
      const update = decipher.update.bind(decipher) as (data: Uint8Array) => Buffer;
      return Object.assign(decipher, {
        update: (data: Uint8Array) => {
          const plaintext = update(data);
          note('plaintext of update', plaintext);
          return plaintext;
        },
      });
    },
    scrypt: (password: Uint8Array, ...rest: unknown[]) => {
      note('password to scrypt', password);
      return (actual.scrypt as (...all: unknown[]) => void)(password, ...rest);
    },
  };
});

const ids = { keyId: 'key-1', authorityId: 'v2g-root' };
const kek = crypto.createSecretKey(crypto.randomBytes(32));

const freshPkcs8 = () =>
  crypto.generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' });

const wiped = () =>
  Object.fromEntries(
    [...seen.buffers].map(([what, all]) => [what, all.every((b) => b.every((o) => o === 0))]),
  );

beforeEach(() => seen.buffers.clear());

test('K2 sealing wipes the private key and the key it was encrypted with', () => {
  const pkcs8 = freshPkcs8();
  sealEnvelope(kek, pkcs8, ids);
  expect(pkcs8.every((octet) => octet === 0)).toBe(true);
  expect(wiped()).toEqual({ 'key to createCipheriv': true });
});

test('K2 sealing wipes the private key also when it fails', () => {
  const pkcs8 = freshPkcs8();
  const broken = {
    get keyId(): string {
      throw new Error('no id');
    },
    authorityId: 'a',
  };
  expect(() => sealEnvelope(kek, pkcs8, broken)).toThrow('no id');
  expect(pkcs8.every((octet) => octet === 0)).toBe(true);
});

test('K2 opening wipes the decrypted private key and the key it was decrypted with', () => {
  const envelope = sealEnvelope(kek, freshPkcs8(), ids);
  seen.buffers.clear();
  openEnvelope(kek, envelope, ids);
  expect(wiped()).toEqual({
    'key to createDecipheriv': true,
    'plaintext of update': true,
    'pkcs8 to createPrivateKey': true,
  });
});

test('K2 opening a tampered envelope wipes what GCM had decrypted before it failed', () => {
  const envelope = sealEnvelope(kek, freshPkcs8(), ids);
  const last = envelope.length - 1;
  envelope[last] = (envelope[last] ?? 0) ^ 1;
  seen.buffers.clear();
  expect(() => openEnvelope(kek, envelope, ids)).toThrow();
  expect(wiped()).toEqual({ 'key to createDecipheriv': true, 'plaintext of update': true });
});

test('K2 creating a vault wipes the passphrase octets and the key-encryption key', async () => {
  await createVault('a long enough passphrase');
  expect(wiped()).toEqual({
    'password to scrypt': true,
    'octets to createSecretKey': true,
    'key to createCipheriv': true,
  });
});
