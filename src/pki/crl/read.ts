/** CRLs as read from DER (RFC 5280 5.1): ours when linted, other people's when imported. */

import { sameBytes } from '../byte-order.ts';
import { algorithmDer, readNameAndDer } from '../certificate.ts';
import { DerReader } from '../der.ts';
import { contextConstructed, DerError, tags } from '../der-element.ts';
import type { DistinguishedName } from '../names.ts';
import type { PublicKey } from '../public-key.ts';
import { type RawExtension, readRawExtensions } from '../raw-extensions.ts';
import {
  readSignatureAlgorithm,
  type SignatureAlgorithm,
  verifySignature,
} from '../signature-algorithm.ts';
import { type CrlExtensions, readCrlExtensions, understoodCrlExtensions } from './extensions.ts';
import { type CrlPieces, readHead } from './frame.ts';
import { type ReadCrlEntry, readCrlEntries } from './read-entries.ts';

/** The fields of a TBSCertList around its entries. */
export interface CrlFields {
  /** 0 for v1, 1 for v2. */
  readonly version: number;
  /** DER of the inner AlgorithmIdentifier. */
  readonly signatureAlgorithmDer: Uint8Array;
  /** Undefined when evpki knows no such algorithm. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly issuerDer: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** Whether revokedCertificates is there, which it must not be when it is empty. */
  readonly hasEntryList: boolean;
  /** In the order of the CRL. Empty when the field is absent. */
  readonly rawExtensions: readonly RawExtension[];
  /** Those of `rawExtensions` that evpki understands, interpreted. */
  readonly extensions: CrlExtensions;
  /**
   * The OIDs of critical extensions that evpki does not understand, delta CRL indicators among
   * them. With any of them the CRL must not be used (RFC 5280 5.2).
   */
  readonly unknownCriticalExtensions: readonly string[];
}

export interface Crl extends CrlFields {
  /** The whole CRL. */
  readonly der: Uint8Array;
  /** The TBSCertList, byte for byte: what the signature covers. */
  readonly tbs: Uint8Array;
  /** The encoded entries, one after the other; empty if there are none. */
  readonly entryList: Uint8Array;
  /** DER of the outer AlgorithmIdentifier. */
  readonly outerSignatureAlgorithmDer: Uint8Array;
  readonly signature: Uint8Array;
  /**
   * The entries, read one at a time as they are asked for; every call starts anew. Throws DerError
   * when it comes to an entry that is malformed.
   */
  entries(): Generator<ReadCrlEntry, void, undefined>;
}

/**
 * Reads a CRL: ours, or anybody's. The DER and the types of RFC 5280 5.1 must be right; names may
 * be of any form, and algorithms and extensions that evpki does not know stay bytes. Nothing is
 * verified, and the entries are not read yet: their number does not matter to this function.
 * @param der the result refers to these bytes, which must not change afterwards
 * @param limits `maxBytes`: anything longer is refused before it is looked at
 * @throws DerError
 */
export function readCrl(der: Uint8Array, { maxBytes }: { readonly maxBytes: number }): Crl {
  const input = DerReader.over(der, maxBytes);
  const outer = input.sequence();
  input.end();
  const tbs = outer.read(tags.sequence);
  const fields = outer.inside(tbs);
  const before = readFieldsBefore(fields);
  const list = fields.has(tags.sequence) ? fields.read(tags.sequence) : undefined;
  const read = { ...before, hasEntryList: list !== undefined, ...readFieldsAfter(fields, before) };
  const outerSignatureAlgorithmDer = algorithmDer(outer);
  const { offset } = outer;
  const signature = outer.bitString();
  outer.end();
  if (signature.unusedBits !== 0) throw new DerError('a signature has unused bits', offset);
  return {
    ...read,
    ...{ der, tbs: tbs.raw, outerSignatureAlgorithmDer, signature: signature.bytes },
    entryList: list?.content ?? new Uint8Array(0),
    entries: () => readCrlEntries(fields, list, read.version),
  };
}

/**
 * Reads the fields around the entries of a CRL that is still in pieces.
 * @throws DerError also if the pieces do not fit together
 */
export function readCrlPieces(pieces: CrlPieces): CrlFields {
  const before = readHead(pieces, readFieldsBefore);
  const fields = DerReader.over(pieces.tail, pieces.tail.length);
  const hasEntryList = pieces.segments.some((segment) => segment.length > 0);
  return { ...before, hasEntryList, ...readFieldsAfter(fields, before) };
}

function readFieldsBefore(fields: DerReader) {
  const version = readVersion(fields);
  const signatureAlgorithmDer = algorithmDer(fields);
  const issuer = readNameAndDer(fields);
  const thisUpdate = fields.time();
  const hasNext = fields.has(tags.utcTime) || fields.has(tags.generalizedTime);
  return {
    version,
    signatureAlgorithmDer,
    signatureAlgorithm: readSignatureAlgorithm(signatureAlgorithmDer),
    issuerDer: issuer.der,
    issuer: issuer.name,
    thisUpdate,
    nextUpdate: hasNext ? fields.time() : undefined,
  };
}

/** RFC 5280 5.1.2.1: absent for v1; if present it says v2. */
function readVersion(fields: DerReader): number {
  if (!fields.has(tags.integer)) return 0;
  const { offset } = fields;
  const version = fields.smallInteger();
  if (version !== 1)
    throw new DerError(`the version ${version} is not encoded, or unknown`, offset);
  return version;
}

function readFieldsAfter(fields: DerReader, { version }: { readonly version: number }) {
  const rawExtensions = readExtensionsField(fields, version);
  fields.end();
  return {
    rawExtensions,
    extensions: readCrlExtensions(rawExtensions),
    unknownCriticalExtensions: rawExtensions
      .filter(({ oid, critical }) => critical && !understoodCrlExtensions.has(oid))
      .map(({ oid }) => oid),
  };
}

function readExtensionsField(fields: DerReader, version: number): RawExtension[] {
  const { offset } = fields;
  if (!fields.has(contextConstructed(0))) return [];
  if (version === 0) throw new DerError('a v1 CRL has extensions', offset);
  const wrapped = fields.enter(contextConstructed(0));
  const extensions = readRawExtensions(wrapped.sequence());
  wrapped.end();
  return extensions;
}

/**
 * Whether the holder of `issuerKey` signed the CRL: a signature algorithm that evpki knows, the
 * same inside and outside the signed part (RFC 5280 5.1.1.2), and a signature that verifies. Says
 * nothing about names, times or scope. Never throws. Hashes the whole CRL on this thread.
 */
export function verifyCrlSignedBy(crl: Crl, issuerKey: PublicKey): boolean {
  const { signatureAlgorithm, tbs, signature } = crl;
  if (signatureAlgorithm === undefined) return false;
  if (!sameBytes(crl.signatureAlgorithmDer, crl.outerSignatureAlgorithmDer)) return false;
  return verifySignature(issuerKey, signatureAlgorithm, tbs, signature);
}
