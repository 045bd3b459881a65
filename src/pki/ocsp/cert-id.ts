/** CertID: how a client names the certificate that it asks about (RFC 6960 4.1.1). */

import type { DerReader } from '../der.ts';
import { DerError, tags } from '../der-element.ts';
import { nullValue, octetString, oid, sequence, unsignedInteger } from '../der-writer.ts';
import { requireDer } from '../require-der.ts';
import { hashOctets, hashOfOid, hashOids, type OcspHash } from './hashes.ts';

export interface OcspCertId {
  /**
   * Undefined when evpki does not know the hash function. Nobody can tell then which issuer is
   * meant: such a CertID is well-formed and answered like that of a foreign issuer.
   */
  readonly hashAlgorithm: OcspHash | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** The content octets of the INTEGER, two's complement. */
  readonly serialNumber: Uint8Array;
  /** The CertID, byte for byte: what an answer repeats, so that clients recognize it. */
  readonly certIdDer: Uint8Array;
}

/**
 * Reads a CertID. The parameters of a known hash function are NULL or absent (RFC 5754 2), and its
 * hashes have its length.
 * @param reader stands before the CertID, which is consumed
 * @throws DerError
 */
export function readCertId(reader: DerReader): OcspCertId {
  const element = reader.read(tags.sequence);
  const fields = reader.inside(element);
  const hashAlgorithm = readHashAlgorithm(fields.sequence());
  const issuerNameHash = readHash(fields, hashAlgorithm);
  const issuerKeyHash = readHash(fields, hashAlgorithm);
  const serialNumber = fields.integerBytes();
  fields.end();
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber, certIdDer: element.raw };
}

function readHashAlgorithm(identifier: DerReader): OcspHash | undefined {
  const hash = hashOfOid(identifier.oid());
  if (!identifier.atEnd) {
    if (hash !== undefined) {
      identifier.null();
    } else {
      const parameters = identifier.read();
      if ((parameters.tag & 0x20) !== 0) requireDer(identifier.inside(parameters));
    }
  }
  identifier.end();
  return hash;
}

function readHash(fields: DerReader, hash: OcspHash | undefined): Uint8Array {
  const { offset } = fields;
  const value = fields.octetString();
  if (hash !== undefined && value.length !== hashOctets[hash]) {
    throw new DerError(`a ${hash} hash of ${value.length} octets`, offset);
  }
  return value;
}

/**
 * A CertID as most clients write it, with NULL parameters.
 * @param certId the hashes as bytes; `serialNumber` big-endian and not negative
 * @throws RangeError if a hash does not have the length of its function
 */
export function writeCertId({
  hashAlgorithm,
  issuerNameHash,
  issuerKeyHash,
  serialNumber,
}: Omit<OcspCertId, 'certIdDer' | 'hashAlgorithm'> & {
  readonly hashAlgorithm: OcspHash;
}): Uint8Array {
  for (const { length } of [issuerNameHash, issuerKeyHash]) {
    if (length !== hashOctets[hashAlgorithm]) {
      throw new RangeError(`a ${hashAlgorithm} hash does not have ${length} octets`);
    }
  }
  return sequence(
    sequence(oid(hashOids[hashAlgorithm]), nullValue()),
    octetString(issuerNameHash),
    octetString(issuerKeyHash),
    unsignedInteger(serialNumber),
  );
}
