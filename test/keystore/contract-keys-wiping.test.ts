import * as crypto from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../../src/iso15118/key-transport/iso20.ts';
import { contractKeys } from '../../src/keystore/contract-keys.ts';
import type { ContractKeyRecipient } from '../../src/services/contract-keys.ts';
import { spkiOf } from '../support/public-keys.ts';

/** Every buffer with a secret in it that was handed to or came from node:crypto. */
const seen = vi.hoisted(() => ({ buffers: new Map<string, Uint8Array[]>() }));

interface Pair {
  readonly publicKey: object;
  readonly privateKey: object;
}

vi.mock('node:crypto', async (importOriginal) => {
  const actual = await importOriginal<typeof crypto>();
  const note = <T>(what: string, value: T): T => {
    const octets = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    if (!(octets instanceof Uint8Array)) throw new Error(`${what} is not in octets`);
    // A buffer that is wiped already would pass for one that is wiped later.
    if (octets.every((octet) => octet === 0)) throw new Error(`${what} is empty`);
    seen.buffers.set(what, [...(seen.buffers.get(what) ?? []), octets]);
    return value;
  };
  /** The object with some methods that note what they return. */
  const noting = <T extends object>(target: T, methods: Record<string, string>): T =>
    Object.assign(
      target,
      Object.fromEntries(
        Object.entries(methods).map(([method, what]) => {
          const original = (target as Record<string, (...all: unknown[]) => unknown>)[method];
          return [method, (...all: unknown[]) => note(what, original?.apply(target, all))];
        }),
      ),
    );
  const { promisify } = await import('node:util');
  const generate = promisify(actual.generateKeyPair) as (...all: unknown[]) => Promise<Pair>;
  const generatePair = async (...all: unknown[]) => {
    const pair = await generate(...all);
    if (pair.privateKey instanceof Uint8Array) note('PKCS#8 of a fresh key', pair.privateKey);
    else noting(pair.privateKey, { export: 'DER of a fresh key' });
    return pair;
  };
  const { subtle } = actual.webcrypto;
  return {
    ...actual,
    createHash: (name: string, options?: object) =>
      noting(actual.createHash(name, options), { digest: `${name} of a secret` }),
    createECDH: (name: string) =>
      noting(actual.createECDH(name), {
        getPrivateKey: 'scalar from ECDH',
        computeSecret: 'shared secret from ECDH',
      }),
    createPrivateKey: (input: crypto.PrivateKeyInput) => {
      note('DER to createPrivateKey', input.key);
      return actual.createPrivateKey(input);
    },
    diffieHellman: (options: Parameters<typeof crypto.diffieHellman>[0]) =>
      note('shared secret from diffieHellman', actual.diffieHellman(options)),
    createCipheriv: (name: 'aes-256-gcm', key: Uint8Array, iv: Uint8Array, options: object) =>
      actual.createCipheriv(name, note('key to createCipheriv', key), iv, options),
    createDecipheriv: (name: 'aes-256-gcm', key: Uint8Array, iv: Uint8Array, options: object) =>
      noting(actual.createDecipheriv(name, note('key to createDecipheriv', key), iv, options), {
        update: 'plaintext of update',
      }),
    generateKeyPair: Object.assign(() => {}, { [promisify.custom]: generatePair }),
    webcrypto: {
      subtle: {
        importKey: subtle.importKey.bind(subtle),
        generateKey: subtle.generateKey.bind(subtle),
        exportKey: subtle.exportKey.bind(subtle),
        deriveBits: async (...all: Parameters<typeof subtle.deriveBits>) =>
          note('shared secret from deriveBits', await subtle.deriveBits(...all)),
      },
    },
  };
});

const contractKeyIdentifier = new Uint8Array(8).fill(0x41);
const binding = { pcid: 'WP0PTESTPCID000001', contractKeyIdentifier };
const cars = {
  'P-256': crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-521': crypto.generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  X448: crypto.generateKeyPairSync('x448'),
};
const recipients: Record<'P-256' | 'P-521' | 'Ed448', ContractKeyRecipient> = {
  'P-256': { standard: 'iso15118-2', spki: spkiOf(cars['P-256']) },
  'P-521': { standard: 'iso15118-20', ...binding, spki: spkiOf(cars['P-521']) },
  Ed448: {
    standard: 'iso15118-20',
    ...binding,
    spki: spkiOf(cars['P-521']),
    x448PublicKey: spkiOf(cars.X448).subarray(-56),
  },
};

const wiped = () =>
  Object.fromEntries(
    [...seen.buffers].map(([what, all]) => [what, all.every((b) => b.every((o) => o === 0))]),
  );

beforeEach(() => seen.buffers.clear());

describe('K2 sealing wipes every secret that it had in its hands', () => {
  test('P-256', async () => {
    await (await contractKeys().generate('P-256')).seal(recipients['P-256']);
    expect(wiped()).toEqual({
      'scalar from ECDH': true,
      'shared secret from ECDH': true,
      'sha256 of a secret': true,
      'key to createCipheriv': true,
    });
  });

  test('P-521', async () => {
    await (await contractKeys().generate('P-521')).seal(recipients['P-521']);
    expect(wiped()).toEqual({
      'DER of a fresh key': true,
      'DER to createPrivateKey': true,
      'shared secret from deriveBits': true,
      'sha512 of a secret': true,
      'key to createCipheriv': true,
    });
  });

  test('Ed448', async () => {
    await (await contractKeys().generate('Ed448')).seal(recipients.Ed448);
    expect(wiped()).toEqual({
      'PKCS#8 of a fresh key': true,
      'DER to createPrivateKey': true,
      'shake256 of a secret': true,
      'shared secret from diffieHellman': true,
      'sha512 of a secret': true,
      'key to createCipheriv': true,
    });
  });

  test.each(['P-521', 'Ed448'] as const)('%s also when it fails late', async (algorithm) => {
    const key = await contractKeys().generate(algorithm);
    const wrong = { ...recipients[algorithm], pcid: 'not a PCID' };
    await expect(key.seal(wrong)).rejects.toThrow('PCID');
    const state = wiped();
    expect(Object.keys(state)).toContain(
      algorithm === 'P-521' ? 'shared secret from deriveBits' : 'shared secret from diffieHellman',
    );
    expect(Object.values(state)).not.toContain(false);
  });
});

describe('K2 a car that is refused its key is left with nothing', () => {
  test('ISO 15118-2: the number that was decrypted is wiped', async () => {
    const key = await contractKeys().generate('P-256');
    const other = await contractKeys().generate('P-256');
    const sealed = await key.seal(recipients['P-256']);
    const privateKey = scalarOf('P-256');
    seen.buffers.clear();
    expect(() => openForIso2({ ...sealed, privateKey, contractSpki: other.spki })).toThrow();
    expect(wiped()).toEqual({
      'shared secret from ECDH': true,
      'sha256 of a secret': true,
      'key to createDecipheriv': true,
      'plaintext of update': true,
    });
  });

  test('ISO 15118-20: also what GCM had decrypted before it failed', async () => {
    const key = await contractKeys().generate('P-521');
    const sealed = await key.seal(recipients['P-521']);
    const wrong = { ...binding, pcid: 'WP0PTESTPCID000002' };
    const privateKey = scalarOf('P-521');
    seen.buffers.clear();
    expect(() =>
      openForIso20({ ...sealed, privateKey, binding: wrong, contractSpki: key.spki }),
    ).toThrow();
    expect(wiped()).toEqual({
      'shared secret from ECDH': true,
      'sha512 of a secret': true,
      'key to createDecipheriv': true,
      'plaintext of update': true,
    });
  });
});

/** Of a car, whose key is no fresh one: RFC 5915, behind seven or eight octets. */
function scalarOf(curve: 'P-256' | 'P-521'): Uint8Array {
  const sec1 = cars[curve].privateKey.export({ type: 'sec1', format: 'der' });
  return curve === 'P-256' ? sec1.subarray(7, 39) : sec1.subarray(8, 74);
}
