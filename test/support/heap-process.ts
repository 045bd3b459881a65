/**
 * A process of its own that makes private keys as evpki does, seals, opens and uses them, and then
 * leaves what its heap holds: every string (a heap snapshot) and the content of every buffer, which
 * a snapshot lacks. With `leaking` it keeps copies of the keys, for those who look for them to find.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { types } from 'node:util';
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { ed448Scalar } from '../../src/iso15118/key-transport/ed448-scalar.ts';
import { contractKeyPair } from '../../src/keystore/contract-key-pair.ts';
import { contractKeys } from '../../src/keystore/contract-keys.ts';
import { vaultKeyring } from '../../src/keystore/keyring.ts';
import { createVault, openVault, type Vault } from '../../src/keystore/vault.ts';

export const heapAlgorithms = ['P-256', 'Ed25519'] as const;
export const heapContractAlgorithms = ['P-256', 'P-521', 'Ed448'] as const;

/** The cars that contract keys are sealed for: public keys, hex. */
export interface HeapCars {
  readonly p256: string;
  readonly p521: string;
  readonly x448: string;
}

/** What all contract keys of -20 are bound to. */
export const heapBinding = {
  pcid: 'WP0PTESTPCID000001',
  contractKeyIdentifier: new Uint8Array(8).fill(0x41),
};

/** What it writes to standard output: whoever knows the passphrase gets the keys from it. */
export interface HeapReport {
  readonly salt: string;
  readonly check: string;
  readonly keys: readonly {
    readonly algorithm: (typeof heapAlgorithms)[number];
    readonly keyId: string;
    readonly authorityId: string;
    readonly envelope: string;
    readonly spki: string;
  }[];
  readonly contracts: readonly {
    readonly algorithm: (typeof heapContractAlgorithms)[number];
    readonly spki: string;
    readonly dhPublicKey: string;
    readonly encryptedPrivateKey: string;
  }[];
}

export const SNAPSHOT = 'heap.heapsnapshot';
export const BUFFERS = 'buffers';
export const HEAP_PASSPHRASE = 'a passphrase that all may know';

const { isArrayBuffer, isUint8Array } = types;
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

/** Whatever is in here is alive when the heap is looked at. */
const kept: unknown[] = [];

/** A vault that keeps the keys it is to seal, in every form that a slip might give them. */
const leaking = (vault: Vault): Vault => ({
  open: vault.open,
  seal: (pkcs8, ids) => {
    keep(pkcs8);
    return vault.seal(pkcs8, ids);
  },
  derive: vault.derive,
});

function keep(secret: Uint8Array): void {
  const copy = Buffer.from(secret);
  kept.push(copy, copy.toString('hex'), copy.toString('base64'), copy.toString('latin1'));
}

async function sealContracts(cars: HeapCars, leaks: boolean): Promise<HeapReport['contracts']> {
  const octets = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
  const iso20 = {
    standard: 'iso15118-20',
    ...heapBinding,
    spki: octets(cars.p521),
    x448PublicKey: octets(cars.x448),
  } as const;
  const keys = contractKeys({
    pair: async (algorithm) => {
      const pair = await contractKeyPair(algorithm);
      // Of Ed448 the car gets another number than what is generated.
      if (leaks) keep(algorithm === 'Ed448' ? ed448Scalar(pair.secret) : pair.secret);
      return pair;
    },
  });
  const contracts: HeapReport['contracts'][number][] = [];
  for (const algorithm of heapContractAlgorithms) {
    const key = await keys.generate(algorithm);
    const sealed = await key.seal(
      algorithm === 'P-256' ? { standard: 'iso15118-2', spki: octets(cars.p256) } : iso20,
    );
    kept.push(key, sealed);
    const dhPublicKey = hex(sealed.dhPublicKey);
    const encryptedPrivateKey = hex(sealed.encryptedPrivateKey);
    contracts.push({ algorithm, spki: hex(key.spki), dhPublicKey, encryptedPrivateKey });
  }
  return contracts;
}

async function useKeys(cars: HeapCars, leaks: boolean): Promise<HeapReport> {
  const { record, vault } = await createVault(HEAP_PASSPHRASE);
  const keyring = vaultKeyring(leaks ? leaking(vault) : vault);
  const message = Buffer.from('to be signed');
  const keys: HeapReport['keys'][number][] = [];
  for (const algorithm of heapAlgorithms) {
    const ids = { keyId: `key-${algorithm}`, authorityId: `authority-${algorithm}` };
    const { spki, key } = await keyring.generate(algorithm, ids);
    const signer = await keyring.open(key, algorithm, spki);
    kept.push(message, signer, await signer.sign(message));
    // As after a restart, and on the thread pool, where long messages are signed.
    const reopened = vaultKeyring(await openVault(HEAP_PASSPHRASE, record));
    const again = await reopened.open(key, algorithm, spki);
    kept.push(again, await again.sign(Buffer.alloc(100_000)));
    kept.push(await again.signPieces([Buffer.alloc(100_000), Buffer.alloc(100_000)]));
    keys.push({ algorithm, ...ids, envelope: hex(key.envelope), spki: hex(spki) });
  }
  const contracts = await sealContracts(cars, leaks);
  return { salt: hex(record.salt), check: hex(record.check), keys, contracts };
}

/** The content of every buffer that is alive, unused parts of Node's pool included. */
async function writeBuffers(file: string): Promise<void> {
  const session = new Session();
  session.connect();
  const target = openSync(file, 'w');
  for (const type of ['Uint8Array', 'ArrayBuffer']) {
    const { result } = await session.post('Runtime.evaluate', { expression: `${type}.prototype` });
    const { objects } = await session.post('Runtime.queryObjects', {
      prototypeObjectId: result.objectId ?? '',
    });
    await session.post('Runtime.callFunctionOn', {
      objectId: objects.objectId ?? '',
      functionDeclaration: 'function () { globalThis.foundBuffers = this; }',
    });
    const { foundBuffers } = globalThis as { foundBuffers?: (Uint8Array | ArrayBuffer)[] };
    for (const found of foundBuffers ?? []) {
      // Prototypes are among them, and are no buffers.
      if (isUint8Array(found)) writeSync(target, found);
      else if (isArrayBuffer(found)) writeSync(target, new Uint8Array(found));
      // What stands at the end of one and the start of the next is no find.
      writeSync(target, '\n--\n');
    }
  }
  closeSync(target);
  session.disconnect();
}

/** Run as a process: the folder to write to, the cars, and `leaking` or nothing. */
const [, script = '', folder, cars, mode] = process.argv;
if (folder !== undefined && cars !== undefined && script.endsWith('heap-process.ts')) {
  // V8 cuts strings off after 1024 characters otherwise.
  setFlagsFromString('--heap-snapshot-string-limit=1000000');
  const report = await useKeys(JSON.parse(cars) as HeapCars, mode === 'leaking');
  writeHeapSnapshot(join(folder, SNAPSHOT));
  await writeBuffers(join(folder, BUFFERS));
  process.stdout.write(JSON.stringify(report));
}
