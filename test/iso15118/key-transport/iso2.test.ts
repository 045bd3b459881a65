import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { agree, agreedSecret } from '../../../src/iso15118/key-transport/agreement.ts';
import { openForIso2, sealForIso2 } from '../../../src/iso15118/key-transport/iso2.ts';
import { sessionKey } from '../../../src/iso15118/key-transport/session-key.ts';
import { curves } from '../../../src/pki/curves.ts';
import { ecdhOf, flipped, keyTransports, refusal, scalarOf } from '../../support/key-transport.ts';
import { freshKeyPair, keyPair, spkiOf } from '../../support/public-keys.ts';
import { fromHex, toHex } from '../../support/vectors.ts';

const all = keyTransports('iso2');
const [first] = all.filter(({ name }) => name === 'iso2-install-2subs');
if (first === undefined) throw new Error('the vector is missing');

const octets = (name: string): Uint8Array => fromHex(first.steps[name] as string);
const field = octets('contractSignatureEncryptedPrivateKeyHex');
const dhPublicKey = octets('dhPublicKeyHex');
const scalar = octets('plaintextScalarHex');
const iv = octets('ivHex');
const { privateKey, contractSpki, recipientSpki } = first;
const opened = { encryptedPrivateKey: field, dhPublicKey, privateKey, contractSpki };

test('there are vectors, that of an update among them', () => {
  expect(all.length).toBeGreaterThanOrEqual(7);
  expect(all.map(({ name }) => name)).toContain('iso2-update');
});

describe.each(all)('$name', (vector) => {
  const { steps } = vector;
  const step = (name: string): Uint8Array => fromHex(steps[name] as string);

  test('the sender agrees with the car on Z', () => {
    const ephemeral = ecdhOf('P-256', step('ephemeralPrivateScalarHex'));
    const agreement = agree('P-256', ephemeral, vector.recipientSpki);
    expect(toHex(agreement.dhPublicKey)).toBe(steps.dhPublicKeyHex);
    expect(toHex(agreement.sharedSecret)).toBe(steps.sharedSecretZHex);
    const car = agreedSecret('P-256', vector.privateKey, step('dhPublicKeyHex'));
    expect(toHex(car)).toBe(steps.sharedSecretZHex);
  });

  test('Z gives the AES key', () => {
    expect(steps.kdfInputHex).toBe(`00000001${steps.sharedSecretZHex}015556`);
    expect(toHex(sessionKey('sha256', step('sharedSecretZHex'), 16))).toBe(steps.aesKeyHex);
  });

  test('the contract key is sealed into the field', () => {
    const sealed = sealForIso2({
      scalar: step('plaintextScalarHex'),
      iv: step('ivHex'),
      sharedSecret: step('sharedSecretZHex'),
    });
    expect(toHex(sealed)).toBe(steps.contractSignatureEncryptedPrivateKeyHex);
    expect(toHex(sealed)).toBe(`${steps.ivHex}${steps.ciphertextHex}`);
    expect(sealed).toHaveLength(48);
  });

  test('the car opens the field, and takes the key if it is that of the certificate', () => {
    const open = () =>
      openForIso2({
        encryptedPrivateKey: step('contractSignatureEncryptedPrivateKeyHex'),
        dhPublicKey: step('dhPublicKeyHex'),
        privateKey: vector.privateKey,
        contractSpki: vector.contractSpki,
      });
    if (vector.expect.contractKeyMatchesCertificate === false) {
      expect(refusal(open)).toBe('key-mismatch');
    } else {
      expect(toHex(open())).toBe(steps.plaintextScalarHex);
    }
  });
});

test('one vector has a key that is not that of its certificate', () => {
  const mismatched = all.filter(({ expect: e }) => e.contractKeyMatchesCertificate === false);
  expect(mismatched.map(({ name }) => name)).toEqual(['iso2-neg-res-key-mismatch']);
});

describe('the car refuses', () => {
  test('the field with any bit changed', () => {
    const codes = new Set<string>();
    for (let bit = 0; bit < 8 * field.length; bit += 1) {
      const encryptedPrivateKey = flipped(field, bit);
      codes.add(refusal(() => openForIso2({ ...opened, encryptedPrivateKey })));
    }
    // Nothing is authenticated: what comes out is another number.
    expect([...codes]).toEqual(['key-mismatch']);
  });

  test('a field of any other length', () => {
    for (const length of [0, 16, 32, 47, 49, 64]) {
      const encryptedPrivateKey = new Uint8Array(length);
      expect(refusal(() => openForIso2({ ...opened, encryptedPrivateKey }))).toBe('field-length');
    }
  });

  test('what was made for another car', () => {
    const other = scalarOf('P-256', 12345n);
    expect(refusal(() => openForIso2({ ...opened, privateKey: other }))).toBe('key-mismatch');
  });

  test.each([
    ['0', scalarOf('P-256', 0n)],
    ['the order', scalarOf('P-256', curves['P-256'].order)],
    ['one octet short', privateKey.subarray(1)],
    ['one octet long', Uint8Array.of(0, ...privateKey)],
  ])('a private key of its own that is %s', (_name, own) => {
    expect(refusal(() => agreedSecret('P-256', own, dhPublicKey))).toBe('scalar-out-of-range');
  });

  test('a certificate with another key, or one of another kind', () => {
    const other = spkiOf(freshKeyPair('P-256'));
    expect(refusal(() => openForIso2({ ...opened, contractSpki: other }))).toBe('key-mismatch');
    for (const kind of ['P-384', 'P-521', 'Ed448'] as const) {
      const spki = spkiOf(keyPair(kind));
      expect(refusal(() => openForIso2({ ...opened, contractSpki: spki }))).toBe('contract-key');
    }
    const nothing = new Uint8Array(0);
    expect(refusal(() => openForIso2({ ...opened, contractSpki: nothing }))).toBe('contract-key');
  });

  test('the negative of its key, whose certificate has the same x', () => {
    const d = BigInt(`0x${toHex(scalar)}`);
    const negative = scalarOf('P-256', curves['P-256'].order - d);
    const sharedSecret = octets('sharedSecretZHex');
    const encryptedPrivateKey = sealForIso2({ scalar: negative, iv, sharedSecret });
    expect(refusal(() => openForIso2({ ...opened, encryptedPrivateKey }))).toBe('key-mismatch');
  });

  test.each([
    ['0', 0n],
    ['the order', curves['P-256'].order],
    ['the order + 1', curves['P-256'].order + 1n],
    ['the largest number of 32 octets', 2n ** 256n - 1n],
  ])('a private key that is %s', (_name, value) => {
    // A faulty sender's work: the fields of the standard, made by hand.
    const encryptedPrivateKey = sealedUnchecked(scalarOf('P-256', value));
    expect(refusal(() => openForIso2({ ...opened, encryptedPrivateKey }))).toBe(
      'scalar-out-of-range',
    );
  });

  test.each([
    ['off the curve', flipped(dhPublicKey, 8 * 64)],
    ['of which x is not reduced', Uint8Array.of(4, ...new Uint8Array(64).fill(0xff))],
    ['at infinity', Uint8Array.of(0)],
    ['zero', Uint8Array.of(4, ...new Uint8Array(64))],
    ['compressed', Uint8Array.of(2, ...dhPublicKey.subarray(1, 33))],
    ['in hybrid form', Uint8Array.of(6, ...dhPublicKey.subarray(1))],
    ['too short', dhPublicKey.subarray(0, 64)],
    ['too long', Uint8Array.of(...dhPublicKey, 0)],
    ['empty', new Uint8Array(0)],
  ])('an ephemeral public key %s', (_name, point) => {
    expect(refusal(() => openForIso2({ ...opened, dhPublicKey: point }))).toBe('dh-public-key');
  });
});

/** CBC with the vector's key: what a block is XORed with and encrypted again gives any plaintext. */
function sealedUnchecked(plaintext: Uint8Array): Uint8Array {
  const key = octets('aesKeyHex');
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final()]);
}

describe('the sender refuses', () => {
  const sharedSecret = octets('sharedSecretZHex');

  test.each([
    ['0', scalarOf('P-256', 0n)],
    ['the order', scalarOf('P-256', curves['P-256'].order)],
    ['the order + 1', scalarOf('P-256', curves['P-256'].order + 1n)],
    ['one octet short', new Uint8Array(31).fill(1)],
    ['one octet long', new Uint8Array(33).fill(1)],
  ])('a private key that is %s', (_name, value) => {
    expect(refusal(() => sealForIso2({ scalar: value, iv, sharedSecret }))).toBe(
      'scalar-out-of-range',
    );
  });

  test('1 and the order - 1 are private keys', () => {
    for (const value of [1n, curves['P-256'].order - 1n]) {
      const sealed = sealForIso2({ scalar: scalarOf('P-256', value), iv, sharedSecret });
      expect(sealed).toHaveLength(48);
    }
  });

  test('an initialization vector of another length', () => {
    for (const length of [0, 12, 15, 17]) {
      const other = new Uint8Array(length);
      expect(refusal(() => sealForIso2({ scalar, iv: other, sharedSecret }))).toBe('field-length');
    }
  });

  test.each([
    ['on another curve', spkiOf(keyPair('P-521'))],
    ['of another kind', spkiOf(keyPair('Ed25519'))],
    ['off the curve', flipped(recipientSpki, 8 * 90)],
    ['at infinity', fromHex('301a301306072a8648ce3d020106082a8648ce3d03010703030000')],
    ['with octets behind it', Uint8Array.of(...recipientSpki, 0)],
    ['that is none', Uint8Array.of(1, 2, 3)],
  ])('a recipient with a key %s', (_name, spki) => {
    const ephemeral = ecdhOf('P-256', octets('ephemeralPrivateScalarHex'));
    expect(refusal(() => agree('P-256', ephemeral, spki))).toBe('recipient-key');
  });
});

test('no message has key material in it', () => {
  const messages: string[] = [];
  const noted = (act: () => unknown) => {
    try {
      act();
    } catch (error) {
      messages.push(String(error), (error as Error).stack ?? '');
    }
  };
  noted(() => openForIso2({ ...opened, encryptedPrivateKey: flipped(field, 5) }));
  noted(() => openForIso2({ ...opened, contractSpki: spkiOf(freshKeyPair('P-256')) }));
  noted(() => openForIso2({ ...opened, privateKey: scalarOf('P-256', curves['P-256'].order) }));
  expect(messages).toHaveLength(6);
  for (const secret of ['plaintextScalarHex', 'sharedSecretZHex', 'aesKeyHex']) {
    const hex = first.steps[secret] as string;
    expect(messages.join('\n').toLowerCase()).not.toContain(hex.slice(8, 24));
  }
});
