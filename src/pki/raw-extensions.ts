/** The Extensions SEQUENCE of certificates and requests, uninterpreted (RFC 5280 4.1.2.9, 4.2). */

import type { DerReader } from './der.ts';
import { DerError, tags } from './der-element.ts';
import { boolean, octetString, oid, sequence } from './der-writer.ts';

/** An extension as it stands in a request or certificate, not yet interpreted. */
export interface RawExtension {
  /** Dotted OID. */
  readonly oid: string;
  readonly critical: boolean;
  /** The content of extnValue: DER of the extension's own type. */
  readonly value: Uint8Array;
}

/** Far more than any certificate carries; each one costs a comparison with the others later. */
const MAX_EXTENSIONS = 64;

/**
 * The extensions in the order of their encoding. Duplicates are kept: whether one is a violation
 * or a lint finding is for the caller to say.
 * @param extensions a reader inside the Extensions SEQUENCE; it is read to its end
 * @throws DerError on malformed DER, on `critical` written out although FALSE (X.690 11.5), on an
 *   empty sequence (RFC 5280 4.1: SIZE 1..MAX) and on more than 64 extensions
 */
export function readRawExtensions(extensions: DerReader): RawExtension[] {
  if (extensions.atEnd) throw new DerError('a list of extensions is empty', extensions.offset);
  const found: RawExtension[] = [];
  while (!extensions.atEnd) {
    if (found.length === MAX_EXTENSIONS) {
      throw new DerError(`more than ${MAX_EXTENSIONS} extensions`, extensions.offset);
    }
    found.push(readRawExtension(extensions.sequence()));
  }
  return found;
}

function readRawExtension(extension: DerReader): RawExtension {
  const dotted = extension.oid();
  let critical = false;
  if (extension.has(tags.boolean)) {
    const { offset } = extension;
    critical = extension.boolean();
    if (!critical) throw new DerError('a default value (critical FALSE) is encoded', offset);
  }
  const value = extension.octetString();
  extension.end();
  return { oid: dotted, critical, value };
}

/**
 * One Extension as DER.
 * @param value DER of the extension's own type, which becomes the content of extnValue
 */
export const writeRawExtension = (
  dotted: string,
  critical: boolean,
  value: Uint8Array,
): Uint8Array =>
  critical
    ? sequence(oid(dotted), boolean(true), octetString(value))
    : sequence(oid(dotted), octetString(value));
