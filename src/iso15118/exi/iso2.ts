/**
 * EXI of ISO 15118-2: V2G_Message documents about contract certificates, and the fragments that
 * their signatures cover. Everything here throws {@link ExiError} for what the schema does not
 * allow, whether read or written.
 */

import type { BitWriter } from './bit-writer.ts';
import { id } from './datatypes.ts';
import { type Decoded, decodeDocument, encodeDocument, encodeFragment } from './document.ts';
import { writeElement } from './element.ts';
import type { ElementType } from './grammar.ts';
import {
  certificateChain,
  dhPublicKey,
  emaid,
  encryptedPrivateKey,
  identifiedEmaid,
  installationRequest,
  iso2Document,
  iso2Fragment,
  iso2FragmentCodes,
  updateRequest,
} from './iso2-grammar.ts';
import type { Identified, Iso2Message, Iso2SignedElement } from './iso2-messages.ts';
import type { KeptElements } from './kept-elements.ts';
import { signedInfo } from './signature-grammar.ts';
import type { SignedInfo } from './xml-signature.ts';

/** Reads a document without V2GTP header. */
export const decodeIso2 = (document: Uint8Array): Decoded<Iso2Message> =>
  decodeDocument<Iso2Message>(iso2Document, document, signedIn);

/** Of a request all of the body, of an answer parts of it. */
const signedIn = ({ body }: Iso2Message): readonly object[] =>
  'responseCode' in body
    ? [body.contractCertificateChain, body.encryptedPrivateKey, body.dhPublicKey]
    : [body];

/** @param kept elements that have been written already */
export const encodeIso2 = (message: Iso2Message, kept?: KeptElements): Uint8Array =>
  encodeDocument(iso2Document, message, kept);

const types: Readonly<
  Record<Exclude<Iso2SignedElement['element'], 'eMAID'>, ElementType<unknown>>
> = {
  CertificateInstallationReq: installationRequest,
  CertificateUpdateReq: updateRequest,
  ContractSignatureCertChain: certificateChain,
  ContractSignatureEncryptedPrivateKey: encryptedPrivateKey,
  DHpublickey: dhPublicKey,
};

/**
 * What the digest of a signed element is made of ([V2G2-765]).
 * @param kept elements that have been written already, or will be again
 */
export const encodeIso2Fragment = (
  { element, value }: Iso2SignedElement,
  kept?: KeptElements,
): Uint8Array =>
  fragment(
    element,
    (writer) => {
      if (element === 'eMAID') writeRelaxedEmaid(writer, value);
      else writeElement(writer, types[element], value);
    },
    kept,
  );

/**
 * What older stacks digest for eMAID: the fragment by the element's type, as if the schema had the
 * name once. It is accepted, never made.
 */
export const encodeOlderEmaidFragment = (value: Identified<string>): Uint8Array =>
  fragment('eMAID', (writer) => writeElement(writer, identifiedEmaid, value));

/**
 * SignedInfo by the schema of the messages instead of that of XML Signature alone, for reading
 * leniently: what is signed is `encodeSignedInfo` of `xmldsig.ts`.
 */
export const encodeIso2SignedInfo = (value: SignedInfo): Uint8Array =>
  fragment('SignedInfo', (writer) => writeElement(writer, signedInfo, value));

const fragment = (
  name: keyof typeof iso2FragmentCodes,
  write: (writer: BitWriter) => void,
  kept?: KeptElements,
): Uint8Array => encodeFragment(iso2Fragment, name, iso2FragmentCodes[name], write, kept);

/**
 * The schema has elements eMAID of two types, with and without an Id. In a fragment, where nothing
 * tells which is meant, EXI then uses a grammar that allows any attribute and any element of the
 * schema (EXI 1.0, 8.5.3): 257 events at first, 246 after content.
 */
function writeRelaxedEmaid(writer: BitWriter, value: Identified<string>): void {
  writer.bits(4, 9); // AT(Id) of MsgDataTypes
  id.write(writer, value.id);
  writer.bits(256, 9); // CH
  emaid.write(writer, value.value);
  writer.bits(244, 8); // EE
}
