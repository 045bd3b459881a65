/** The hashes by which an OCSP client names the issuer of a certificate (RFC 6960 4.1.1). */

import { createHash } from 'node:crypto';
import { algorithms } from '../oids.ts';

/**
 * The hash functions that evpki knows in a CertID, by their names in node:crypto. RFC 5019 clients
 * use SHA-1, where it labels and protects nothing; OCPP stations use the other three.
 */
export const ocspHashes = ['sha1', 'sha256', 'sha384', 'sha512'] as const;
export type OcspHash = (typeof ocspHashes)[number];

export const hashOctets: Readonly<Record<OcspHash, number>> = {
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

export const hashOids: Readonly<Record<OcspHash, string>> = {
  sha1: algorithms.sha1,
  sha256: algorithms.sha256,
  sha384: algorithms.sha384,
  sha512: algorithms.sha512,
};

/** The hash function of a dotted OID; undefined if evpki does not know it. */
export const hashOfOid = (dotted: string): OcspHash | undefined =>
  ocspHashes.find((hash) => hashOids[hash] === dotted);

/** Both in lower-case hex. */
export interface IssuerHashes {
  readonly nameHash: string;
  readonly keyHash: string;
}

/**
 * What clients may call an issuer, by hash function.
 * @param subjectDer DER of the issuer's own name
 * @param keyBits the issuer's public key as in `PublicKey.bits`: the value of the BIT STRING
 *   without tag, length and unused-bits octet
 */
export function issuerHashes(
  subjectDer: Uint8Array,
  keyBits: Uint8Array,
): Readonly<Record<OcspHash, IssuerHashes>> {
  const by = (hash: OcspHash): IssuerHashes => ({
    nameHash: createHash(hash).update(subjectDer).digest('hex'),
    keyHash: createHash(hash).update(keyBits).digest('hex'),
  });
  return { sha1: by('sha1'), sha256: by('sha256'), sha384: by('sha384'), sha512: by('sha512') };
}
