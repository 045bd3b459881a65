/** Reading OCSP responses (RFC 6960 4.2.1): our own before they are signed, others' as they come. */

import { DerReader } from '../der.ts';
import { contextConstructed, type DerElement, DerError, tags } from '../der-element.ts';
import { ocsp } from '../oids.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { requireDer } from '../require-der.ts';
import { readSignatureAlgorithm, type SignatureAlgorithm } from '../signature-algorithm.ts';
import { type OcspCertId, readCertId } from './cert-id.ts';
import { type CertificateStatus, readCertificateStatus } from './certificate-status.ts';
import { readNonce, readOcspExtensions } from './extensions.ts';
import { type OcspErrorStatus, responseStatusOf } from './response-status.ts';

/** 32 answers with the longest hashes, and a few certificates, stay below. */
export const MAX_OCSP_RESPONSE_BYTES = 64 * 1024;
/** A signer and its chain; more would only be work. */
const MAX_CERTIFICATES = 16;

export type ResponderId =
  /** SHA-1 of the signer's key, 20 octets. */
  | { readonly kind: 'key'; readonly hash: Uint8Array }
  /** DER of the signer's name. */
  | { readonly kind: 'name'; readonly der: Uint8Array };

export interface SingleResponse {
  readonly certId: OcspCertId;
  readonly status: CertificateStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly archiveCutoff: Date | undefined;
  readonly rawExtensions: readonly RawExtension[];
}

export interface ResponseData {
  readonly responderId: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  readonly nonce: Uint8Array | undefined;
  readonly extendedRevoke: boolean;
  readonly rawExtensions: readonly RawExtension[];
}

export interface SuccessfulOcspResponse {
  readonly status: 'successful';
  /** The ResponseData element, byte for byte: what the signature covers. */
  readonly tbs: Uint8Array;
  readonly data: ResponseData;
  /** Undefined when evpki knows no such algorithm. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signature: Uint8Array;
  /** DER of each certificate that came along, not read any further. */
  readonly certificates: readonly Uint8Array[];
}

export type OcspResponse = SuccessfulOcspResponse | { readonly status: OcspErrorStatus };

/**
 * Reads a response in strict DER, with times in whole seconds. Nothing is verified: neither the
 * signature, nor who signed, nor whether it is an answer to the question, nor whether it is fresh.
 * @param der at most 64 KiB; the result refers to these bytes, which must not change afterwards
 * @throws DerError also on a response of another type than basic, on an error that comes with a
 *   body and on success without one (RFC 6960 4.2.1)
 */
export function readOcspResponse(der: Uint8Array): OcspResponse {
  const input = DerReader.over(der, MAX_OCSP_RESPONSE_BYTES);
  const fields = input.sequence();
  input.end();
  const { offset } = fields;
  const number = fields.smallInteger(tags.enumerated);
  const status = responseStatusOf(number);
  if (status === undefined) throw new DerError(`${number} is no response status`, offset);
  if (status !== 'successful') {
    fields.end();
    return { status };
  }
  const wrapped = fields.enter(contextConstructed(0));
  fields.end();
  const bytes = wrapped.sequence();
  wrapped.end();
  const type = bytes.oid();
  if (type !== ocsp.basicResponse) throw new DerError(`the response type ${type}`, offset);
  const body = bytes.octetString();
  bytes.end();
  return readBasicResponse(DerReader.over(body, MAX_OCSP_RESPONSE_BYTES));
}

/**
 * Reads a ResponseData, as {@link readOcspResponse} does.
 * @param tbs the element, at most 64 KiB; the result refers to these bytes
 * @throws DerError
 */
export function readOcspResponseData(tbs: Uint8Array): ResponseData {
  const input = DerReader.over(tbs, MAX_OCSP_RESPONSE_BYTES);
  const fields = input.sequence();
  input.end();
  return responseData(fields);
}

function readBasicResponse(input: DerReader): SuccessfulOcspResponse {
  const fields = input.sequence();
  input.end();
  const tbs = fields.read(tags.sequence);
  const algorithm = fields.read(tags.sequence);
  requireDer(fields.inside(algorithm));
  const { offset } = fields;
  const { unusedBits, bytes: signature } = fields.bitString();
  if (unusedBits !== 0) throw new DerError('a signature has unused bits', offset);
  const certificates = readCertificates(fields);
  fields.end();
  return {
    status: 'successful',
    tbs: tbs.raw,
    data: responseData(fields.inside(tbs)),
    signatureAlgorithm: readSignatureAlgorithm(algorithm.raw),
    signature,
    certificates,
  };
}

function readCertificates(fields: DerReader): Uint8Array[] {
  if (!fields.has(contextConstructed(0))) return [];
  const wrapped = fields.enter(contextConstructed(0));
  const list = wrapped.sequence();
  wrapped.end();
  const certificates: Uint8Array[] = [];
  while (!list.atEnd) {
    if (certificates.length === MAX_CERTIFICATES) {
      throw new DerError(`more than ${MAX_CERTIFICATES} certificates`, list.offset);
    }
    const certificate = list.read(tags.sequence);
    requireDer(list.inside(certificate));
    certificates.push(certificate.raw);
  }
  return certificates;
}

function responseData(fields: DerReader): ResponseData {
  if (fields.has(contextConstructed(0))) {
    throw new DerError('a version that is not v1, or a default value, is encoded', fields.offset);
  }
  const responderId = readResponderId(fields);
  const producedAt = fields.generalizedTime();
  const list = fields.sequence();
  const responses: SingleResponse[] = [];
  while (!list.atEnd) responses.push(readSingleResponse(list.sequence()));
  const rawExtensions = readOcspExtensions(fields, 1);
  fields.end();
  const nonce = rawExtensions.find((extension) => extension.oid === ocsp.nonce);
  const extended = rawExtensions.find((extension) => extension.oid === ocsp.extendedRevoke);
  if (extended) readWhole(extended.value, (value) => value.null());
  return {
    responderId,
    producedAt,
    responses,
    nonce: nonce && readNonce(nonce.value),
    extendedRevoke: extended !== undefined,
    rawExtensions,
  };
}

function readResponderId(fields: DerReader): ResponderId {
  const id: DerElement = fields.read();
  const inside = (): DerReader => fields.inside(id);
  if (id.tag === contextConstructed(1)) {
    const name = inside();
    const { raw: der } = name.read(tags.sequence);
    name.end();
    requireDer(inside());
    return { kind: 'name', der };
  }
  if (id.tag !== contextConstructed(2)) {
    throw new DerError(`tag 0x${id.tag.toString(16)} names no responder`, id.offset);
  }
  const key = inside();
  const hash = key.octetString();
  key.end();
  if (hash.length !== 20) throw new DerError('a key hash is not SHA-1', id.offset);
  return { kind: 'key', hash };
}

function readSingleResponse(fields: DerReader): SingleResponse {
  const certId = readCertId(fields);
  const status = readCertificateStatus(fields);
  const thisUpdate = fields.generalizedTime();
  const nextUpdate = readNextUpdate(fields);
  const rawExtensions = readOcspExtensions(fields, 1);
  fields.end();
  const cutoff = rawExtensions.find((extension) => extension.oid === ocsp.archiveCutoff);
  const archiveCutoff = cutoff && readWhole(cutoff.value, (value) => value.generalizedTime());
  return { certId, status, thisUpdate, nextUpdate, archiveCutoff, rawExtensions };
}

function readNextUpdate(fields: DerReader): Date | undefined {
  if (!fields.has(contextConstructed(0))) return undefined;
  const wrapped = fields.enter(contextConstructed(0));
  const time = wrapped.generalizedTime();
  wrapped.end();
  return time;
}

/** Reads one value and refuses anything after it. */
function readWhole<T>(der: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = DerReader.over(der, der.length);
  const value = read(reader);
  reader.end();
  return value;
}
