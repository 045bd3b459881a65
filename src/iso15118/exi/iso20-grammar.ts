/**
 * The types of urn:iso:std:iso:15118:-20 (namespaces CommonMessages and CommonTypes) around contract
 * certificates.
 */

import { enumeration, id, octets, text, unsignedByte, unsignedLong } from './datatypes.ts';
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
  refused,
  repeated,
  wrapper,
} from './grammar.ts';
import {
  ecdhCurves,
  type Iso20Chain,
  type Iso20EncryptedPrivateKey,
  type Iso20Header,
  type Iso20InstallationRequest,
  type Iso20InstallationResponse,
  type Iso20SignedChain,
  iso20Processings,
  iso20ResponseCodes,
  type SignedInstallationData,
} from './iso20-messages.ts';
import { rootCertificateId, signature } from './signature-grammar.ts';

const certificate = octets({ max: 1_600 });

const subCertificates = wrapper(repeated('Certificate', certificate, 1, 3));

const rootCertificateIds = wrapper(repeated('RootCertificateID', rootCertificateId, 1, 20));

const prioritizedEmaids = wrapper(repeated('EMAID', text({ max: 255 }), 1, 8));

const chain = complex<Iso20Chain>({
  certificate: element('Certificate', certificate),
  subCertificates: optional('SubCertificates', subCertificates),
});

export const signedChain: ElementType<Iso20SignedChain> = complex<Iso20SignedChain>({
  id: attribute('Id', id),
  certificate: element('Certificate', certificate),
  subCertificates: optional('SubCertificates', subCertificates),
});

const contractChain = complex<Required<Iso20Chain>>({
  certificate: element('Certificate', certificate),
  subCertificates: element('SubCertificates', subCertificates),
});

const encryptedPrivateKey = <const F extends string>(
  form: F,
  size: { min?: number; max: number },
) => labelled({ form }, complex<{ readonly value: Uint8Array }>({ value: content(octets(size)) }));

export const signedInstallationData: ElementType<SignedInstallationData> =
  complex<SignedInstallationData>({
    id: attribute('Id', id),
    contractCertificateChain: element('ContractCertificateChain', contractChain),
    ecdhCurve: element('ECDHCurve', enumeration(ecdhCurves)),
    // The schema has 133, the length of a point of P-521, and X448 with its 56 octets all the same.
    dhPublicKey: element('DHPublicKey', octets({ max: 133 })),
    encryptedPrivateKey: choice<Iso20EncryptedPrivateKey>(
      alternative(
        'SECP521_EncryptedPrivateKey',
        encryptedPrivateKey('SECP521', { min: 94, max: 94 }),
      ),
      alternative('X448_EncryptedPrivateKey', encryptedPrivateKey('X448', { min: 84, max: 84 })),
      alternative('TPM_EncryptedPrivateKey', encryptedPrivateKey('TPM', { max: 206 })),
    ),
  });

const header = complex<Iso20Header>({
  sessionId: element('SessionID', octets({ min: 8, max: 8 })),
  timeStamp: element('TimeStamp', unsignedLong),
  signature: optional('Signature', signature),
});

type Nameless<T> = Omit<T, 'name'>;

const installationRequest = labelled(
  { name: 'CertificateInstallationReq' },
  complex<Nameless<Iso20InstallationRequest>>({
    header: element('Header', header),
    oemProvisioningCertificateChain: element('OEMProvisioningCertificateChain', signedChain),
    rootCertificateIds: element('ListOfRootCertificateIDs', rootCertificateIds),
    maximumContractCertificateChains: element('MaximumContractCertificateChains', unsignedByte),
    prioritizedEmaids: optional('PrioritizedEMAIDs', prioritizedEmaids),
  }),
);

const installationResponse = labelled(
  { name: 'CertificateInstallationRes' },
  complex<Nameless<Iso20InstallationResponse>>({
    header: element('Header', header),
    responseCode: element('ResponseCode', enumeration(iso20ResponseCodes)),
    evseProcessing: element('EVSEProcessing', enumeration(iso20Processings)),
    cpsCertificateChain: element('CPSCertificateChain', chain),
    signedInstallationData: element('SignedInstallationData', signedInstallationData),
    remainingContractCertificateChains: element('RemainingContractCertificateChains', unsignedByte),
  }),
);

const other = (name: string) => refused(name, 'other-message');

/** What a document may be: 55 elements, any included; here the messages among them. */
export const iso20Document = globalElements(55, {
  0: other('AuthorizationReq'),
  1: other('AuthorizationRes'),
  2: other('AuthorizationSetupReq'),
  3: other('AuthorizationSetupRes'),
  7: alternative('CertificateInstallationReq', installationRequest),
  8: alternative('CertificateInstallationRes', installationResponse),
  16: other('MeteringConfirmationReq'),
  17: other('MeteringConfirmationRes'),
  21: other('PowerDeliveryReq'),
  22: other('PowerDeliveryRes'),
  27: other('ScheduleExchangeReq'),
  28: other('ScheduleExchangeRes'),
  29: other('ServiceDetailReq'),
  30: other('ServiceDetailRes'),
  31: other('ServiceDiscoveryReq'),
  32: other('ServiceDiscoveryRes'),
  33: other('ServiceSelectionReq'),
  34: other('ServiceSelectionRes'),
  35: other('SessionSetupReq'),
  36: other('SessionSetupRes'),
  37: other('SessionStopReq'),
  38: other('SessionStopRes'),
  49: other('VehicleCheckInReq'),
  50: other('VehicleCheckInRes'),
  51: other('VehicleCheckOutReq'),
  52: other('VehicleCheckOutRes'),
});

/** What a fragment may be: 281 elements, any, or the end. */
export const iso20Fragment = { width: 9, end: 282 } as const;

/** Event codes of elements in a fragment. */
export const iso20FragmentCodes = {
  OEMProvisioningCertificateChain: 128,
  SignedInfo: 230,
  SignedInstallationData: 231,
} as const;
