/**
 * The types of urn:iso:15118:2:2013 (namespaces MsgDef, MsgHeader, MsgBody, MsgDataTypes) around
 * contract certificates.
 */

import { enumeration, id, octets, short, text } from './datatypes.ts';
import {
  alternative,
  attribute,
  choice,
  complex,
  content,
  type ElementType,
  element,
  globalElements,
  labelled,
  optional,
  optionalAttribute,
  refused,
  repeated,
  wrapper,
} from './grammar.ts';
import {
  type Identified,
  type Iso2Body,
  type Iso2CertificateChain,
  type Iso2ContractData,
  type Iso2Header,
  type Iso2InstallationRequest,
  type Iso2Message,
  type Iso2Notification,
  type Iso2UpdateRequest,
  type Iso2UpdateResponse,
  iso2FaultCodes,
  iso2ResponseCodes,
} from './iso2-messages.ts';
import { rootCertificateId, signature } from './signature-grammar.ts';

const certificate = octets({ max: 800 });
export const emaid = text({ min: 14, max: 15 });

/** Namespaces in which an attribute Id occurs besides that of XML Signature, which has none. */
const body = 'body:';
const types = 'types:';

const subCertificates = wrapper(repeated('Certificate', certificate, 1, 4));

const rootCertificateIds = wrapper(repeated('RootCertificateID', rootCertificateId, 1, 20));

export const certificateChain: ElementType<Iso2CertificateChain> = complex<Iso2CertificateChain>({
  id: optionalAttribute('Id', id, types),
  certificate: element('Certificate', certificate),
  subCertificates: optional('SubCertificates', subCertificates),
});

export const encryptedPrivateKey: ElementType<Identified<Uint8Array>> = complex<
  Identified<Uint8Array>
>({
  id: attribute('Id', id, types),
  value: content(octets({ max: 48 })),
});

export const dhPublicKey: ElementType<Identified<Uint8Array>> = complex<Identified<Uint8Array>>({
  id: attribute('Id', id, types),
  value: content(octets({ max: 65 })),
});

export const identifiedEmaid: ElementType<Identified<string>> = complex<Identified<string>>({
  id: attribute('Id', id, types),
  value: content(emaid),
});

type Nameless<T> = Omit<T, 'name'>;

export const installationRequest: ElementType<Iso2InstallationRequest> = labelled(
  { name: 'CertificateInstallationReq' },
  complex<Nameless<Iso2InstallationRequest>>({
    id: attribute('Id', id, body),
    oemProvisioningCertificate: element('OEMProvisioningCert', certificate),
    rootCertificateIds: element('ListOfRootCertificateIDs', rootCertificateIds),
  }),
);

export const updateRequest: ElementType<Iso2UpdateRequest> = labelled(
  { name: 'CertificateUpdateReq' },
  complex<Nameless<Iso2UpdateRequest>>({
    id: attribute('Id', id, body),
    contractCertificateChain: element('ContractSignatureCertChain', certificateChain),
    emaid: element('eMAID', emaid),
    rootCertificateIds: element('ListOfRootCertificateIDs', rootCertificateIds),
  }),
);

const contractData = {
  responseCode: element('ResponseCode', enumeration(iso2ResponseCodes)),
  provisioningCertificateChain: element('SAProvisioningCertificateChain', certificateChain),
  contractCertificateChain: element('ContractSignatureCertChain', certificateChain),
  encryptedPrivateKey: element('ContractSignatureEncryptedPrivateKey', encryptedPrivateKey),
  dhPublicKey: element('DHpublickey', dhPublicKey),
  emaid: element('eMAID', identifiedEmaid),
};

const installationResponse = labelled(
  { name: 'CertificateInstallationRes' },
  complex<Iso2ContractData>(contractData),
);

const updateResponse = labelled(
  { name: 'CertificateUpdateRes' },
  complex<Nameless<Iso2UpdateResponse>>({
    ...contractData,
    retryCounter: optional('RetryCounter', short),
  }),
);

const notification = complex<Iso2Notification>({
  faultCode: element('FaultCode', enumeration(iso2FaultCodes)),
  faultMessage: optional('FaultMsg', text({ max: 64 })),
});

const header = complex<Iso2Header>({
  sessionId: element('SessionID', octets({ max: 8 })),
  notification: optional('Notification', notification),
  signature: optional('Signature', signature),
});

const other = (name: string) => refused(name, 'other-message');

/** The substitution group of BodyElement, in the order of its names. */
const messageBody = wrapper(
  choice<Iso2Body>(
    other('AuthorizationReq'),
    other('AuthorizationRes'),
    other('BodyElement'),
    other('CableCheckReq'),
    other('CableCheckRes'),
    alternative('CertificateInstallationReq', installationRequest),
    alternative('CertificateInstallationRes', installationResponse),
    alternative('CertificateUpdateReq', updateRequest),
    alternative('CertificateUpdateRes', updateResponse),
    other('ChargeParameterDiscoveryReq'),
    other('ChargeParameterDiscoveryRes'),
    other('ChargingStatusReq'),
    other('ChargingStatusRes'),
    other('CurrentDemandReq'),
    other('CurrentDemandRes'),
    other('MeteringReceiptReq'),
    other('MeteringReceiptRes'),
    other('PaymentDetailsReq'),
    other('PaymentDetailsRes'),
    other('PaymentServiceSelectionReq'),
    other('PaymentServiceSelectionRes'),
    other('PowerDeliveryReq'),
    other('PowerDeliveryRes'),
    other('PreChargeReq'),
    other('PreChargeRes'),
    other('ServiceDetailReq'),
    other('ServiceDetailRes'),
    other('ServiceDiscoveryReq'),
    other('ServiceDiscoveryRes'),
    other('SessionSetupReq'),
    other('SessionSetupRes'),
    other('SessionStopReq'),
    other('SessionStopRes'),
    other('WeldingDetectionReq'),
    other('WeldingDetectionRes'),
    // The schema lets a body be empty, which is the end of the element.
    other('an empty Body'),
  ),
);

const message = complex<Iso2Message>({
  header: element('Header', header),
  body: element('Body', messageBody),
});

/** What a document may be: 81 elements, any included. */
export const iso2Document = globalElements(81, { 76: alternative('V2G_Message', message) });

/** What a fragment may be: 243 elements, any, or the end. */
export const iso2Fragment = { width: 8, end: 244 } as const;

/** Event codes of elements in a fragment. */
export const iso2FragmentCodes = {
  CertificateInstallationReq: 15,
  CertificateUpdateReq: 17,
  ContractSignatureCertChain: 33,
  ContractSignatureEncryptedPrivateKey: 34,
  DHpublickey: 45,
  SignedInfo: 208,
  eMAID: 236,
} as const;
