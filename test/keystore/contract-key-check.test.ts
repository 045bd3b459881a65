import { beforeEach, expect, test, vi } from 'vitest';
import { checkedScalar } from '../../src/keystore/contract-key-check.ts';
import { contractKeyPair } from '../../src/keystore/contract-key-pair.ts';
import { flipped } from '../support/key-transport.ts';

/** The fault: which bit of the number of an Ed448 key is wrong. */
const fault = vi.hoisted(() => ({ bit: undefined as number | undefined, made: [] as Buffer[] }));

vi.mock('../../src/iso15118/key-transport/ed448-scalar.ts', async (importOriginal) => {
  const actual =
    await importOriginal<typeof import('../../src/iso15118/key-transport/ed448-scalar.ts')>();
  return {
    ...actual,
    ed448Scalar: (seed: Uint8Array) => {
      const right = actual.ed448Scalar(seed);
      const scalar = fault.bit === undefined ? right : Buffer.from(flipped(right, fault.bit));
      fault.made.push(scalar);
      return scalar;
    },
  };
});

beforeEach(() => {
  fault.made = [];
});

test.each([[8], [200], [447]])(
  'K4 a number that was derived wrong in bit %i is found, and overwritten',
  async (bit) => {
    fault.bit = bit;
    const checked = checkedScalar('Ed448', await contractKeyPair('Ed448'));
    await expect(checked).rejects.toMatchObject({ code: 'key-mismatch' });
    expect(fault.made.map((scalar) => scalar.every((octet) => octet === 0))).toEqual([true]);
  },
);

test('and one that was derived right is the one that the car gets', async () => {
  fault.bit = undefined;
  const scalar = await checkedScalar('Ed448', await contractKeyPair('Ed448'));
  expect(scalar).toBe(fault.made[0]);
  expect(scalar.some((octet) => octet !== 0)).toBe(true);
});

test.each(['P-256', 'P-521'] as const)('of %s it is the buffer of the pair', async (algorithm) => {
  const pair = await contractKeyPair(algorithm);
  expect(await checkedScalar(algorithm, pair)).toBe(pair.secret);
});
