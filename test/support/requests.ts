/** Certification requests for tests, put together part by part so that each part can be wrong. */

import { sign } from 'node:crypto';
import { parseIpAddress } from '../../src/identifiers/ip-address.ts';
import { compareBytes } from '../../src/pki/byte-order.ts';
import { contextConstructed } from '../../src/pki/der-element.ts';
import {
  bitString,
  boolean,
  element,
  ia5String,
  implicit,
  integer,
  oid,
  sequence,
  setOf,
} from '../../src/pki/der-writer.ts';
import { generalNameTags } from '../../src/pki/extensions/general-name-tags.ts';
import { writeName } from '../../src/pki/names.ts';
import { extensions as oids, requestAttributes } from '../../src/pki/oids.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { writeRawExtension } from '../../src/pki/raw-extensions.ts';
import {
  algorithmIdentifier,
  nodeDigest,
  signatureAlgorithmFor,
} from '../../src/pki/signature-algorithm.ts';
import { nameOf } from './policy.ts';
import { freshKeyPair, type KeyPair, keyPair, spkiOf } from './public-keys.ts';

/** What to put in place of the parts of a sound request; all DER. */
export interface RequestParts {
  readonly key?: KeyAlgorithm;
  /** The pair that signs, when it is not the one of `key`. */
  readonly signer?: KeyPair;
  readonly version?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly spki?: Uint8Array;
  /** The attributes, sorted before they are written. */
  readonly attributes?: readonly Uint8Array[];
  /** The whole field instead; null for none. */
  readonly attributesField?: Uint8Array | null;
  /** Written after the attributes, inside what is signed. */
  readonly afterAttributes?: Uint8Array;
  readonly signatureAlgorithm?: Uint8Array;
  /** The hash to sign with, when it is not the key's own. */
  readonly digest?: string;
  readonly signature?: Uint8Array;
  /** The whole BIT STRING instead. */
  readonly signatureField?: Uint8Array;
}

const soundSubject = writeName({
  attributes: [
    { type: 'C', value: 'DE' },
    { type: 'O', value: 'Example CPO' },
    { type: 'CN', value: 'CS-0001' },
  ],
});

/** A request as stations send it: P-256, no attributes; with other parts as given. */
export function buildRequest(parts: RequestParts = {}): Uint8Array {
  const algorithm = parts.key ?? 'P-256';
  const pair = keyPair(algorithm);
  const attributes =
    parts.attributesField === undefined
      ? element(contextConstructed(0), ...[...(parts.attributes ?? [])].sort(compareBytes))
      : parts.attributesField;
  const info = sequence(
    parts.version ?? integer(0),
    parts.subject ?? soundSubject,
    parts.spki ?? spkiOf(pair),
    attributes ?? new Uint8Array(0),
    parts.afterAttributes ?? new Uint8Array(0),
  );
  const named = signatureAlgorithmFor(algorithm);
  const digest = parts.digest ?? nodeDigest(named);
  const signature =
    parts.signature ?? sign(digest ?? null, info, (parts.signer ?? pair).privateKey);
  return sequence(
    info,
    parts.signatureAlgorithm ?? algorithmIdentifier(named),
    parts.signatureField ?? bitString(signature),
  );
}

/** Attribute ::= SEQUENCE { type, values SET OF }. */
export const requestAttribute = (type: string, ...values: Uint8Array[]): Uint8Array =>
  sequence(oid(type), setOf(...values));

/** The extensionRequest attribute with these Extension elements. */
export const extensionRequest = (...extensions: Uint8Array[]): Uint8Array =>
  requestAttribute(requestAttributes.extensionRequest, sequence(...extensions));

/** Extension elements to ask for. */
export const askFor = {
  names: (...hosts: readonly string[]): Uint8Array => {
    const names = hosts.map((host) => {
      const address = parseIpAddress(host);
      return address.ok
        ? implicit(generalNameTags.ip, address.value.bytes)
        : implicit(generalNameTags.dns, Buffer.from(host));
    });
    return writeRawExtension(oids.subjectAltName, false, sequence(...names));
  },
  /** To be a certification authority. */
  authority: writeRawExtension(oids.basicConstraints, true, sequence(boolean(true))),
  /** Netscape's comment, which no profile has. */
  comment: writeRawExtension('2.16.840.1.113730.1.13', false, ia5String('x')),
};

/**
 * A sound request with a key of its own, in PEM.
 * @param subject such as `CN=SN-1`, or several of them in their order
 */
export function newRequest(
  subject: string | readonly string[],
  {
    key = 'P-256' as KeyAlgorithm,
    pair = freshKeyPair(key),
    extensions = [] as readonly Uint8Array[],
  } = {},
): string {
  const attributes = extensions.length === 0 ? [] : [extensionRequest(...extensions)];
  const name = writeName(nameOf(...[subject].flat()));
  const der = buildRequest({ key, signer: pair, spki: spkiOf(pair), subject: name, attributes });
  return toPem('CERTIFICATE REQUEST', der);
}
