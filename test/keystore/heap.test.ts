/** What the heap of a process holds that has made, sealed, opened and used private keys. */

import { execFile } from 'node:child_process';
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { openForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../../src/iso15118/key-transport/iso20.ts';
import { openForIso20X448 } from '../../src/iso15118/key-transport/iso20-x448.ts';
import { openVault } from '../../src/keystore/vault.ts';
import {
  BUFFERS,
  HEAP_PASSPHRASE,
  type HeapCars,
  type HeapReport,
  heapAlgorithms,
  heapBinding,
  heapContractAlgorithms,
  SNAPSHOT,
} from '../support/heap-process.ts';
import { type KeyPair, spkiOf } from '../support/public-keys.ts';
import { fromHex, toHex } from '../support/vectors.ts';

const script = fileURLToPath(new URL('../support/heap-process.ts', import.meta.url));
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** The cars, whose private keys the process never sees. */
const cars = {
  p256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p521: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  x448: generateKeyPairSync('x448'),
};
const publicKeys: HeapCars = {
  p256: toHex(spkiOf(cars.p256)),
  p521: toHex(spkiOf(cars.p521)),
  x448: toHex(spkiOf(cars.x448).subarray(-56)),
};

/** Runs the process; what it left, and the private keys, which only its envelopes and cars tell. */
async function heapOf(mode?: 'leaking') {
  const folder = mkdtempSync(join(tmpdir(), 'evpki-heap-'));
  folders.push(folder);
  const args = [
    '--import',
    'tsx',
    script,
    folder,
    JSON.stringify(publicKeys),
    ...(mode ? [mode] : []),
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  const { strings } = JSON.parse(readFileSync(join(folder, SNAPSHOT), 'utf8')) as {
    strings: string[];
  };
  return {
    strings: strings.map(flat).join('\n'),
    buffers: readFileSync(join(folder, BUFFERS)),
    secrets: await secretsOf(JSON.parse(stdout) as HeapReport),
    contracts: contractSecretsOf(JSON.parse(stdout) as HeapReport),
  };
}

/** V8 shows NUL as a space; and PEM has lines. */
const flat = (text: string): string => text.replaceAll('\0', ' ').replaceAll(/[\r\n]/g, '');

async function secretsOf({ salt, check, keys }: HeapReport): Promise<Map<string, Buffer>> {
  const octets = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
  const costs = { costN: 2 ** 17, blockSize: 8, parallelization: 1 };
  const record = { ...costs, salt: octets(salt), check: octets(check) };
  const vault = await openVault(HEAP_PASSPHRASE, record);
  return new Map(
    keys.map(({ algorithm, envelope, spki, ...ids }) => {
      const secret = privateOctets(vault.open(octets(envelope), ids));
      expect(publicOctets(algorithm, secret)).toEqual(Buffer.from(spki, 'hex').subarray(-32));
      return [algorithm, secret];
    }),
  );
}

/** The private keys of contracts, as the cars get them. */
function contractSecretsOf({ contracts }: HeapReport): Map<string, Buffer> {
  const sec1 = (pair: KeyPair) => pair.privateKey.export({ type: 'sec1', format: 'der' });
  const x448 = cars.x448.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-56);
  return new Map(
    contracts.map(({ algorithm, ...contract }) => {
      const sealed = {
        dhPublicKey: fromHex(contract.dhPublicKey),
        encryptedPrivateKey: fromHex(contract.encryptedPrivateKey),
        contractSpki: fromHex(contract.spki),
        binding: heapBinding,
      };
      const opened = {
        'P-256': () => openForIso2({ ...sealed, privateKey: sec1(cars.p256).subarray(7, 39) }),
        'P-521': () => openForIso20({ ...sealed, privateKey: sec1(cars.p521).subarray(8, 74) }),
        Ed448: () => openForIso20X448({ ...sealed, privateKey: x448 }),
      }[algorithm]();
      return [algorithm, Buffer.from(opened)];
    }),
  );
}

/** The private scalar (RFC 5915) or seed (RFC 8410): the one OCTET STRING of 32 octets in it. */
function privateOctets(key: KeyObject): Buffer {
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  const at = pkcs8.indexOf(Buffer.from('0420', 'hex'), 12) + 2;
  return pkcs8.subarray(at, at + 32);
}

/** The last 32 octets of the public key that belongs to it: proof that it is the private one. */
function publicOctets(algorithm: string, secret: Buffer): Buffer {
  if (algorithm === 'P-256') {
    const pair = createECDH('prime256v1');
    pair.setPrivateKey(secret);
    return pair.getPublicKey().subarray(-32);
  }
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret]);
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  return key.export({ format: 'der', type: 'spki' }).subarray(-32);
}

/** In base64 of something longer the octets may begin at any of three places. */
const base64Forms = (secret: Buffer): string[] =>
  [0, 1, 2].map((skip) => secret.subarray(skip, skip + 30).toString('base64'));

/** In which forms a secret is in a heap. */
function formsFound(secret: Buffer, { strings, buffers }: Awaited<ReturnType<typeof heapOf>>) {
  const hex = secret.toString('hex');
  const base64 = base64Forms(secret);
  const texts: Readonly<Record<string, readonly string[]>> = {
    hex: [hex, hex.toUpperCase()],
    base64: [...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))],
    latin1: [flat(secret.toString('latin1'))],
  };
  return [
    ...(buffers.includes(secret) ? ['octets'] : []),
    ...Object.entries(texts)
      .filter(([, forms]) =>
        forms.some((form) => strings.includes(form) || buffers.includes(form, 0, 'latin1')),
      )
      .map(([name]) => name),
  ];
}

test('K2 no private key is in the heap after it was made, sealed, opened and used', async () => {
  const heap = await heapOf();
  // It was the right heap that was looked at, all of it.
  expect(heap.strings).toContain(HEAP_PASSPHRASE);
  expect(heap.buffers.includes('to be signed')).toBe(true);
  expect([...heap.secrets.keys()]).toEqual([...heapAlgorithms]);
  expect([...heap.contracts.keys()]).toEqual([...heapContractAlgorithms]);
  for (const [algorithm, secret] of [...heap.secrets, ...heap.contracts]) {
    expect([algorithm, ...formsFound(secret, heap)]).toEqual([algorithm]);
  }
}, 120_000);

test('K2 and one that is kept is found, in every form', async () => {
  const heap = await heapOf('leaking');
  for (const [algorithm, secret] of [...heap.secrets, ...heap.contracts]) {
    const found = [algorithm, ...formsFound(secret, heap)];
    expect(found).toEqual([algorithm, 'octets', 'hex', 'base64', 'latin1']);
  }
}, 120_000);
