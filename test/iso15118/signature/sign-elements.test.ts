import { describe, expect, test } from 'vitest';
import { signElements } from '../../../src/iso15118/signature/sign-elements.ts';
import {
  canonicalExi,
  signatureProfiles,
} from '../../../src/iso15118/signature/signature-profile.ts';
import type { SignedElement } from '../../../src/iso15118/signature/signed-element.ts';
import { freshKey } from '../../support/signed-messages.ts';
import { toHex } from '../../support/vectors.ts';

const element = (id: string): SignedElement => ({
  name: 'Element',
  id,
  fragment: () => new Uint8Array(Buffer.from(id)),
});

describe('signElements', () => {
  test('writes the profile of ISO 15118-2 and nothing else', async () => {
    const { signer } = freshKey('P-256');
    const signature = await signElements('iso15118-2', [element('a'), element('b')], signer);
    expect(Object.keys(signature)).toEqual(['signedInfo', 'signatureValue']);
    expect(signature.signatureValue).toHaveLength(64);
    const { references, ...methods } = signature.signedInfo;
    expect(methods).toEqual({
      canonicalizationMethod: 'http://www.w3.org/TR/canonical-exi/',
      signatureMethod: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
    });
    expect(references.map(({ digestValue, ...rest }) => [rest, toHex(digestValue)])).toEqual(
      [
        ['#a', 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
        ['#b', '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d'],
      ].map(([uri, digest]) => [
        {
          uri,
          transforms: [canonicalExi],
          digestMethod: 'http://www.w3.org/2001/04/xmlenc#sha256',
        },
        digest,
      ]),
    );
  });

  test('pads r and s to their length, however short they are', async () => {
    const { signer } = freshKey('P-256');
    // One in 128 has a half that begins with a zero octet.
    for (let round = 0; round < 300; round++) {
      const { signatureValue } = await signElements('iso15118-2', [element('a')], signer);
      expect(signatureValue).toHaveLength(64);
    }
  });

  test('refuses a key of another profile, nothing, a fifth element, twins and a nameless one', async () => {
    const { signer } = freshKey('P-256');
    const five = ['a', 'b', 'c', 'd', 'e'].map(element);
    await expect(signElements('iso15118-20', [element('a')], signer)).rejects.toThrow(RangeError);
    await expect(signElements('iso15118-2', [], signer)).rejects.toThrow(RangeError);
    await expect(signElements('iso15118-2', five, signer)).rejects.toThrow(RangeError);
    const twins = [element('a'), element('a')];
    await expect(signElements('iso15118-2', twins, signer)).rejects.toThrow(RangeError);
    await expect(signElements('iso15118-2', [element('')], signer)).rejects.toThrow(RangeError);
    const { signer: p521 } = freshKey('P-521');
    await expect(signElements('iso15118-2', [element('a')], p521)).rejects.toThrow(RangeError);
  });
});

describe('the profile of ISO 15118-20 with Ed448', () => {
  const profile = signatureProfiles['iso15118-20'].find(({ key }) => key === 'Ed448');

  test('has the names of the standard, not those of RFC 9231', () => {
    expect(profile).toMatchObject({
      signatureMethod: 'urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448',
      digestMethod: 'urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256',
      signatureOctets: 114,
    });
  });

  // FIPS 202, SHAKE256 of nothing.
  test('hashes with 64 octets of SHAKE256', () => {
    expect(profile && toHex(profile.digest(new Uint8Array(0)))).toBe(
      '46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be',
    );
  });
});
