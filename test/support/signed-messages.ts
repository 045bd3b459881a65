/** XML signatures for tests: good ones, and such that only their departure from the profile breaks. */

import { createPrivateKey, sign } from 'node:crypto';
import type { SignedInfo, XmlSignature } from '../../src/iso15118/exi/xml-signature.ts';
import { encodeSignedInfo } from '../../src/iso15118/exi/xmldsig.ts';
import { createSigner } from '../../src/keystore/signer.ts';
import type { KeyAlgorithm, PublicKey } from '../../src/pki/public-key.ts';
import { nodeDigest, signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import type { Signer } from '../../src/pki/signer.ts';
import { generateKey, type TestKey } from './issuing.ts';
import { fromHex } from './vectors.ts';

export interface SigningKey extends TestKey {
  readonly signer: Signer;
}

export const freshKey = (algorithm: KeyAlgorithm): SigningKey => withSigner(generateKey(algorithm));

/** The key of a certificate of the vectors. */
export function vectorKey(publicKey: PublicKey, privateKeyPkcs8Hex: string): SigningKey {
  const key = Buffer.from(fromHex(privateKeyPkcs8Hex));
  return withSigner({
    publicKey,
    privateKey: createPrivateKey({ key, format: 'der', type: 'pkcs8' }),
  });
}

const withSigner = ({ publicKey, privateKey }: TestKey): SigningKey => ({
  publicKey,
  privateKey,
  signer: createSigner(privateKey, publicKey.algorithm, publicKey.spki),
});

/** r || s, or EdDSA's, by node:crypto. */
export const rawSignature = (message: Uint8Array, { privateKey, publicKey }: TestKey): Uint8Array =>
  new Uint8Array(
    sign(nodeDigest(signatureAlgorithmFor(publicKey.algorithm)), message, {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    }),
  );

/** A signature over this SignedInfo that verifies, whatever the profile says of its content. */
export const signatureOver = (
  signedInfo: SignedInfo,
  key: TestKey,
  encode: (signedInfo: SignedInfo) => Uint8Array = encodeSignedInfo,
): XmlSignature => ({ signedInfo, signatureValue: rawSignature(encode(signedInfo), key) });

/** The octets with one bit flipped, counted from the first octet's highest. */
export function withBitFlipped(octets: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(octets);
  const index = bit >> 3;
  copy[index] = (copy[index] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}
