/**
 * CertificateInstallationRes of ISO 15118-2 out of an XML document, however its namespaces are
 * prefixed: the counterpart of `iso2-xml.ts`. Nothing is read over: an element or attribute
 * that the message does not have, or has elsewhere, is refused.
 */

import { decodeBase64 } from '../../pki/pem.ts';
import {
  type Identified,
  type Iso2CertificateChain,
  type Iso2InstallationResponse,
  type Iso2ResponseCode,
  iso2ResponseCodes,
} from '../exi/iso2-messages.ts';
import type { SignatureReference, XmlSignature } from '../exi/xml-signature.ts';
import { iso2Namespaces as namespaces } from './iso2-xml.ts';
import { expandedName, readXml, type XmlElement, XmlError } from './xml-document.ts';

/** The session is left out: it is that of nobody, where no car has asked. */
export interface Iso2XmlResponse {
  readonly signature?: XmlSignature;
  readonly body: Iso2InstallationResponse;
}

type Prefix = keyof typeof namespaces;

/**
 * Says nothing about what the schema of the message limits, such as the length of a certificate: who
 * encodes it as EXI hears that.
 * @throws XmlError
 */
export function readIso2ResponseXml(octets: Uint8Array): Iso2XmlResponse {
  const message = readXml(octets);
  if (!is(message, 'm', 'V2G_Message')) throw new XmlError('is no V2G_Message of ISO 15118-2');
  const parts = new Parts(message);
  const header = new Parts(parts.one('m', 'Header'));
  const body = new Parts(parts.one('m', 'Body'));
  parts.end();
  const session = header.optional('h', 'SessionID');
  if (session) textOf(session);
  const signature = header.optional('s', 'Signature');
  header.end();
  const response = body.one('b', 'CertificateInstallationRes');
  body.end();
  return {
    ...(signature ? { signature: signatureOf(signature) } : {}),
    body: responseOf(response),
  };
}

function responseOf(element: XmlElement): Iso2InstallationResponse {
  const parts = new Parts(element);
  const code = textOf(parts.one('b', 'ResponseCode')).trim();
  const responseCode = iso2ResponseCodes.find((one): one is Iso2ResponseCode => one === code);
  if (!responseCode) throw new XmlError('has a ResponseCode that ISO 15118-2 does not have');
  const response: Iso2InstallationResponse = {
    name: 'CertificateInstallationRes',
    responseCode,
    provisioningCertificateChain: chainOf(parts.one('b', 'SAProvisioningCertificateChain')),
    contractCertificateChain: chainOf(parts.one('b', 'ContractSignatureCertChain')),
    encryptedPrivateKey: octetsOf(parts.one('b', 'ContractSignatureEncryptedPrivateKey')),
    dhPublicKey: octetsOf(parts.one('b', 'DHpublickey')),
    emaid: emaidOf(parts.one('b', 'eMAID')),
  };
  parts.end();
  return response;
}

function chainOf(element: XmlElement): Iso2CertificateChain {
  const parts = new Parts(element, 'Id');
  const certificate = base64Of(parts.one('t', 'Certificate'));
  const above = parts.optional('t', 'SubCertificates');
  parts.end();
  const id = element.attributes.get(ID);
  return {
    ...(id === undefined ? {} : { id }),
    certificate,
    ...(above ? { subCertificates: certificatesOf(above) } : {}),
  };
}

function certificatesOf(element: XmlElement): Uint8Array[] {
  const parts = new Parts(element);
  const certificates = parts.every('t', 'Certificate').map((one) => base64Of(one));
  parts.end();
  return certificates;
}

const octetsOf = (element: XmlElement): Identified<Uint8Array> => ({
  id: idOf(element),
  value: base64Of(element, ID),
});

const emaidOf = (element: XmlElement): Identified<string> => ({
  id: idOf(element),
  value: textOf(element, ID),
});

function signatureOf(element: XmlElement): XmlSignature {
  const parts = new Parts(element, 'own-id');
  const info = parts.one('s', 'SignedInfo');
  const value = parts.one('s', 'SignatureValue');
  parts.end();
  const infoParts = new Parts(info, 'own-id');
  const signedInfo = {
    ...idIn(info),
    canonicalizationMethod: algorithmOf(infoParts.one('s', 'CanonicalizationMethod')),
    signatureMethod: algorithmOf(infoParts.one('s', 'SignatureMethod')),
    references: infoParts.every('s', 'Reference').map(referenceOf),
  };
  infoParts.end();
  const signatureValueId = value.attributes.get(OWN_ID);
  return {
    ...idIn(element),
    signedInfo,
    ...(signatureValueId === undefined ? {} : { signatureValueId }),
    signatureValue: base64Of(value, OWN_ID),
  };
}

function referenceOf(element: XmlElement): SignatureReference {
  const parts = new Parts(element, 'reference');
  const transforms = parts.optional('s', 'Transforms');
  const digestMethod = algorithmOf(parts.one('s', 'DigestMethod'));
  const digestValue = base64Of(parts.one('s', 'DigestValue'));
  parts.end();
  const type = element.attributes.get(expandedName('', 'Type'));
  const uri = element.attributes.get(expandedName('', 'URI'));
  return {
    ...idIn(element),
    ...(type === undefined ? {} : { type }),
    ...(uri === undefined ? {} : { uri }),
    ...(transforms ? { transforms: transformsOf(transforms) } : {}),
    digestMethod,
    digestValue,
  };
}

function transformsOf(element: XmlElement): string[] {
  const parts = new Parts(element);
  const transforms = parts.every('s', 'Transform').map(algorithmOf);
  parts.end();
  return transforms;
}

function algorithmOf(element: XmlElement): string {
  new Parts(element, 'algorithm').end();
  return required(element, expandedName('', 'Algorithm'));
}

const ID = expandedName(namespaces.t, 'Id');
const OWN_ID = expandedName('', 'Id');
/** The attributes that elements of a kind may have. */
const attributes = {
  none: [],
  Id: [ID],
  'own-id': [OWN_ID],
  reference: [OWN_ID, expandedName('', 'Type'), expandedName('', 'URI')],
  algorithm: [expandedName('', 'Algorithm')],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A namespace may be any text, and is not said again. */
const localName = (expanded: string): string => expanded.slice(expanded.lastIndexOf('}') + 1);

const is = ({ namespace, name }: XmlElement, prefix: Prefix, wanted: string): boolean =>
  namespace === namespaces[prefix] && name === wanted;

const idOf = (element: XmlElement): string => required(element, ID);

const idIn = (element: XmlElement): { readonly id?: string } => {
  const id = element.attributes.get(OWN_ID);
  return id === undefined ? {} : { id };
};

function required(element: XmlElement, attribute: string): string {
  const value = element.attributes.get(attribute);
  if (value === undefined) throw new XmlError(`has no ${localName(attribute)} in ${element.name}`);
  return value;
}

function base64Of(element: XmlElement, ...allowed: readonly string[]): Uint8Array {
  const octets = decodeBase64(textOf(element, ...allowed));
  if (!octets) throw new XmlError(`has something else than base64 in ${element.name}`);
  return octets;
}

/** The text of an element that has nothing but text. */
function textOf(element: XmlElement, ...allowed: readonly string[]): string {
  checkAttributes(element, allowed);
  const [child] = element.children;
  if (child) throw new XmlError(`has ${child.name} in ${element.name}, where there is text only`);
  return element.text;
}

function checkAttributes({ name, attributes: given }: XmlElement, allowed: readonly string[]) {
  for (const attribute of given.keys()) {
    if (!allowed.includes(attribute)) throw new XmlError(`has ${localName(attribute)} in ${name}`);
  }
}

/** The elements in another one, taken in the order in which they have to stand there. */
class Parts {
  readonly #element: XmlElement;
  #taken = 0;

  constructor(element: XmlElement, kind: keyof typeof attributes = 'none') {
    this.#element = element;
    checkAttributes(element, attributes[kind]);
    if (element.text.trim() !== '') throw new XmlError(`has text in ${element.name}`);
  }

  optional(prefix: Prefix, name: string): XmlElement | undefined {
    const next = this.#element.children[this.#taken];
    if (!next || !is(next, prefix, name)) return undefined;
    this.#taken += 1;
    return next;
  }

  one(prefix: Prefix, name: string): XmlElement {
    const element = this.optional(prefix, name);
    if (!element) throw new XmlError(`has no ${name} where it belongs in ${this.#element.name}`);
    return element;
  }

  /** At least one. */
  every(prefix: Prefix, name: string): XmlElement[] {
    const elements = [this.one(prefix, name)];
    for (;;) {
      const next = this.optional(prefix, name);
      if (!next) return elements;
      elements.push(next);
    }
  }

  end(): void {
    const next = this.#element.children[this.#taken];
    if (next)
      throw new XmlError(`has ${next.name} in ${this.#element.name}, where it is not known`);
  }
}
