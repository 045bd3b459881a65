/**
 * CertificateInstallationRes of ISO 15118-2 as an XML document, which is what operators of mobility
 * services exchange it as. The signature is that over the EXI: XML has no part in it.
 */

import type {
  Identified,
  Iso2CertificateChain,
  Iso2InstallationResponse,
  Iso2Message,
} from '../exi/iso2-messages.ts';
import type { SignatureReference, XmlSignature } from '../exi/xml-signature.ts';

export const iso2Namespaces = {
  m: 'urn:iso:15118:2:2013:MsgDef',
  h: 'urn:iso:15118:2:2013:MsgHeader',
  b: 'urn:iso:15118:2:2013:MsgBody',
  t: 'urn:iso:15118:2:2013:MsgDataTypes',
  s: 'http://www.w3.org/2000/09/xmldsig#',
} as const;

type Attributes = Readonly<Record<string, string | undefined>>;

/** The document of an answer with or without a contract. */
export function iso2ResponseXml({
  header,
  body,
}: {
  readonly header: Iso2Message['header'];
  readonly body: Iso2InstallationResponse;
}): string {
  const declared = Object.entries(iso2Namespaces).map(([prefix, uri]) => [`xmlns:${prefix}`, uri]);
  const message = element('m:V2G_Message', Object.fromEntries(declared), [
    element('m:Header', {}, [
      element('h:SessionID', {}, [hex(header.sessionId)]),
      ...(header.signature ? [signature(header.signature)] : []),
    ]),
    element('m:Body', {}, [
      element('b:CertificateInstallationRes', {}, [
        element('b:ResponseCode', {}, [body.responseCode]),
        chain('b:SAProvisioningCertificateChain', body.provisioningCertificateChain),
        chain('b:ContractSignatureCertChain', body.contractCertificateChain),
        octets('b:ContractSignatureEncryptedPrivateKey', body.encryptedPrivateKey),
        octets('b:DHpublickey', body.dhPublicKey),
        element('b:eMAID', { 't:Id': body.emaid.id }, [escaped(body.emaid.value)]),
      ]),
    ]),
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${message}\n`;
}

const octets = (name: string, { id, value }: Identified<Uint8Array>): string =>
  element(name, { 't:Id': id }, [base64(value)]);

const chain = (name: string, { id, certificate, subCertificates }: Iso2CertificateChain): string =>
  element(name, { 't:Id': id }, [
    element('t:Certificate', {}, [base64(certificate)]),
    ...(subCertificates
      ? [
          element(
            't:SubCertificates',
            {},
            subCertificates.map((der) => element('t:Certificate', {}, [base64(der)])),
          ),
        ]
      : []),
  ]);

const signature = ({ id, signedInfo, signatureValueId, signatureValue }: XmlSignature): string =>
  element('s:Signature', { Id: id }, [
    element('s:SignedInfo', { Id: signedInfo.id }, [
      element('s:CanonicalizationMethod', { Algorithm: signedInfo.canonicalizationMethod }),
      element('s:SignatureMethod', { Algorithm: signedInfo.signatureMethod }),
      ...signedInfo.references.map(reference),
    ]),
    element('s:SignatureValue', { Id: signatureValueId }, [base64(signatureValue)]),
  ]);

const reference = (one: SignatureReference): string =>
  element('s:Reference', { Id: one.id, Type: one.type, URI: one.uri }, [
    ...(one.transforms
      ? [
          element(
            's:Transforms',
            {},
            one.transforms.map((uri) => element('s:Transform', { Algorithm: uri })),
          ),
        ]
      : []),
    element('s:DigestMethod', { Algorithm: one.digestMethod }),
    element('s:DigestValue', {}, [base64(one.digestValue)]),
  ]);

/** @param content XML */
function element(name: string, attributes: Attributes, content: readonly string[] = []): string {
  const written = Object.entries(attributes).flatMap(([attribute, value]) =>
    value === undefined ? [] : [` ${attribute}="${escaped(value)}"`],
  );
  return `<${name}${written.join('')}>${content.join('')}</${name}>`;
}

const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64');

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex').toUpperCase();

const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
