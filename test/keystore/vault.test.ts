import { createPublicKey } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateKey } from '../../src/keystore/generate.ts';
import { createVault, openVault, type Vault } from '../../src/keystore/vault.ts';
import type { VaultRecord } from '../../src/services/vault-records.ts';

// Every scrypt takes a third of a second and 128 MiB: this file runs eight.
const passphrase = 'correct horse b\u00e5tt\u00e9ry';
const ids = { keyId: 'key-1', authorityId: 'v2g-root' };

describe('a vault', () => {
  let vault: Vault;
  let record: VaultRecord;
  beforeAll(async () => {
    ({ vault, record } = await createVault(passphrase));
  });

  test('has a record with 16 octets of salt and the cost of K1', () => {
    expect(record.salt).toHaveLength(16);
    expect(record).toMatchObject({ costN: 131_072, blockSize: 8, parallelization: 1 });
    expect(Buffer.from(record.check).toString('latin1')).not.toContain('evpki');
  });

  test('opens after a restart, with the passphrase in any normal form', async () => {
    const { spki, pkcs8 } = await generateKey('P-256');
    const envelope = vault.seal(pkcs8, ids);
    const again = await openVault(passphrase.normalize('NFD'), record);
    const key = again.open(envelope, ids);
    const own = createPublicKey(key).export({ type: 'spki', format: 'der' });
    expect(own.equals(spki)).toBe(true);
    expect(() => again.open(envelope, { ...ids, keyId: 'key-2' })).toThrow(
      expect.objectContaining({ code: 'envelope-rejected' }),
    );
  });

  test('derives secrets: the same after a restart, another for each purpose and id', async () => {
    const again = await openVault(passphrase, record);
    const hex = (of: Vault, purpose: string, id: string) => of.derive(purpose, id).toString('hex');
    expect(hex(again, 'webhook', 'a')).toBe(hex(vault, 'webhook', 'a'));
    const all = [
      ...[hex(vault, 'webhook', 'a'), hex(vault, 'webhook', 'b'), hex(vault, 'other', 'a')],
      ...[hex(vault, 'webhook a', ''), hex((await createVault(passphrase)).vault, 'webhook', 'a')],
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((secret) => secret.length === 64)).toBe(true);
  });

  test('K1 does not open with another passphrase', async () => {
    await expect(openVault(`${passphrase} `, record)).rejects.toMatchObject({
      name: 'KeystoreError',
      code: 'wrong-passphrase',
    });
  });

  test('K1 does not open with a check that was tampered with', async () => {
    const check = Uint8Array.from(record.check);
    check[20] = (check[20] ?? 0) ^ 1;
    await expect(openVault(passphrase, { ...record, check })).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
  });

  // None of these reaches scrypt.
  test.each<[string, Partial<VaultRecord>]>([
    ['cheaper guesses', { costN: 2 ** 16 }],
    ['N = 2', { costN: 2 }],
    ['more memory than a process has', { costN: 2 ** 30 }],
    ['N that is no power of two', { costN: 131_073 }],
    ['N that is no number', { costN: Number.NaN }],
    ['negative N', { costN: -131_072 }],
    ['another r', { blockSize: 1 }],
    ['another p', { parallelization: 0 }],
    ['a short salt', { salt: new Uint8Array(8) }],
  ])('K1 a record with %s is refused', async (_name, change) => {
    await expect(openVault(passphrase, { ...record, ...change })).rejects.toMatchObject({
      code: 'vault-record-invalid',
    });
  });

  test('two vaults of one passphrase do not open each other’s envelopes', async () => {
    const other = await createVault(passphrase);
    const { pkcs8 } = await generateKey('Ed25519');
    const envelope = vault.seal(pkcs8, ids);
    expect(() => other.vault.open(envelope, ids)).toThrow(
      expect.objectContaining({ code: 'envelope-rejected' }),
    );
  });
});

test.each(['', 'short', '12345678901', '\u{1f511}'.repeat(11)])(
  'no vault is created with the passphrase %j of fewer than 12 characters',
  async (short) => {
    await expect(createVault(short)).rejects.toMatchObject({ code: 'passphrase-too-short' });
  },
);
