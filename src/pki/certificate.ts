/** Certificates as read from DER (RFC 5280 4.1): ours when linted, other people's when imported. */

import { hash } from 'node:crypto';
import { bytesKey, sameBytes } from './byte-order.ts';
import { bitStringOf, DerReader } from './der.ts';
import {
  contextConstructed,
  contextPrimitive,
  type DerElement,
  DerError,
  tags,
} from './der-element.ts';
import { type CertificateExtensions, readExtensionSet } from './extensions/read.ts';
import { type DistinguishedName, NameError, readForeignName } from './names.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import { type RawExtension, readRawExtensions } from './raw-extensions.ts';
import { recent } from './recent.ts';
import { remembered } from './remembered.ts';
import { requireDer } from './require-der.ts';
import {
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  verifySignature,
  verifySignatureOffLoop,
} from './signature-algorithm.ts';

/** The fields of a TBSCertificate. */
export interface TbsCertificate {
  /** The TBSCertificate element, byte for byte: what the signature covers. */
  readonly tbs: Uint8Array;
  /** 0 for v1, 1 for v2, 2 for v3. */
  readonly version: number;
  /** The content octets of the INTEGER, two's complement. */
  readonly serialNumber: Uint8Array;
  /** DER of the inner AlgorithmIdentifier. */
  readonly signatureAlgorithmDer: Uint8Array;
  /** Undefined when evpki knows no such algorithm. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly issuerDer: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subjectDer: Uint8Array;
  readonly subject: DistinguishedName;
  readonly spki: Uint8Array;
  /** Undefined when the key is none that evpki accepts. */
  readonly publicKey: PublicKey | undefined;
  /** Whether issuerUniqueID or subjectUniqueID is present (RFC 5280 4.1.2.8 forbids them). */
  readonly hasUniqueIds: boolean;
  /** In the order of the certificate. Empty when the field is absent. */
  readonly rawExtensions: readonly RawExtension[];
  /** The Extensions SEQUENCE, DER; undefined when the field is absent. */
  readonly extensionsDer: Uint8Array | undefined;
  /** Those of `rawExtensions` that evpki understands, interpreted. */
  readonly extensions: CertificateExtensions;
}

export interface Certificate extends TbsCertificate {
  /** The whole certificate. */
  readonly der: Uint8Array;
  /** DER of the outer AlgorithmIdentifier. */
  readonly outerSignatureAlgorithmDer: Uint8Array;
  readonly signature: Uint8Array;
}

/** Larger than any certificate of EV charging, and small enough to parse for anybody. */
const MAX_CERTIFICATE_BYTES = 16 * 1024;

/**
 * Reads a certificate: ours before it is handed out, or anybody's. The DER and the types of
 * RFC 5280 4.1 must be right; names may be of any form, and algorithms, keys and extensions that
 * evpki does not know stay bytes. Nothing is verified.
 * @param der at most 16 KiB; the result refers to these bytes, which must not change afterwards
 * @throws DerError
 */
export function readCertificate(der: Uint8Array): Certificate {
  const input = DerReader.over(der, MAX_CERTIFICATE_BYTES);
  const fields = input.sequence();
  input.end();
  const tbs = fields.read(tags.sequence);
  const read = tbsFields(tbs, fields.inside(tbs));
  const outerSignatureAlgorithmDer = algorithmDer(fields);
  const { offset } = fields;
  const signature = fields.bitString();
  fields.end();
  if (signature.unusedBits !== 0) throw new DerError('a signature has unused bits', offset);
  return {
    der,
    outerSignatureAlgorithmDer,
    signature: signature.bytes,
    tbs: read.tbs,
    version: read.version,
    serialNumber: read.serialNumber,
    signatureAlgorithmDer: read.signatureAlgorithmDer,
    signatureAlgorithm: read.signatureAlgorithm,
    issuerDer: read.issuerDer,
    issuer: read.issuer,
    notBefore: read.notBefore,
    notAfter: read.notAfter,
    subjectDer: read.subjectDer,
    subject: read.subject,
    spki: read.spki,
    publicKey: read.publicKey,
    hasUniqueIds: read.hasUniqueIds,
    rawExtensions: read.rawExtensions,
    extensionsDer: read.extensionsDer,
    extensions: read.extensions,
  };
}

/** {@link readCertificate}; undefined for what cannot be read. */
export function readableCertificate(der: Uint8Array): Certificate | undefined {
  try {
    return readCertificate(der);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/**
 * Reads a TBSCertificate, as {@link readCertificate} does.
 * @param tbs the element, at most 16 KiB; the result refers to these bytes
 * @throws DerError
 */
export function readTbs(tbs: Uint8Array): TbsCertificate {
  const input = DerReader.over(tbs, MAX_CERTIFICATE_BYTES);
  const element = input.read(tags.sequence);
  input.end();
  return tbsFields(element, input.inside(element));
}

function tbsFields(element: DerElement, fields: DerReader): TbsCertificate {
  const version = readVersion(fields);
  const serialNumber = fields.integerBytes();
  const signatureAlgorithmDer = algorithmDer(fields);
  const issuer = readIssuer(fields);
  const validity = fields.sequence();
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const subject = readNameAndDer(fields);
  const spki = publicKeyInfo(fields);
  const publicKey = readPublicKey(spki);
  const hasUniqueIds = readUniqueIds(fields, version);
  const { extensionsDer, rawExtensions } = readExtensions(fields, version);
  fields.end();
  return {
    tbs: element.raw,
    version,
    serialNumber,
    signatureAlgorithmDer,
    signatureAlgorithm: readSignatureAlgorithm(signatureAlgorithmDer),
    issuerDer: issuer.der,
    issuer: issuer.name,
    notBefore,
    notAfter,
    subjectDer: subject.der,
    subject: subject.name,
    spki,
    publicKey: publicKey.ok ? publicKey.value : undefined,
    hasUniqueIds,
    rawExtensions,
    extensionsDer,
    extensions: readExtensionSet(rawExtensions),
  };
}

/** RFC 5280 4.1.2.1: v1 is the default and as such not encoded (X.690 11.5). */
function readVersion(fields: DerReader): number {
  if (!fields.has(contextConstructed(0))) return 0;
  const wrapped = fields.enter(contextConstructed(0));
  const { offset } = wrapped;
  const version = wrapped.smallInteger();
  wrapped.end();
  if (version !== 1 && version !== 2) {
    throw new DerError(`the version ${version} is not encoded, or unknown`, offset);
  }
  return version;
}

/** The raw AlgorithmIdentifier: an OID and at most one element of parameters. */
export function algorithmDer(fields: DerReader): Uint8Array {
  const element = fields.read(tags.sequence);
  const identifier = fields.inside(element);
  identifier.oid();
  if (!identifier.atEnd) {
    const parameters = identifier.read();
    if ((parameters.tag & 0x20) !== 0) requireDer(identifier.inside(parameters));
  }
  identifier.end();
  return element.raw;
}

/**
 * A Name of whatever form, as its bytes and as attributes. `fields` stands before it.
 * @throws DerError
 */
export function readNameAndDer(fields: DerReader): { der: Uint8Array; name: DistinguishedName } {
  const element = fields.read(tags.sequence);
  return { der: element.raw, name: nameIn(element) };
}

function nameIn({ raw, offset }: DerElement): DistinguishedName {
  try {
    return readForeignName(DerReader.over(raw, MAX_CERTIFICATE_BYTES));
  } catch (error) {
    // Callers hear of one kind of error: to them a boundless name is as unreadable as bad DER.
    if (error instanceof NameError) throw new DerError(`in a name: ${error.message}`, offset);
    throw error;
  }
}

/**
 * Issuers are few, and their names are compared again and again: certificates of one issuer share
 * what was read of its name, and so what is remembered of that.
 */
const issuerNames = recent<DistinguishedName>(1_000);

/** Longer names are read each time. */
const MAX_KEPT_NAME = 512;

function readIssuer(fields: DerReader): ReturnType<typeof readNameAndDer> {
  const element = fields.read(tags.sequence);
  const der = element.raw;
  const name =
    der.length > MAX_KEPT_NAME
      ? nameIn(element)
      : issuerNames(bytesKey(der), () => nameIn(element));
  return { der, name };
}

/** The raw SubjectPublicKeyInfo (RFC 5280 4.1.2.7). */
function publicKeyInfo(fields: DerReader): Uint8Array {
  const element = fields.read(tags.sequence);
  const parts = fields.inside(element);
  algorithmDer(parts);
  parts.bitString();
  parts.end();
  return element.raw;
}

/** RFC 5280 4.1.2.8: two IMPLICIT BIT STRINGs that v1 does not know. */
function readUniqueIds(fields: DerReader, version: number): boolean {
  const { offset } = fields;
  let found = false;
  for (const tag of [contextPrimitive(1), contextPrimitive(2)]) {
    if (!fields.has(tag)) continue;
    const { content, offset: at } = fields.read(tag);
    bitStringOf(content, at);
    found = true;
  }
  if (found && version === 0) throw new DerError('a v1 certificate has unique ids', offset);
  return found;
}

/** RFC 5280 4.1.2.9: only v3 has extensions. */
function readExtensions(
  fields: DerReader,
  version: number,
): Pick<TbsCertificate, 'extensionsDer' | 'rawExtensions'> {
  const { offset } = fields;
  if (!fields.has(contextConstructed(3))) return { extensionsDer: undefined, rawExtensions: [] };
  if (version !== 2) throw new DerError('a certificate before v3 has extensions', offset);
  const wrapped = fields.enter(contextConstructed(3));
  const element = wrapped.read(tags.sequence);
  const rawExtensions = readRawExtensions(wrapped.inside(element));
  wrapped.end();
  return { extensionsDer: element.raw, rawExtensions };
}

/**
 * Whether issuer and subject are the same name (RFC 5280 3.2), byte for byte. A self-issued
 * certificate need not be self-signed: a key rollover certifies the new key with the old one.
 */
export const isSelfIssued = (certificate: TbsCertificate): boolean =>
  sameBytes(certificate.issuerDer, certificate.subjectDer);

/** A key (SubjectPublicKeyInfo) as text, for maps: the same for the same key. */
export const spkiKey = remembered(({ spki }: TbsCertificate): string => bytesKey(spki));

/**
 * A serial number in lower-case hex without leading zeros or prefix: the form of OCPP's
 * CertificateHashDataType, and the only one that evpki stores, indexes and shows.
 * @param serial a certificate, or the content octets of the INTEGER; a negative one, which only
 *   other people's broken certificates have, gets a minus sign
 */
export function serialHex(serial: TbsCertificate | Uint8Array): string {
  const octets = serial instanceof Uint8Array ? serial : serial.serialNumber;
  const hex = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');
  // Positive, as all but broken ones are.
  if (hex < '8') return hex.startsWith('0') || hex === '' ? withoutZeros(hex) : hex;
  const magnitude = BigInt(`0x${hex}`);
  const value = BigInt.asIntN(8 * octets.length, magnitude);
  return value.toString(16);
}

function withoutZeros(hex: string): string {
  let zeros = 0;
  while (hex[zeros] === '0') zeros++;
  return hex.slice(zeros) || '0';
}

/** SHA-256 of a certificate's DER in lower-case hex. */
export const fingerprint = (der: Uint8Array): string => hash('sha256', der);

/**
 * Whether the holder of `issuerKey` signed `child`: a signature algorithm that evpki knows, the
 * same inside and outside the signed part (RFC 5280 4.1.1.2), and a signature that verifies.
 * Says nothing about names, validity or what the issuer was allowed to sign. Never throws.
 */
export function verifyIssuedBy(child: Certificate, issuerKey: PublicKey): boolean {
  const { signatureAlgorithm, tbs, signature } = child;
  if (signatureAlgorithm === undefined) return false;
  if (!sameBytes(child.signatureAlgorithmDer, child.outerSignatureAlgorithmDer)) return false;
  return verifySignature(issuerKey, signatureAlgorithm, tbs, signature);
}

/** {@link verifyIssuedBy}, where `verifySignatureOffLoop` does it. */
export function verifyIssuedByOffLoop(
  child: Certificate,
  issuerKey: PublicKey,
): boolean | Promise<boolean> {
  const { signatureAlgorithm, tbs, signature } = child;
  if (signatureAlgorithm === undefined) return false;
  if (!sameBytes(child.signatureAlgorithmDer, child.outerSignatureAlgorithmDer)) return false;
  return verifySignatureOffLoop(issuerKey, signatureAlgorithm, tbs, signature);
}
