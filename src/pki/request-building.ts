/**
 * Requests that evpki makes itself (PKCS#10, RFC 2986): for authorities whose certificate is to be
 * signed by somebody else's root.
 */

import { contextConstructed } from './der-element.ts';
import { bitString, element, integer, oid, sequence, set } from './der-writer.ts';
import { writeExtensions } from './extensions/write.ts';
import { type DistinguishedName, writeName } from './names.ts';
import { requestAttributes } from './oids.ts';
import type { PublicKey } from './public-key.ts';
import { type RawExtension, writeRawExtension } from './raw-extensions.ts';
import { algorithmIdentifier, type SignatureAlgorithm } from './signature-algorithm.ts';
import type { ExtensionSet } from './template.ts';

/**
 * The CertificationRequestInfo (RFC 2986 4.1), DER: what the holder of `key` signs. Extensions go
 * into the extensionRequest attribute (RFC 2985 5.4.2), which an empty set leaves out.
 * @throws RangeError on extensions that cannot be written, NameError on such a subject
 */
export function buildRequestInfo(
  subject: DistinguishedName,
  key: PublicKey,
  extensions: ExtensionSet,
): Uint8Array {
  const isEmpty = Object.keys(extensions).length === 0;
  return requestInfo(subject, key.spki, isEmpty ? undefined : writeExtensions(extensions));
}

/** The same with extensions as somebody else has written them, whatever they say. */
export const requestInfoOver = (
  subject: DistinguishedName,
  spki: Uint8Array,
  extensions: readonly RawExtension[],
): Uint8Array =>
  requestInfo(
    subject,
    spki,
    extensions.length === 0
      ? undefined
      : sequence(...extensions.map((one) => writeRawExtension(one.oid, one.critical, one.value))),
  );

function requestInfo(
  subject: DistinguishedName,
  spki: Uint8Array,
  extensions: Uint8Array | undefined,
): Uint8Array {
  const attributes =
    extensions === undefined
      ? []
      : [sequence(oid(requestAttributes.extensionRequest), set(extensions))];
  return sequence(
    integer(0),
    writeName(subject),
    spki,
    // [0] IMPLICIT SET OF, present even when empty.
    element(contextConstructed(0), ...attributes),
  );
}

/**
 * The CertificationRequest, DER.
 * @param signature of `info`: ECDSA in DER, the others raw
 */
export const assembleRequest = (
  info: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array,
): Uint8Array => sequence(info, algorithmIdentifier(algorithm), bitString(signature));
