import type * as crypto from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { generateKey } from '../../src/keystore/generate.ts';
import { createSigner } from '../../src/keystore/signer.ts';

const calls = vi.hoisted(() => ({ places: [] as string[] }));

vi.mock('node:crypto', async (importOriginal) => {
  const actual = await importOriginal<typeof crypto>();
  const sign = actual.sign as (...all: unknown[]) => unknown;
  return {
    ...actual,
    sign: (...all: unknown[]) => {
      calls.places.push(typeof all[3] === 'function' ? 'thread pool' : 'event loop');
      return sign(...all);
    },
  };
});

beforeEach(() => {
  calls.places = [];
});

test.each([
  ['P-256', 'event loop'],
  ['Ed25519', 'event loop'],
  ['Ed448', 'thread pool'],
  ['P-384', 'thread pool'],
  ['P-521', 'thread pool'],
  ['RSA-2048', 'thread pool'],
] as const)('%s signs on the %s (docs/adr/0002)', async (algorithm, place) => {
  const { spki, pkcs8 } = await generateKey(algorithm);
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  await createSigner(key, algorithm, spki).sign(Buffer.from('message'));
  expect(calls.places).toEqual([place]);
});
