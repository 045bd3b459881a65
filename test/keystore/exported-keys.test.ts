import { createPrivateKey, createPublicKey, createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encryptPkcs8 } from '../../src/keystore/encrypted-pkcs8.ts';
import { openEnvelope, sealEnvelope } from '../../src/keystore/envelope.ts';
import { exportedKeys } from '../../src/keystore/exported-keys.ts';
import { generateKey } from '../../src/keystore/generate.ts';

const PASSPHRASE = 'sixteen or more of these';
const ids = { keyId: 'key-1', authorityId: 'steve-station-ca' };
const opened = (encrypted: Uint8Array, passphrase = PASSPHRASE) =>
  createPrivateKey({ key: Buffer.from(encrypted), format: 'der', type: 'pkcs8', passphrase });

describe('a key that is handed out', () => {
  test.each(['P-256', 'P-384', 'RSA-2048'] as const)(
    '%s is the one that is sealed',
    async (alg) => {
      const kek = createSecretKey(randomBytes(32));
      let sealed: Uint8Array | undefined;
      const vault = {
        seal: (pkcs8: Uint8Array, of: typeof ids) => {
          sealed = pkcs8;
          return sealEnvelope(kek, pkcs8, of);
        },
      };
      const made = await exportedKeys(vault)(alg, ids, PASSPHRASE);
      const handedOut = opened(made.encryptedKey);
      expect(openEnvelope(kek, made.key.envelope, ids).equals(handedOut)).toBe(true);
      const publicKey = createPublicKey(handedOut).export({ type: 'spki', format: 'der' });
      expect(Buffer.from(made.spki).equals(publicKey)).toBe(true);
      // Nothing of it is left in memory that we have.
      expect(sealed?.every((octet) => octet === 0)).toBe(true);
      expect(() => opened(made.encryptedKey, `${PASSPHRASE}!`)).toThrow();
    },
  );

  test('is wiped where it cannot be sealed', async () => {
    let seen: Uint8Array = new Uint8Array([1]);
    const vault = {
      seal: (pkcs8: Uint8Array) => {
        seen = pkcs8;
        throw new Error('no vault');
      },
    };
    await expect(exportedKeys(vault)('P-256', ids, PASSPHRASE)).rejects.toThrow('no vault');
    expect(seen.every((octet) => octet === 0)).toBe(true);
  });

  test('is encrypted anew each time, under a key of 600,000 rounds', async () => {
    const { pkcs8 } = await generateKey('P-256');
    const [one, other] = await Promise.all([
      encryptPkcs8(pkcs8, PASSPHRASE),
      encryptPkcs8(pkcs8, PASSPHRASE),
    ]);
    const text = (der: Uint8Array) => Buffer.from(der).toString('hex');
    expect(text(one)).not.toBe(text(other));
    // INTEGER 600000.
    expect(text(one)).toContain('02030927c0');
    expect(text(one)).not.toContain(text(pkcs8).slice(-64));
  });

  test.each(['pässwörter haben 2 Umlaute', 'a line\nand another one', ''])(
    'has no passphrase that tools encode each in its own way: %j',
    async (passphrase) => {
      const { pkcs8 } = await generateKey('P-256');
      await expect(encryptPkcs8(pkcs8, passphrase)).rejects.toThrow(RangeError);
    },
  );
});
