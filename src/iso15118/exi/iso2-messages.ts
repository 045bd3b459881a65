/**
 * Messages of ISO 15118-2 (urn:iso:15118:2:2013:MsgDef) around contract certificates, as values.
 * Octets are octets, not base64 or hex; certificates are DER.
 */

import type { XmlSignature } from './xml-signature.ts';

export interface Iso2Message {
  readonly header: Iso2Header;
  readonly body: Iso2Body;
}

export interface Iso2Header {
  /** At most 8 octets. */
  readonly sessionId: Uint8Array;
  readonly notification?: Iso2Notification;
  readonly signature?: XmlSignature;
}

export interface Iso2Notification {
  readonly faultCode: Iso2FaultCode;
  /** At most 64 characters. */
  readonly faultMessage?: string;
}

/** In the order of the schema, which is that of the codes. */
export const iso2FaultCodes = [
  'ParsingError',
  'NoTLSRootCertificatAvailable',
  'UnknownError',
] as const;
export type Iso2FaultCode = (typeof iso2FaultCodes)[number];

export type Iso2Body =
  | Iso2InstallationRequest
  | Iso2InstallationResponse
  | Iso2UpdateRequest
  | Iso2UpdateResponse;

export interface Iso2InstallationRequest {
  readonly name: 'CertificateInstallationReq';
  readonly id: string;
  /** At most 800 octets. */
  readonly oemProvisioningCertificate: Uint8Array;
  /** 1 to 20. */
  readonly rootCertificateIds: readonly RootCertificateId[];
}

export interface Iso2UpdateRequest {
  readonly name: 'CertificateUpdateReq';
  readonly id: string;
  readonly contractCertificateChain: Iso2CertificateChain;
  /** 14 or 15 characters. */
  readonly emaid: string;
  /** 1 to 20. */
  readonly rootCertificateIds: readonly RootCertificateId[];
}

export interface Iso2InstallationResponse extends Iso2ContractData {
  readonly name: 'CertificateInstallationRes';
}

export interface Iso2UpdateResponse extends Iso2ContractData {
  readonly name: 'CertificateUpdateRes';
  /** 16 bits, signed. */
  readonly retryCounter?: number;
}

/** What both responses carry. The elements with an Id are those that the CPS signs. */
export interface Iso2ContractData {
  readonly responseCode: Iso2ResponseCode;
  readonly provisioningCertificateChain: Iso2CertificateChain;
  readonly contractCertificateChain: Iso2CertificateChain;
  readonly encryptedPrivateKey: Identified<Uint8Array>;
  readonly dhPublicKey: Identified<Uint8Array>;
  readonly emaid: Identified<string>;
}

export interface Identified<T> {
  readonly id: string;
  readonly value: T;
}

export interface Iso2CertificateChain {
  readonly id?: string;
  /** The leaf. */
  readonly certificate: Uint8Array;
  /** 1 to 4: the issuer of the leaf first, never the root. */
  readonly subCertificates?: readonly Uint8Array[];
}

/** X509IssuerSerialType of XML Signature: names a root certificate that the car has. */
export interface RootCertificateId {
  readonly issuerName: string;
  readonly serialNumber: bigint;
}

/** In the order of the schema, which is that of the codes. */
export const iso2ResponseCodes = [
  'OK',
  'OK_NewSessionEstablished',
  'OK_OldSessionJoined',
  'OK_CertificateExpiresSoon',
  'FAILED',
  'FAILED_SequenceError',
  'FAILED_ServiceIDInvalid',
  'FAILED_UnknownSession',
  'FAILED_ServiceSelectionInvalid',
  'FAILED_PaymentSelectionInvalid',
  'FAILED_CertificateExpired',
  'FAILED_SignatureError',
  'FAILED_NoCertificateAvailable',
  'FAILED_CertChainError',
  'FAILED_ChallengeInvalid',
  'FAILED_ContractCanceled',
  'FAILED_WrongChargeParameter',
  'FAILED_PowerDeliveryNotApplied',
  'FAILED_TariffSelectionInvalid',
  'FAILED_ChargingProfileInvalid',
  'FAILED_MeteringSignatureNotValid',
  'FAILED_NoChargeServiceSelected',
  'FAILED_WrongEnergyTransferMode',
  'FAILED_ContactorError',
  'FAILED_CertificateNotAllowedAtThisEVSE',
  'FAILED_CertificateRevoked',
] as const;
export type Iso2ResponseCode = (typeof iso2ResponseCodes)[number];

/** The elements that a signature of ISO 15118-2 covers here, each as an EXI fragment. */
export type Iso2SignedElement =
  | { readonly element: 'CertificateInstallationReq'; readonly value: Iso2InstallationRequest }
  | { readonly element: 'CertificateUpdateReq'; readonly value: Iso2UpdateRequest }
  | { readonly element: 'ContractSignatureCertChain'; readonly value: Iso2CertificateChain }
  | {
      readonly element: 'ContractSignatureEncryptedPrivateKey';
      readonly value: Identified<Uint8Array>;
    }
  | { readonly element: 'DHpublickey'; readonly value: Identified<Uint8Array> }
  | { readonly element: 'eMAID'; readonly value: Identified<string> };
