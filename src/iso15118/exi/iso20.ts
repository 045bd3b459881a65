/**
 * EXI of ISO 15118-20: CertificateInstallationReq and Res documents of CommonMessages, and the
 * fragments that their signatures cover. Everything here throws {@link ExiError} for what the schema
 * does not allow, whether read or written.
 */

import { type Decoded, decodeDocument, encodeDocument, encodeFragment } from './document.ts';
import { writeElement } from './element.ts';
import type { ElementType } from './grammar.ts';
import {
  iso20Document,
  iso20Fragment,
  iso20FragmentCodes,
  signedChain,
  signedInstallationData,
} from './iso20-grammar.ts';
import type { Iso20Message, Iso20SignedElement } from './iso20-messages.ts';
import type { KeptElements } from './kept-elements.ts';
import { signedInfo } from './signature-grammar.ts';
import type { SignedInfo } from './xml-signature.ts';

/** Reads a document without V2GTP header. */
export const decodeIso20 = (document: Uint8Array): Decoded<Iso20Message> =>
  decodeDocument<Iso20Message>(iso20Document, document, (message) => [
    'responseCode' in message
      ? message.signedInstallationData
      : message.oemProvisioningCertificateChain,
  ]);

/** @param kept elements that have been written already */
export const encodeIso20 = (message: Iso20Message, kept?: KeptElements): Uint8Array =>
  encodeDocument(iso20Document, message, kept);

/**
 * What the digest of a signed element is made of.
 * @param kept elements that have been written already, or will be again
 */
export const encodeIso20Fragment = (
  { element, value }: Iso20SignedElement,
  kept?: KeptElements,
): Uint8Array => fragment(element, types[element], value, kept);

/**
 * SignedInfo by the schema of the messages instead of that of XML Signature alone, for reading
 * leniently: what is signed is `encodeSignedInfo` of `xmldsig.ts` ([V2G20-1449]).
 */
export const encodeIso20SignedInfo = (value: SignedInfo): Uint8Array =>
  fragment('SignedInfo', signedInfo, value);

const types: Readonly<Record<Iso20SignedElement['element'], ElementType<unknown>>> = {
  OEMProvisioningCertificateChain: signedChain,
  SignedInstallationData: signedInstallationData,
};

const fragment = (
  name: keyof typeof iso20FragmentCodes,
  type: ElementType<unknown>,
  value: unknown,
  kept?: KeptElements,
): Uint8Array =>
  encodeFragment(
    iso20Fragment,
    name,
    iso20FragmentCodes[name],
    (writer) => writeElement(writer, type, value),
    kept,
  );
