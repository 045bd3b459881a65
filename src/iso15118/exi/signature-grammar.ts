/**
 * The types of XML Signature (http://www.w3.org/2000/09/xmldsig#) that a V2G message has. Where the
 * schema allows what neither standard has a use for ([V2G2-771]), the event has its code and is
 * refused.
 */

import { id, integer, octets, text, uri } from './datatypes.ts';
import {
  attribute,
  complex,
  content,
  type ElementType,
  element,
  optional,
  optionalAttribute,
  shaped,
  unbounded,
  wrapper,
} from './grammar.ts';
import type { RootCertificateId } from './iso2-messages.ts';
import { MAX_REFERENCES, MAX_TRANSFORMS } from './limits.ts';
import type { SignatureReference, SignedInfo, XmlSignature } from './xml-signature.ts';

const method = wrapper(attribute('Algorithm', uri), { elements: ['*'], mixed: true });

const signatureMethod = wrapper(attribute('Algorithm', uri), {
  elements: ['HMACOutputLength', '*'],
  mixed: true,
});

const transform = wrapper(attribute('Algorithm', uri), { elements: ['XPath', '*'], mixed: true });

const transforms = wrapper(unbounded('Transform', transform, MAX_TRANSFORMS));

const reference = complex<SignatureReference>({
  id: optionalAttribute('Id', id),
  type: optionalAttribute('Type', uri),
  uri: optionalAttribute('URI', uri),
  transforms: optional('Transforms', transforms),
  digestMethod: element('DigestMethod', method),
  digestValue: element('DigestValue', octets()),
});

export const signedInfo: ElementType<SignedInfo> = complex<SignedInfo>({
  id: optionalAttribute('Id', id),
  canonicalizationMethod: element('CanonicalizationMethod', method),
  signatureMethod: element('SignatureMethod', signatureMethod),
  references: unbounded('Reference', reference, MAX_REFERENCES),
});

interface SignatureValue {
  readonly id?: string;
  readonly value: Uint8Array;
}

const signatureValue = complex<SignatureValue>({
  id: optionalAttribute('Id', id),
  value: content(octets()),
});

interface Signature {
  readonly id?: string;
  readonly signedInfo: SignedInfo;
  readonly signatureValue: SignatureValue;
}

export const signature: ElementType<XmlSignature> = shaped(
  complex<Signature>(
    {
      id: optionalAttribute('Id', id),
      signedInfo: element('SignedInfo', signedInfo),
      signatureValue: element('SignatureValue', signatureValue),
    },
    { elements: ['KeyInfo', 'Object'] },
  ),
  ({ id: signatureId, signedInfo: info, signatureValue: { id: valueId, value } }) => ({
    signedInfo: info,
    signatureValue: value,
    ...(signatureId === undefined ? {} : { id: signatureId }),
    ...(valueId === undefined ? {} : { signatureValueId: valueId }),
  }),
  ({ id: signatureId, signedInfo: info, signatureValueId: valueId, signatureValue: value }) => ({
    signedInfo: info,
    signatureValue: { value, ...(valueId === undefined ? {} : { id: valueId }) },
    ...(signatureId === undefined ? {} : { id: signatureId }),
  }),
);

/** X509IssuerSerialType, which both standards use to name root certificates. */
export const rootCertificateId: ElementType<RootCertificateId> = complex<RootCertificateId>({
  issuerName: element('X509IssuerName', text()),
  serialNumber: element('X509SerialNumber', integer),
});
