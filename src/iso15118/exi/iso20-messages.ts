/**
 * Messages of ISO 15118-20 (urn:iso:std:iso:15118:-20:CommonMessages) around contract certificates,
 * as values. Octets are octets, not base64 or hex; certificates are DER.
 */

import type { RootCertificateId } from './iso2-messages.ts';
import type { XmlSignature } from './xml-signature.ts';

export interface Iso20Header {
  /** 8 octets. */
  readonly sessionId: Uint8Array;
  /** Seconds since 1970, 64 bits. */
  readonly timeStamp: bigint;
  readonly signature?: XmlSignature;
}

export type Iso20Message = Iso20InstallationRequest | Iso20InstallationResponse;

export interface Iso20InstallationRequest {
  readonly name: 'CertificateInstallationReq';
  readonly header: Iso20Header;
  readonly oemProvisioningCertificateChain: Iso20SignedChain;
  /** 1 to 20. */
  readonly rootCertificateIds: readonly RootCertificateId[];
  /** 0 to 255. */
  readonly maximumContractCertificateChains: number;
  /** 1 to 8 of at most 255 characters. */
  readonly prioritizedEmaids?: readonly string[];
}

export interface Iso20InstallationResponse {
  readonly name: 'CertificateInstallationRes';
  readonly header: Iso20Header;
  readonly responseCode: Iso20ResponseCode;
  readonly evseProcessing: Iso20Processing;
  readonly cpsCertificateChain: Iso20Chain;
  readonly signedInstallationData: SignedInstallationData;
  /** 0 to 255. */
  readonly remainingContractCertificateChains: number;
}

export interface Iso20Chain {
  /** The leaf, at most 1,600 octets. */
  readonly certificate: Uint8Array;
  /** 1 to 3: the issuer of the leaf first, never the root. */
  readonly subCertificates?: readonly Uint8Array[];
}

export interface Iso20SignedChain extends Iso20Chain {
  readonly id: string;
}

export interface SignedInstallationData {
  readonly id: string;
  /** Here sub-certificates are mandatory. */
  readonly contractCertificateChain: Required<Iso20Chain>;
  readonly ecdhCurve: EcdhCurve;
  readonly dhPublicKey: Uint8Array;
  readonly encryptedPrivateKey: Iso20EncryptedPrivateKey;
}

export interface Iso20EncryptedPrivateKey {
  readonly form: 'SECP521' | 'X448' | 'TPM';
  readonly value: Uint8Array;
}

/** In the order of the schema, which is that of the codes. */
export const ecdhCurves = ['SECP521', 'X448'] as const;
export type EcdhCurve = (typeof ecdhCurves)[number];

/** In the order of the schema, which is that of the codes. */
export const iso20Processings = [
  'Finished',
  'Ongoing',
  'Ongoing_WaitingForCustomerInteraction',
] as const;
export type Iso20Processing = (typeof iso20Processings)[number];

/** The elements that a signature of ISO 15118-20 covers here, each as an EXI fragment. */
export type Iso20SignedElement =
  | { readonly element: 'OEMProvisioningCertificateChain'; readonly value: Iso20SignedChain }
  | { readonly element: 'SignedInstallationData'; readonly value: SignedInstallationData };

/** In the order of the schema, which is that of the codes. */
export const iso20ResponseCodes = [
  'OK',
  'OK_CertificateExpiresSoon',
  'OK_NewSessionEstablished',
  'OK_OldSessionJoined',
  'OK_PowerToleranceConfirmed',
  'WARNING_AuthorizationSelectionInvalid',
  'WARNING_CertificateExpired',
  'WARNING_CertificateNotYetValid',
  'WARNING_CertificateRevoked',
  'WARNING_CertificateValidationError',
  'WARNING_ChallengeInvalid',
  'WARNING_EIMAuthorizationFailure',
  'WARNING_eMSPUnknown',
  'WARNING_EVPowerProfileViolation',
  'WARNING_GeneralPnCAuthorizationError',
  'WARNING_NoCertificateAvailable',
  'WARNING_NoContractMatchingPCIDFound',
  'WARNING_PowerToleranceNotConfirmed',
  'WARNING_ScheduleRenegotiationFailed',
  'WARNING_StandbyNotAllowed',
  'WARNING_WPT',
  'FAILED',
  'FAILED_AssociationError',
  'FAILED_ContactorError',
  'FAILED_EVPowerProfileInvalid',
  'FAILED_EVPowerProfileViolation',
  'FAILED_MeteringSignatureNotValid',
  'FAILED_NoEnergyTransferServiceSelected',
  'FAILED_NoServiceRenegotiationSupported',
  'FAILED_PauseNotAllowed',
  'FAILED_PowerDeliveryNotApplied',
  'FAILED_PowerToleranceNotConfirmed',
  'FAILED_ScheduleRenegotiation',
  'FAILED_ScheduleSelectionInvalid',
  'FAILED_SequenceError',
  'FAILED_ServiceIDInvalid',
  'FAILED_ServiceSelectionInvalid',
  'FAILED_SignatureError',
  'FAILED_UnknownSession',
  'FAILED_WrongChargeParameter',
] as const;
export type Iso20ResponseCode = (typeof iso20ResponseCodes)[number];
