/**
 * OCSPRequestDataType: how a station asks its CSMS for the status of a certificate
 * (OCPP 2.0.1 and 2.1, GetCertificateStatus, M06.FR.01), and the OCSP request that it stands for.
 */

import { type Parsed, parsed } from '../identifiers/parsed.ts';
import { type CertificateHashData, parseHashData } from '../pki/certificate-hash-data.ts';
import { writeCertId } from '../pki/ocsp/cert-id.ts';
import { writeOcspRequest } from '../pki/ocsp/write-request.ts';

const ocspHashOf = { SHA256: 'sha256', SHA384: 'sha384', SHA512: 'sha512' } as const;

export interface OcspRequestOfStation {
  readonly hashData: CertificateHashData;
  /** DER of the CertID. */
  readonly certId: Uint8Array;
  /** DER of the OCSPRequest. */
  readonly request: Uint8Array;
}

/**
 * The OCSP request that an OCSPRequestDataType stands for: one certificate, no nonce, so that the
 * answer may be one that is ready-signed. Its hash data is read as liberally as `parseHashData`
 * does (any case of hex, leading zeros, base64). The responderURL is not looked at: nothing that a
 * station names is ever fetched.
 * @param input the JSON value
 * @returns the request, or what is wrong with the hash data
 */
export function ocspRequestOf(input: unknown): Parsed<OcspRequestOfStation> {
  const read = parseHashData(input);
  if (!read.ok) return read;
  const { hashData } = read.value;
  const certId = certIdOf(hashData);
  return parsed({ hashData, certId, request: writeOcspRequest([certId]) });
}

const certIdOf = (hashData: CertificateHashData): Uint8Array =>
  writeCertId({
    hashAlgorithm: ocspHashOf[hashData.hashAlgorithm],
    issuerNameHash: Buffer.from(hashData.issuerNameHash, 'hex'),
    issuerKeyHash: Buffer.from(hashData.issuerKeyHash, 'hex'),
    serialNumber: serialBytes(hashData.serialNumber),
  });

/** A serial number in hex without leading zeros may have an odd number of digits. */
const serialBytes = (serial: string): Uint8Array =>
  Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex');
