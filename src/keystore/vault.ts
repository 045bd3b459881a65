/**
 * The vault: private keys at rest. A passphrase gives, through one scrypt (RFC 7914) per process
 * start, the key-encryption key; each private key is sealed under a key of its own, derived from
 * that one with HKDF-SHA256 (RFC 5869), in AES-256-GCM (NIST SP 800-38D).
 *
 * The database is not trusted: whoever can write to it may delete envelopes, but an envelope that
 * was altered, or moved to another key or authority, does not open.
 */

import { createSecretKey, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { VaultRecord } from '../services/vault-records.ts';
import { type EnvelopeIds, openEnvelope, sealEnvelope } from './envelope.ts';
import { KeystoreError } from './keystore-error.ts';
import { decryptUnder, encryptUnder, purposeKey } from './sealing.ts';

export interface Vault {
  /**
   * Seals a private key for the database.
   * @param pkcs8 DER of the PrivateKeyInfo; handed over: it is filled with zeros before this returns
   */
  seal(pkcs8: Uint8Array, ids: EnvelopeIds): Uint8Array;
  /**
   * Opens an envelope that was sealed for the same key and authority.
   * @returns the private key, as an object that does not show its octets
   * @throws KeystoreError `envelope-rejected`
   */
  open(envelope: Uint8Array, ids: EnvelopeIds): KeyObject;
  /**
   * A secret for this purpose and id alone: the same again from the same passphrase, and nothing
   * that the database could tell.
   * @returns 32 octets, which the caller wipes
   */
  derive(purpose: string, id: string): Buffer;
}

// RFC 7914 2 calls them N, r and p.
const COST = { costN: 2 ** 17, blockSize: 8, parallelization: 1 } as const;
// The record comes from the database. Less cost than evpki writes is somebody's doing, and too
// much would take the memory of this process: 2^20 takes a gigabyte.
const MOST_COST = 2 ** 20;
const SALT_OCTETS = 16;
const LEAST_PASSPHRASE_CHARACTERS = 12;
const CHECK_PURPOSE = 'evpki vault check v1';
const CHECK_TEXT = 'evpki vault';

const derive = promisify<Buffer, Uint8Array, number, object, Buffer>(scrypt);

/**
 * Creates a vault, for the first start. Both its record, to be stored, and the open vault are
 * returned, so that the first start costs one scrypt as well.
 * @throws KeystoreError `passphrase-too-short` under 12 characters
 */
export async function createVault(
  passphrase: string,
): Promise<{ readonly record: VaultRecord; readonly vault: Vault }> {
  if ([...passphrase].length < LEAST_PASSPHRASE_CHARACTERS) {
    throw new KeystoreError(
      'passphrase-too-short',
      `The key passphrase has fewer than ${LEAST_PASSPHRASE_CHARACTERS} characters.`,
    );
  }
  const parameters = { salt: Uint8Array.from(randomBytes(SALT_OCTETS)), ...COST };
  const kek = await keyEncryptionKey(passphrase, parameters);
  const check = encryptUnder(kek, CHECK_PURPOSE, Buffer.from(CHECK_TEXT), checkContext(parameters));
  return { record: { ...parameters, check }, vault: vaultOf(kek) };
}

/**
 * Opens a vault that exists.
 * @throws KeystoreError `wrong-passphrase` or `vault-record-invalid`
 */
export async function openVault(passphrase: string, record: VaultRecord): Promise<Vault> {
  requireSound(record);
  const kek = await keyEncryptionKey(passphrase, record);
  const text = decryptUnder(kek, CHECK_PURPOSE, record.check, checkContext(record));
  if (text === undefined || text.toString() !== CHECK_TEXT) {
    throw new KeystoreError(
      'wrong-passphrase',
      'The key passphrase is not the one that the keys of this database were sealed with.',
    );
  }
  return vaultOf(kek);
}

const vaultOf = (kek: KeyObject): Vault => ({
  seal: (pkcs8, ids) => sealEnvelope(kek, pkcs8, ids),
  open: (envelope, ids) => openEnvelope(kek, envelope, ids),
  // Neither of the two has a line break: no two pairs make one text.
  derive: (purpose, id) => purposeKey(kek, `evpki secret v1\n${purpose}\n${id}`),
});

type ScryptParameters = Omit<VaultRecord, 'check'>;

function requireSound({ salt, costN, blockSize, parallelization }: VaultRecord): void {
  const sound =
    Number.isInteger(Math.log2(costN)) &&
    costN >= COST.costN &&
    costN <= MOST_COST &&
    blockSize === COST.blockSize &&
    parallelization === COST.parallelization &&
    salt.length === SALT_OCTETS;
  if (!sound) {
    throw new KeystoreError(
      'vault-record-invalid',
      `The vault's record has parameters that evpki does not write (N=${costN}, r=${blockSize}, p=${parallelization}, ${salt.length} octets of salt).`,
    );
  }
}

async function keyEncryptionKey(
  passphrase: string,
  parameters: ScryptParameters,
): Promise<KeyObject> {
  const { salt, costN: N, blockSize: r, parallelization: p } = parameters;
  // Keyboards differ in how they compose an accented letter (RFC 8265 4.2.2 normalizes to NFC too).
  const secret = Buffer.from(passphrase.normalize('NFC'));
  // Node's default of 32 MiB is too little for this N: it needs 128 N r octets and a little.
  const octets = await derive(secret, salt, 32, { N, r, p, maxmem: 256 * N * r }).finally(() =>
    secret.fill(0),
  );
  const kek = createSecretKey(octets);
  octets.fill(0);
  return kek;
}

const checkContext = ({ salt, costN, blockSize, parallelization }: ScryptParameters): Uint8Array =>
  Buffer.concat([Buffer.from(`N=${costN},r=${blockSize},p=${parallelization},salt=`), salt]);
