/** The Extensions fields of OCSP requests and responses (RFC 6960 4.1.1, 4.2.1, 4.4). */

import { DerReader } from '../der.ts';
import { contextConstructed, DerError } from '../der-element.ts';
import { octetString } from '../der-writer.ts';
import { ocsp } from '../oids.ts';
import { type RawExtension, readRawExtensions, writeRawExtension } from '../raw-extensions.ts';

/**
 * An optional `[number] EXPLICIT Extensions`; empty if the field is absent.
 * @param fields stands where the field may be, and is left after it
 * @throws DerError also if an extension stands there twice: two readers could pick different ones
 */
export function readOcspExtensions(fields: DerReader, number: number): RawExtension[] {
  const tag = contextConstructed(number);
  if (!fields.has(tag)) return [];
  const { offset } = fields;
  const wrapped = fields.enter(tag);
  const found = readRawExtensions(wrapped.sequence());
  wrapped.end();
  if (new Set(found.map((extension) => extension.oid)).size < found.length) {
    throw new DerError('an extension is repeated', offset);
  }
  return found;
}

/** RFC 9654 2.1. Its predecessor RFC 8954 allowed 32 octets. */
const MAX_NONCE_OCTETS = 128;

/**
 * The nonce in the content of its extnValue, where it is wrapped in an OCTET STRING of its own
 * (RFC 9654 2.1). A bare nonce, as some early software sent it, is refused: it can be mistaken
 * for the wrapping of a shorter one.
 * @throws DerError unless it has 1 to 128 octets
 */
export function readNonce(value: Uint8Array): Uint8Array {
  const reader = DerReader.over(value, value.length);
  const nonce = reader.octetString();
  reader.end();
  if (nonce.length === 0 || nonce.length > MAX_NONCE_OCTETS) {
    throw new DerError(`a nonce of ${nonce.length} octets`, 0);
  }
  return nonce;
}

/**
 * The nonce extension, never critical.
 * @throws RangeError unless the nonce has 1 to 128 octets
 */
export function writeNonce(nonce: Uint8Array): Uint8Array {
  if (nonce.length === 0 || nonce.length > MAX_NONCE_OCTETS) {
    throw new RangeError(`a nonce of ${nonce.length} octets`);
  }
  return writeRawExtension(ocsp.nonce, false, octetString(nonce));
}
