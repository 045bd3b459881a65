/** OCSP requests (RFC 6960 4.1): what anybody may send us, read before anything is looked up. */

import { DerReader } from '../der.ts';
import { contextConstructed, DerError, tags } from '../der-element.ts';
import { readGeneralName } from '../extensions/general-names.ts';
import { ocsp } from '../oids.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { requireDer } from '../require-der.ts';
import { type OcspCertId, readCertId } from './cert-id.ts';
import { readNonce, readOcspExtensions } from './extensions.ts';

/** A full request with the longest hashes and a signature stays below. */
export const MAX_OCSP_REQUEST_BYTES = 8 * 1024;
/** Each one costs a lookup and a part of the answer. */
export const MAX_CERT_IDS = 32;

export interface OcspRequest {
  /**
   * At least one, in the order of the request. One that is asked for twice is answered twice
   * (RFC 6960 4.2.2.3: an answer for each).
   */
  readonly certIds: readonly OcspCertId[];
  /** 1 to 128 octets, to be repeated in the answer (RFC 9654 2.1). */
  readonly nonce: Uint8Array | undefined;
}

/** Why a request gets an error instead of answers; the message is for our log. */
export interface OcspFault {
  readonly fault: 'malformedRequest';
  readonly message: string;
}

/**
 * Reads a request in strict DER. Version v1 is the default and must not be written out
 * (X.690 11.5). requestorName and a signature are checked for their form and otherwise ignored:
 * answers are public, so it does not matter who asks, and checking would be work for strangers.
 *
 * Of the extensions, nonce is used; acceptable responses (RFC 6960 4.4.3) and preferred signature
 * algorithms (4.4.7) are checked for their form only, because there is one type of response and
 * one signature algorithm per issuer key. Others are ignored unless critical (4.1.2); so is
 * the service locator, because we do not forward.
 *
 * RFC 6960 4.1.1, 4.1.2; RFC 9654 2.1.
 * @param der at most 8 KiB; the result refers to these bytes, which must not change afterwards
 */
export function readOcspRequest(der: Uint8Array): OcspRequest | OcspFault {
  try {
    return requestOf(DerReader.over(der, MAX_OCSP_REQUEST_BYTES));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { fault: 'malformedRequest', message: `The request is refused: ${error.message}.` };
  }
}

function requestOf(input: DerReader): OcspRequest {
  const request = input.sequence();
  input.end();
  const fields = request.sequence();
  if (!request.atEnd) checkSignature(request);
  request.end();

  if (fields.has(contextConstructed(0))) {
    throw new DerError('a version that is not v1, or a default value, is encoded', fields.offset);
  }
  if (fields.has(contextConstructed(1))) {
    const requestor = fields.enter(contextConstructed(1));
    readGeneralName(requestor);
    requestor.end();
  }
  const certIds = readRequestList(fields.sequence());
  const { offset } = fields;
  const extensions = readOcspExtensions(fields, 2);
  fields.end();
  const nonce = readRequestExtensions(extensions, offset);
  return { certIds, nonce };
}

function readRequestList(list: DerReader): OcspCertId[] {
  if (list.atEnd) throw new DerError('a request for no certificate', list.offset);
  const certIds: OcspCertId[] = [];
  while (!list.atEnd) {
    if (certIds.length === MAX_CERT_IDS) {
      throw new DerError(`more than ${MAX_CERT_IDS} certificates are asked for`, list.offset);
    }
    const single = list.sequence();
    certIds.push(readCertId(single));
    const { offset } = single;
    refuseCritical(readOcspExtensions(single, 0), offset);
    single.end();
  }
  return certIds;
}

/** The nonce, if there is one. */
function readRequestExtensions(
  extensions: readonly RawExtension[],
  offset: number,
): Uint8Array | undefined {
  let nonce: Uint8Array | undefined;
  const unknown: RawExtension[] = [];
  for (const extension of extensions) {
    if (extension.oid === ocsp.nonce) nonce = readNonce(extension.value);
    else if (extension.oid === ocsp.acceptableResponses) checkAcceptable(extension.value);
    else if (extension.oid === ocsp.preferredSignatureAlgorithms) checkPreferred(extension.value);
    else unknown.push(extension);
  }
  refuseCritical(unknown, offset);
  return nonce;
}

function refuseCritical(unknown: readonly RawExtension[], offset: number): void {
  const critical = unknown.find((extension) => extension.critical);
  if (critical) throw new DerError(`the critical extension ${critical.oid} is unknown`, offset);
}

/** AcceptableResponses, a SEQUENCE OF OBJECT IDENTIFIER. */
function checkAcceptable(value: Uint8Array): void {
  const input = DerReader.over(value, value.length);
  const types = input.sequence();
  input.end();
  while (!types.atEnd) types.oid();
}

/** PreferredSignatureAlgorithms (RFC 6960 4.4.7.1). */
function checkPreferred(value: Uint8Array): void {
  const input = DerReader.over(value, value.length);
  const algorithms = input.sequence();
  input.end();
  while (!algorithms.atEnd) {
    const preferred = algorithms.sequence();
    checkAlgorithm(preferred.sequence());
    if (!preferred.atEnd) checkAlgorithm(preferred.sequence());
    preferred.end();
  }
}

/** An AlgorithmIdentifier: an OID and at most one element of parameters. */
function checkAlgorithm(identifier: DerReader): void {
  identifier.oid();
  if (identifier.atEnd) return;
  const parameters = identifier.read();
  if ((parameters.tag & 0x20) !== 0) requireDer(identifier.inside(parameters));
  identifier.end();
}

/** `[0] EXPLICIT Signature`: algorithm, BIT STRING and perhaps certificates. */
function checkSignature(request: DerReader): void {
  const wrapped = request.enter(contextConstructed(0));
  const signature = wrapped.sequence();
  wrapped.end();
  checkAlgorithm(signature.sequence());
  signature.bitString();
  if (signature.has(contextConstructed(0))) {
    const certificates = signature.enter(contextConstructed(0));
    const list = certificates.sequence();
    certificates.end();
    while (!list.atEnd) {
      const certificate = list.read(tags.sequence);
      requireDer(list.inside(certificate));
    }
  }
  signature.end();
}
