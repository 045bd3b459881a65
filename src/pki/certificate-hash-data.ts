/** How OCPP names a certificate without showing it (OCPP 2.0.1 and 2.1, CertificateHashDataType). */

import { createHash } from 'node:crypto';
import { type Parsed, parsed, unparsed } from '../identifiers/parsed.ts';
import { sameBytes } from './byte-order.ts';
import { serialHex, type TbsCertificate } from './certificate.ts';

const hashOctets = { SHA256: 32, SHA384: 48, SHA512: 64 } as const;

/** OCPP 2.0.1 HashAlgorithmEnumType. */
export type HashAlgorithm = keyof typeof hashOctets;

/** OCPP 2.0.1 CertificateHashDataType; all text in lower-case hex. */
export interface CertificateHashData {
  readonly hashAlgorithm: HashAlgorithm;
  /** Hash of the DER of the issuer's name. */
  readonly issuerNameHash: string;
  /** Hash of the issuer's public key: the BIT STRING's value without tag, length, unused bits. */
  readonly issuerKeyHash: string;
  /** Without leading zeros or prefix, at most 40 characters. */
  readonly serialNumber: string;
}

/** What the hashes are taken over; the key as in `PublicKey.bits`. */
export interface HashedIssuer {
  readonly subjectDer: Uint8Array;
  readonly publicKeyBits: Uint8Array;
}

/**
 * The hash data of a certificate: the values of an OCSP CertID (RFC 6960 4.1.1) in hex.
 * @throws RangeError if `issuer` has another name than the certificate's issuer, or the serial
 *   number is negative or too long for OCPP
 */
export function certificateHashData(
  certificate: TbsCertificate,
  issuer: HashedIssuer,
  hash: HashAlgorithm,
): CertificateHashData {
  if (!sameBytes(certificate.issuerDer, issuer.subjectDer)) {
    throw new RangeError('hash data wants the issuer of the certificate, and this is another');
  }
  const serialNumber = serialHex(certificate);
  if (!isHexSerial(serialNumber)) {
    throw new RangeError(`OCPP cannot express the serial number ${serialNumber}`);
  }
  return {
    hashAlgorithm: hash,
    issuerNameHash: hexHash(hash, issuer.subjectDer),
    issuerKeyHash: hexHash(hash, issuer.publicKeyBits),
    serialNumber,
  };
}

/** Whether both name the same certificate with the same hash function; case does not matter. */
export const sameHashData = (a: CertificateHashData, b: CertificateHashData): boolean =>
  a.hashAlgorithm === b.hashAlgorithm &&
  a.issuerNameHash.toLowerCase() === b.issuerNameHash.toLowerCase() &&
  a.issuerKeyHash.toLowerCase() === b.issuerKeyHash.toLowerCase() &&
  withoutLeadingZeros(a.serialNumber) === withoutLeadingZeros(b.serialNumber);

export interface ReadHashData {
  readonly hashData: CertificateHashData;
  /** Whether the sender wrote it otherwise than OCPP says; upper case is as OCPP says. */
  readonly nonconforming: boolean;
}

/**
 * Reads the hash data that a station sends, in any case, and also in the forms of software in the
 * field that departs from OCPP: a serial number with leading zeros or `0x`; hashes in base64 or
 * base64url, which their length tells from hex. Software with base64 hashes writes its serial
 * numbers in decimal; one of digits only is therefore decimal after two base64 hashes, or when it
 * is longer than the 40 characters that hex may have, and hex otherwise.
 * @param input the JSON value; other members are ignored
 */
export function parseHashData(input: unknown): Parsed<ReadHashData> {
  if (typeof input !== 'object' || input === null) return unparsed('hash data is not an object');
  const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = input as Readonly<
    Record<string, unknown>
  >;
  if (typeof hashAlgorithm !== 'string' || !Object.hasOwn(hashOctets, hashAlgorithm)) {
    return unparsed('hashAlgorithm is none of SHA256, SHA384 and SHA512');
  }
  const algorithm = hashAlgorithm as HashAlgorithm;
  const name = readHash(issuerNameHash, algorithm);
  if (name === undefined) return unparsed(`issuerNameHash is not a ${algorithm} hash in hex`);
  const key = readHash(issuerKeyHash, algorithm);
  if (key === undefined) return unparsed(`issuerKeyHash is not a ${algorithm} hash in hex`);
  const serial = readSerial(serialNumber, name.base64 && key.base64);
  if (serial === undefined) {
    return unparsed('serialNumber is not a serial number of at most 20 octets in hex');
  }
  return parsed({
    hashData: {
      hashAlgorithm: algorithm,
      issuerNameHash: name.hex,
      issuerKeyHash: key.hex,
      serialNumber: serial,
    },
    nonconforming: name.base64 || key.base64 || serial !== (serialNumber as string).toLowerCase(),
  });
}

function readHash(
  text: unknown,
  algorithm: HashAlgorithm,
): { hex: string; base64: boolean } | undefined {
  const octets = hashOctets[algorithm];
  if (typeof text !== 'string' || text.length > 2 * octets) return undefined;
  if (/^[0-9a-f]+$/i.test(text)) {
    // The base64 of a SHA-384 hash is as long as the hex of a SHA-256 hash: hex it is, or nothing.
    return text.length === 2 * octets ? { hex: text.toLowerCase(), base64: false } : undefined;
  }
  if (!/^[\w+/-]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  const canonical = bytes.toString('base64url') === comparableBase64(text);
  if (bytes.length !== octets || !canonical) return undefined;
  return { hex: bytes.toString('hex'), base64: true };
}

const comparableBase64 = (text: string): string =>
  text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');

function readSerial(text: unknown, afterBase64: boolean): string | undefined {
  // 49 digits hold 20 octets.
  if (typeof text !== 'string' || text.length > 64) return undefined;
  if (/^[1-9]\d*$/.test(text) && (afterBase64 || text.length > 40)) {
    const hex = BigInt(text).toString(16);
    return isHexSerial(hex) ? hex : undefined;
  }
  const hex = withoutLeadingZeros(text.replace(/^0x/i, ''));
  return isHexSerial(hex) ? hex : undefined;
}

/** Lower case too, because what is compared must not differ in case. */
const withoutLeadingZeros = (hex: string): string => hex.toLowerCase().replace(/^0+(?=.)/, '');

const isHexSerial = (text: string): boolean => /^[0-9a-f]{1,40}$/.test(text);

const hexHash = (algorithm: HashAlgorithm, bytes: Uint8Array): string =>
  createHash(algorithm.toLowerCase()).update(bytes).digest('hex');
