import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { agree, agreedSecret } from '../../../src/iso15118/key-transport/agreement.ts';
import { openForIso20, sealForIso20 } from '../../../src/iso15118/key-transport/iso20.ts';
import { additionalData } from '../../../src/iso15118/key-transport/iso20-field.ts';
import { sessionKey } from '../../../src/iso15118/key-transport/session-key.ts';
import { curves } from '../../../src/pki/curves.ts';
import {
  ecdhOf,
  flipped,
  type KeyTransport,
  keyTransports,
  refusal,
  scalarOf,
} from '../../support/key-transport.ts';
import { freshKeyPair, keyPair, spkiOf } from '../../support/public-keys.ts';
import { fromHex, toHex } from '../../support/vectors.ts';

const PCID = 'WP0PTESTPCID000001';
const all = keyTransports('iso20');
const bindingOf = ({ contractKeyIdentifier }: KeyTransport) => ({
  pcid: PCID,
  contractKeyIdentifier,
});

test('there are vectors', () => {
  expect(all.length).toBeGreaterThanOrEqual(3);
});

describe.each(all)('$name', (vector) => {
  const { steps } = vector;
  const step = (name: string): Uint8Array => fromHex(steps[name] as string);

  test('the sender agrees with the car on Z', () => {
    const ephemeral = ecdhOf('P-521', step('ephemeralPrivateScalarHex'));
    const agreement = agree('P-521', ephemeral, vector.recipientSpki);
    expect(toHex(agreement.dhPublicKey)).toBe(steps.dhPublicKeyHex);
    expect(toHex(agreement.sharedSecret)).toBe(steps.sharedSecretZHex);
    const car = agreedSecret('P-521', vector.privateKey, step('dhPublicKeyHex'));
    expect(toHex(car)).toBe(steps.sharedSecretZHex);
  });

  test('Z gives the AES key', () => {
    expect(steps.kdfInputHex).toBe(`00000001${steps.sharedSecretZHex}015556`);
    expect(toHex(sessionKey('sha512', step('sharedSecretZHex'), 32))).toBe(steps.aesKeyHex);
  });

  test('PCID and key identifier are what is authenticated', () => {
    const context = additionalData(bindingOf(vector));
    expect(Buffer.from(context).toString('latin1')).toBe(steps.aadAscii);
    expect(context).toHaveLength(34);
  });

  test('the contract key is sealed into the field', () => {
    const sealed = sealForIso20({
      scalar: step('plaintextScalarHex'),
      iv: step('ivHex'),
      sharedSecret: step('sharedSecretZHex'),
      binding: bindingOf(vector),
    });
    expect(toHex(sealed)).toBe(steps.secp521EncryptedPrivateKeyHex);
    expect(toHex(sealed)).toBe(`${steps.ivHex}${steps.ciphertextHex}${steps.tagHex}`);
    expect(sealed).toHaveLength(94);
  });

  test('the car opens the field and takes the key', () => {
    const opened = openForIso20({
      encryptedPrivateKey: step('secp521EncryptedPrivateKeyHex'),
      dhPublicKey: step('dhPublicKeyHex'),
      privateKey: vector.privateKey,
      binding: bindingOf(vector),
      contractSpki: vector.contractSpki,
    });
    expect(toHex(opened)).toBe(steps.plaintextScalarHex);
  });
});

const [first] = all.filter(({ name }) => name === 'iso20-install-p521');
if (first === undefined) throw new Error('the vector is missing');
const octets = (name: string): Uint8Array => fromHex(first.steps[name] as string);
const field = octets('secp521EncryptedPrivateKeyHex');
const dhPublicKey = octets('dhPublicKeyHex');
const sharedSecret = octets('sharedSecretZHex');
const scalar = octets('plaintextScalarHex');
const iv = octets('ivHex');
const binding = bindingOf(first);
const { privateKey, contractSpki, recipientSpki, contractKeyIdentifier } = first;
const opened = { encryptedPrivateKey: field, dhPublicKey, privateKey, binding, contractSpki };

describe('what is authenticated', () => {
  test('the PCID in upper case, whatever it is written in', () => {
    const lower = additionalData({ ...binding, pcid: PCID.toLowerCase() });
    expect(lower).toEqual(additionalData(binding));
  });

  test.each([17, 18, 19, 64, 255])('a PCID of %i characters as it is', (length) => {
    const pcid = 'WP0P'.padEnd(length, '7');
    const context = Buffer.from(additionalData({ pcid, contractKeyIdentifier }));
    expect(context.toString('latin1')).toBe(
      pcid + Buffer.from(contractKeyIdentifier).toString('hex').toUpperCase(),
    );
  });

  test.each(['', 'WP0-PTESTPCID00001', 'WP0 PTEST', 'WP0PÄ', 'A'.repeat(256), 'WP0P\n'])(
    'never %j',
    (pcid) => {
      expect(refusal(() => additionalData({ pcid, contractKeyIdentifier }))).toBe(
        'additional-data',
      );
    },
  );

  test('never a key identifier of another length', () => {
    for (const length of [0, 7, 9, 20]) {
      const other = { pcid: PCID, contractKeyIdentifier: new Uint8Array(length) };
      expect(refusal(() => additionalData(other))).toBe('additional-data');
    }
  });
});

describe('the car refuses', () => {
  test('the field with a bit changed in any octet', () => {
    const codes = new Set<string>();
    // Not in all 752 bits: each costs a P-521 agreement.
    for (let at = 0; at < field.length; at += 1) {
      const encryptedPrivateKey = flipped(field, 8 * at + (at % 8));
      codes.add(refusal(() => openForIso20({ ...opened, encryptedPrivateKey })));
    }
    expect([...codes]).toEqual(['not-authentic']);
  });

  test('a field of any other length', () => {
    for (const length of [0, 12, 28, 84, 93, 95, 128]) {
      const encryptedPrivateKey = new Uint8Array(length);
      expect(refusal(() => openForIso20({ ...opened, encryptedPrivateKey }))).toBe('field-length');
    }
  });

  test.each([
    ['another PCID', { ...binding, pcid: 'WP0PTESTPCID000002' }],
    ['a PCID one character shorter', { ...binding, pcid: PCID.slice(0, -1) }],
    ['another key identifier', { ...binding, contractKeyIdentifier: new Uint8Array(8) }],
  ])('what was made for %s', (_name, other) => {
    expect(refusal(() => openForIso20({ ...opened, binding: other }))).toBe('not-authentic');
  });

  test('what was made for the key of another car', () => {
    const other = scalarOf('P-521', 12345n);
    expect(refusal(() => openForIso20({ ...opened, privateKey: other }))).toBe('not-authentic');
  });

  test('a certificate with another key, or one of another kind', () => {
    const other = spkiOf(freshKeyPair('P-521'));
    expect(refusal(() => openForIso20({ ...opened, contractSpki: other }))).toBe('key-mismatch');
    const p256 = spkiOf(keyPair('P-256'));
    expect(refusal(() => openForIso20({ ...opened, contractSpki: p256 }))).toBe('contract-key');
  });

  test('the negative of its key, whose certificate has the same x', () => {
    const d = BigInt(`0x${toHex(scalar)}`);
    const negative = scalarOf('P-521', curves['P-521'].order - d);
    const encryptedPrivateKey = sealForIso20({ scalar: negative, iv, sharedSecret, binding });
    expect(refusal(() => openForIso20({ ...opened, encryptedPrivateKey }))).toBe('key-mismatch');
  });

  test.each([
    ['0', 0n],
    ['the order', curves['P-521'].order],
    ['the order + 1', curves['P-521'].order + 1n],
    ['a bit longer than 521 ([V2G20-2678])', 2n ** 521n],
    ['the largest number of 66 octets', 2n ** 528n - 1n],
  ])('a private key that is %s', (_name, value) => {
    const encryptedPrivateKey = sealedUnchecked(scalarOf('P-521', value));
    expect(refusal(() => openForIso20({ ...opened, encryptedPrivateKey }))).toBe(
      'scalar-out-of-range',
    );
  });

  test.each([
    ['off the curve', flipped(dhPublicKey, 8 * 132)],
    ['compressed', Uint8Array.of(2, ...dhPublicKey.subarray(1, 67))],
    ['at infinity', Uint8Array.of(0)],
    ['too short', dhPublicKey.subarray(0, 132)],
    ['of P-256', Uint8Array.of(4, ...new Uint8Array(64))],
  ])('an ephemeral public key %s', (_name, point) => {
    expect(refusal(() => openForIso20({ ...opened, dhPublicKey: point }))).toBe('dh-public-key');
  });
});

/** What a faulty sender would make: the field of the standard around any number. */
function sealedUnchecked(plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', octets('aesKeyHex'), iv);
  cipher.setAAD(Buffer.from(first?.steps.aadAscii as string));
  const body = [cipher.update(plaintext), cipher.final()];
  return Buffer.concat([iv, ...body, cipher.getAuthTag()]);
}

describe('the sender refuses', () => {
  test.each([
    ['0', scalarOf('P-521', 0n)],
    ['the order', scalarOf('P-521', curves['P-521'].order)],
    ['the order + 1', scalarOf('P-521', curves['P-521'].order + 1n)],
    ['one octet short', new Uint8Array(65).fill(1)],
  ])('a private key that is %s', (_name, value) => {
    expect(refusal(() => sealForIso20({ scalar: value, iv, sharedSecret, binding }))).toBe(
      'scalar-out-of-range',
    );
  });

  test('an initialization vector of another length', () => {
    for (const length of [0, 11, 13, 16]) {
      const other = new Uint8Array(length);
      expect(refusal(() => sealForIso20({ scalar, iv: other, sharedSecret, binding }))).toBe(
        'field-length',
      );
    }
  });

  test.each([
    ['on another curve', spkiOf(keyPair('P-256'))],
    ['off the curve', flipped(recipientSpki, 8 * 157)],
    ['that is none', new Uint8Array(158)],
  ])('a recipient with a key %s', (_name, spki) => {
    const ephemeral = ecdhOf('P-521', octets('ephemeralPrivateScalarHex'));
    expect(refusal(() => agree('P-521', ephemeral, spki))).toBe('recipient-key');
  });
});
