import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { openForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../../src/iso15118/key-transport/iso20.ts';
import { openForIso20X448 } from '../../src/iso15118/key-transport/iso20-x448.ts';
import { type ContractKeyPair, contractKeyPair } from '../../src/keystore/contract-key-pair.ts';
import { contractKeys } from '../../src/keystore/contract-keys.ts';
import { curves } from '../../src/pki/curves.ts';
import { keyIdentifier } from '../../src/pki/key-identifier.ts';
import { readPublicKey } from '../../src/pki/public-key.ts';
import type {
  ContractKeyAlgorithm,
  ContractKeyRecipient,
  FreshContractKey,
  SealedContractKey,
} from '../../src/services/contract-keys.ts';
import { flipped, scalarOf } from '../support/key-transport.ts';
import { keyPair, spkiOf } from '../support/public-keys.ts';

const PCID = 'WP0PTESTPCID000001';
const algorithms = ['P-256', 'P-521', 'Ed448'] as const;

/** The private scalars of the cars. */
const cars = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  Ed448: generateKeyPairSync('x448'),
};

/** Of a key that lives as long as the tests: the octets behind the header of its kind. */
function privateOctets(algorithm: ContractKeyAlgorithm): Uint8Array {
  const { privateKey } = cars[algorithm];
  if (algorithm === 'Ed448') {
    return privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-56);
  }
  const sec1 = privateKey.export({ type: 'sec1', format: 'der' });
  return algorithm === 'P-256' ? sec1.subarray(7, 39) : sec1.subarray(8, 74);
}

function identifierOf({ spki }: FreshContractKey): Uint8Array {
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error('the contract key is not acceptable');
  return keyIdentifier(key.value, 8);
}

/** The car that a contract key is sealed for. */
function recipientOf(key: FreshContractKey): ContractKeyRecipient {
  const car = spkiOf(cars[key.algorithm]);
  if (key.algorithm === 'P-256') return { standard: 'iso15118-2', spki: car };
  const contractKeyIdentifier = identifierOf(key);
  if (key.algorithm === 'P-521') {
    return { standard: 'iso15118-20', pcid: PCID, spki: car, contractKeyIdentifier };
  }
  return {
    standard: 'iso15118-20',
    pcid: PCID,
    spki: spkiOf(cars['P-521']),
    x448PublicKey: car.subarray(-56),
    contractKeyIdentifier,
  };
}

/** What the car makes of it. */
function opened(key: FreshContractKey, sealed: SealedContractKey): Uint8Array {
  const common = {
    ...sealed,
    privateKey: privateOctets(key.algorithm),
    contractSpki: key.spki,
    binding: { pcid: PCID, contractKeyIdentifier: identifierOf(key) },
  };
  switch (key.algorithm) {
    case 'P-256':
      return openForIso2(common);
    case 'P-521':
      return openForIso20(common);
    case 'Ed448':
      return openForIso20X448(common);
  }
}

/** Contract keys, and the key pairs that they were made of. */
function watched(change: (pair: ContractKeyPair) => ContractKeyPair = (pair) => pair) {
  const pairs: ContractKeyPair[] = [];
  const draws: number[] = [];
  const keys = contractKeys({
    pair: async (algorithm) => {
      const pair = change(await contractKeyPair(algorithm));
      pairs.push(pair);
      return pair;
    },
    random: (count) => {
      draws.push(count);
      return new Uint8Array(count).fill(draws.length);
    },
  });
  const isWiped = () => pairs.map(({ secret }) => secret.every((octet) => octet === 0));
  return { keys, pairs, draws, isWiped };
}

const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    (error: unknown) => error,
  );
const refusedWith = (code: string) => ({ name: 'ContractKeyError', code });

describe.each(algorithms)('a contract key of type %s', (algorithm) => {
  test('K4 is sealed for the car, which opens it', async () => {
    const key = await contractKeys().generate(algorithm);
    const sealed = await key.seal(recipientOf(key));
    const expected = {
      'P-256': { curve: 'P-256', field: 48, dh: 65 },
      'P-521': { curve: 'SECP521', field: 94, dh: 133 },
      Ed448: { curve: 'X448', field: 84, dh: 56 },
    }[algorithm];
    expect(sealed.curve).toBe(expected.curve);
    expect(sealed.encryptedPrivateKey).toHaveLength(expected.field);
    expect(sealed.dhPublicKey).toHaveLength(expected.dh);
    expect(opened(key, sealed).length).toBe({ 'P-256': 32, 'P-521': 66, Ed448: 56 }[algorithm]);
    expect(readPublicKey(key.spki)).toMatchObject({ ok: true, value: { algorithm } });
  });

  test('K2 is overwritten when it is sealed', async () => {
    const { keys, isWiped } = watched();
    const key = await keys.generate(algorithm);
    expect(isWiped()).toEqual([false]);
    await key.seal(recipientOf(key));
    expect(isWiped()).toEqual([true]);
  });

  test('K2 is overwritten when it is discarded, however often', async () => {
    const { keys, isWiped } = watched();
    const key = await keys.generate(algorithm);
    key.discard();
    key.discard();
    expect(isWiped()).toEqual([true]);
    expect(await refusal(key.seal(recipientOf(key)))).toMatchObject(
      refusedWith('contract-key-used'),
    );
  });

  test('K2 is overwritten when the car cannot get it', async () => {
    const { keys, isWiped } = watched();
    const key = await keys.generate(algorithm);
    const nobody = {
      ...recipientOf(key),
      spki: new Uint8Array(3),
      x448PublicKey: new Uint8Array(3),
    };
    expect(await refusal(key.seal(nobody))).toMatchObject(refusedWith('contract-key-recipient'));
    expect(isWiped()).toEqual([true]);
  });

  test('K4 is sealed once, also by two at the same time', async () => {
    const key = await contractKeys().generate(algorithm);
    const both = await Promise.all([
      refusal(key.seal(recipientOf(key))),
      refusal(key.seal(recipientOf(key))),
    ]);
    expect(both[0]).toBe('none');
    expect(both[1]).toMatchObject(refusedWith('contract-key-used'));
    expect(await refusal(key.seal(recipientOf(key)))).toMatchObject(
      refusedWith('contract-key-used'),
    );
  });

  test('that is discarded while it is being sealed is sealed, and overwritten', async () => {
    const { keys, isWiped } = watched();
    const key = await keys.generate(algorithm);
    const sealing = key.seal(recipientOf(key));
    key.discard();
    opened(key, await sealing);
    expect(isWiped()).toEqual([true]);
  });

  test('K4 whose public key is another is never sealed', async () => {
    const other = await contractKeyPair(algorithm);
    const { keys, isWiped, draws } = watched(({ secret }) => ({ spki: other.spki, secret }));
    const key = await keys.generate(algorithm);
    const error = await refusal(key.seal(recipientOf(key)));
    expect(error).toMatchObject(refusedWith('contract-key-self-check'));
    expect(isWiped()).toEqual([true]);
    expect(draws).toEqual([]);
  });

  test('K4 with a bit changed anywhere is never sealed', async () => {
    for (const bit of [3, 100, 255]) {
      const { keys } = watched(({ spki, secret }) => ({
        spki,
        secret: Buffer.from(flipped(secret, bit)),
      }));
      const key = await keys.generate(algorithm);
      expect(await refusal(key.seal(recipientOf(key))), `bit ${bit}`).toMatchObject(
        refusedWith('contract-key-self-check'),
      );
    }
  });

  test('with a public key of another kind is never sealed', async () => {
    const spki = spkiOf(keyPair('P-384'));
    const { keys } = watched(({ secret }) => ({ spki, secret }));
    const key = await keys.generate(algorithm);
    const recipient = {
      ...recipientOf({ ...key, spki: spkiOf(keyPair('P-256')) }),
    };
    expect(await refusal(key.seal(recipient))).toMatchObject(
      refusedWith('contract-key-self-check'),
    );
  });

  test('K4 shows nothing of itself', async () => {
    const { keys, pairs } = watched();
    const key = await keys.generate(algorithm);
    const hex = pairs[0]?.secret.toString('hex') ?? '';
    const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
    expect(hex.length).toBeGreaterThan(60);
    expect(shown.replaceAll(/[\s,]/g, '')).not.toContain(hex.slice(0, 16));
    expect(Object.keys(key).sort()).toEqual(['algorithm', 'discard', 'seal', 'spki']);
  });

  test('differs from the next, as does what it is sealed with', async () => {
    const [one, two] = [
      await contractKeys().generate(algorithm),
      await contractKeys().generate(algorithm),
    ];
    expect(one.spki).not.toEqual(two.spki);
    const [first, second] = [await one.seal(recipientOf(one)), await two.seal(recipientOf(two))];
    expect(first.dhPublicKey).not.toEqual(second.dhPublicKey);
    expect(first.encryptedPrivateKey.subarray(0, 12)).not.toEqual(
      second.encryptedPrivateKey.subarray(0, 12),
    );
  });

  test('is sealed with an initialization vector from the source of random octets', async () => {
    const { keys, draws } = watched();
    const key = await keys.generate(algorithm);
    const { encryptedPrivateKey } = await key.seal(recipientOf(key));
    const octets = algorithm === 'P-256' ? 16 : 12;
    expect(draws).toEqual([octets]);
    expect(encryptedPrivateKey.subarray(0, octets)).toEqual(new Uint8Array(octets).fill(1));
  });
});

describe('a recipient is refused', () => {
  const contractKeyIdentifier = new Uint8Array(8).fill(0x41);
  const iso2 = (spki: Uint8Array): ContractKeyRecipient => ({ standard: 'iso15118-2', spki });
  const iso20 = (spki: Uint8Array, x448PublicKey?: Uint8Array): ContractKeyRecipient => ({
    standard: 'iso15118-20',
    pcid: PCID,
    spki,
    contractKeyIdentifier,
    ...(x448PublicKey && { x448PublicKey }),
  });
  const p256 = spkiOf(keyPair('P-256'));
  const p521 = spkiOf(keyPair('P-521'));

  test.each<[string, ContractKeyAlgorithm, ContractKeyRecipient]>([
    ['P-256 for a car of -20', 'P-256', iso20(p521)],
    ['P-521 for a car of -2', 'P-521', iso2(p256)],
    ['Ed448 for a car of -2', 'Ed448', iso2(p256)],
    ['Ed448 for a car without an X448 key', 'Ed448', iso20(p521)],
    ['P-256 for a P-521 key', 'P-256', iso2(p521)],
    ['P-521 for a P-256 key ([V2G20-2709])', 'P-521', iso20(p256)],
    ['P-256 for a point off the curve', 'P-256', iso2(flipped(p256, 8 * 90))],
    ['P-521 for a point off the curve', 'P-521', iso20(flipped(p521, 8 * 157))],
    ['X448 of 57 octets', 'Ed448', iso20(p521, new Uint8Array(57).fill(9))],
    ['X448 of small order', 'Ed448', iso20(p521, new Uint8Array(56))],
  ])('%s', async (_name, algorithm, recipient) => {
    const key = await contractKeys().generate(algorithm);
    expect(await refusal(key.seal(recipient))).toMatchObject(refusedWith('contract-key-recipient'));
  });

  test.each([
    ['a PCID with separators', { pcid: 'WP0-PTESTPCID-00001' }],
    ['an empty PCID', { pcid: '' }],
    ['a key identifier of 20 octets', { contractKeyIdentifier: new Uint8Array(20) }],
  ])('%s', async (_name, wrong) => {
    const key = await contractKeys().generate('P-521');
    const recipient = { ...iso20(p521), ...wrong } as ContractKeyRecipient;
    expect(await refusal(key.seal(recipient))).toMatchObject(
      refusedWith('contract-key-additional-data'),
    );
  });
});

test.each(['P-256', 'P-521'] as const)(
  'K4 the negative of a %s key, which agrees on the same secrets, is never sealed',
  async (algorithm) => {
    const { keys } = watched(({ spki, secret }) => {
      const negative = curves[algorithm].order - BigInt(`0x${secret.toString('hex')}`);
      return { spki, secret: Buffer.from(scalarOf(algorithm, negative)) };
    });
    const key = await keys.generate(algorithm);
    expect(await refusal(key.seal(recipientOf(key)))).toMatchObject(
      refusedWith('contract-key-self-check'),
    );
  },
);

test.each(['P-256', 'P-521'] as const)(
  'K4 a private key of %s that is 0, the order or cut short is never sealed',
  async (algorithm) => {
    const { order, octets } = curves[algorithm];
    const wrong = [scalarOf(algorithm, 0n), scalarOf(algorithm, order), new Uint8Array(octets - 1)];
    for (const secret of wrong) {
      const { keys } = watched(({ spki }) => ({ spki, secret: Buffer.from(secret) }));
      const key = await keys.generate(algorithm);
      expect(await refusal(key.seal(recipientOf(key)))).toMatchObject(
        refusedWith('contract-key-self-check'),
      );
    }
  },
);

test('K4 an Ed448 key whose public key has the other sign is never sealed', async () => {
  const { keys } = watched(({ spki, secret }) => ({
    spki: flipped(spki, 8 * spki.length - 1),
    secret,
  }));
  const key = await keys.generate('Ed448');
  expect(await refusal(key.seal(recipientOf(key)))).toMatchObject(
    refusedWith('contract-key-self-check'),
  );
});

test('scalars keep their leading zero octets', async () => {
  let pair = await contractKeyPair('P-256');
  for (let tries = 0; pair.secret[0] !== 0 && tries < 20_000; tries += 1) {
    pair = await contractKeyPair('P-256');
  }
  expect(pair.secret[0]).toBe(0);
  expect(pair.secret).toHaveLength(32);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(pair.secret);
  expect(ecdh.getPublicKey()).toEqual(Buffer.from(pair.spki.subarray(-65)));
  // And the car gets them.
  const keys = contractKeys({ pair: async () => pair });
  const key = await keys.generate('P-256');
  const scalar = Uint8Array.from(pair.secret);
  expect(Uint8Array.from(opened(key, await key.seal(recipientOf(key))))).toEqual(scalar);
});

test('the key pair of Ed448 is one by OpenSSL', async () => {
  const { spki, secret } = await contractKeyPair('Ed448');
  const pkcs8 = Buffer.concat([Buffer.from('3047020100300506032b6571043b0439', 'hex'), secret]);
  const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  expect(Uint8Array.from(key.export({ type: 'spki', format: 'der' }))).toEqual(spki);
});
