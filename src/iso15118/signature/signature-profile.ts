/**
 * What the signature of a V2G message has to look like (ISO 15118-2 7.9.2.4.3, ISO 15118-20
 * [V2G20-2473] to [V2G20-2476]), per standard and kind of key. Each standard leaves one choice: its
 * key says which.
 */

import { createHash, hash } from 'node:crypto';
import type { KeyAlgorithm } from '../../pki/public-key.ts';
import type { SignatureAlgorithm } from '../../pki/signature-algorithm.ts';

export type Standard = 'iso15118-2' | 'iso15118-20';

export interface SignatureProfile {
  /** The key that signs so. */
  readonly key: KeyAlgorithm;
  readonly algorithm: SignatureAlgorithm;
  /** URI of the signature algorithm. */
  readonly signatureMethod: string;
  /** URI of the hash of the signed elements. */
  readonly digestMethod: string;
  digest(fragment: Uint8Array): Uint8Array;
  /** The octets of a signature value: r and s in fixed length ([V2G20-1000]), or EdDSA's. */
  readonly signatureOctets: number;
}

/** The canonicalization of SignedInfo, and the one transform of every reference. */
export const canonicalExi = 'http://www.w3.org/TR/canonical-exi/';

/** A message signs at most as many elements [V2G2-909]. */
export const MAX_REFERENCES = 4;

const hashedBy =
  (name: 'sha256' | 'sha512') =>
  (fragment: Uint8Array): Uint8Array =>
    hash(name, fragment, 'buffer');

/** 64 octets of output [V2G20-2476]; the default of other software is 32. */
const shake256 = (fragment: Uint8Array): Uint8Array =>
  createHash('shake256', { outputLength: 64 }).update(fragment).digest();

const ecdsaSha256: SignatureProfile = {
  key: 'P-256',
  algorithm: 'ecdsa-with-SHA256',
  signatureMethod: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
  digestMethod: 'http://www.w3.org/2001/04/xmlenc#sha256',
  digest: hashedBy('sha256'),
  signatureOctets: 64,
};

const ecdsaSha512: SignatureProfile = {
  key: 'P-521',
  algorithm: 'ecdsa-with-SHA512',
  signatureMethod: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512',
  digestMethod: 'http://www.w3.org/2001/04/xmlenc#sha512',
  digest: hashedBy('sha512'),
  signatureOctets: 132,
};

const ed448: SignatureProfile = {
  key: 'Ed448',
  algorithm: 'Ed448',
  signatureMethod: 'urn:iso:std:iso:15118:-20:Security:xmldsig#Ed448',
  digestMethod: 'urn:iso:std:iso:15118:-20:Security:xmlenc#SHAKE256',
  digest: shake256,
  signatureOctets: 114,
};

export const signatureProfiles: Readonly<Record<Standard, readonly SignatureProfile[]>> = {
  'iso15118-2': [ecdsaSha256],
  'iso15118-20': [ecdsaSha512, ed448],
};

/** How a key of this kind signs the messages of a standard; undefined if it must not. */
export const signatureProfileFor = (
  standard: Standard,
  key: KeyAlgorithm,
): SignatureProfile | undefined => signatureProfiles[standard].find((one) => one.key === key);
