/** Small valid messages to change, and what reading or writing ends in. */

import { ExiError } from '../../src/iso15118/exi/exi-error.ts';
import type {
  Iso2InstallationRequest,
  Iso2InstallationResponse,
  Iso2Message,
  Iso2UpdateRequest,
  Iso2UpdateResponse,
} from '../../src/iso15118/exi/iso2-messages.ts';
import type {
  Iso20InstallationRequest,
  Iso20InstallationResponse,
} from '../../src/iso15118/exi/iso20-messages.ts';
import type { SignatureReference, XmlSignature } from '../../src/iso15118/exi/xml-signature.ts';

/** So many octets, none of them zero. */
export const octets = (count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, index) => (index % 255) + 1);

export const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

export const root = { issuerName: 'CN=Root', serialNumber: 4711n };

export const reference: SignatureReference = {
  uri: '#id1',
  transforms: ['http://www.w3.org/TR/canonical-exi/'],
  digestMethod: 'http://www.w3.org/2001/04/xmlenc#sha256',
  digestValue: octets(32),
};

export const signature: XmlSignature = {
  signedInfo: {
    canonicalizationMethod: 'http://www.w3.org/TR/canonical-exi/',
    signatureMethod: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
    references: [reference],
  },
  signatureValue: octets(64),
};

export const iso2Request: Iso2InstallationRequest = {
  name: 'CertificateInstallationReq',
  id: 'id1',
  oemProvisioningCertificate: octets(20),
  rootCertificateIds: [root],
};

export const iso2Response: Iso2InstallationResponse = {
  name: 'CertificateInstallationRes',
  responseCode: 'OK',
  provisioningCertificateChain: { certificate: octets(10), subCertificates: [octets(11)] },
  contractCertificateChain: { id: 'id1', certificate: octets(12) },
  encryptedPrivateKey: { id: 'id2', value: octets(48) },
  dhPublicKey: { id: 'id3', value: octets(65) },
  emaid: { id: 'id4', value: 'DE8AAC12345678' },
};

export const iso2UpdateRequest: Iso2UpdateRequest = {
  name: 'CertificateUpdateReq',
  id: 'id1',
  contractCertificateChain: { certificate: octets(12), subCertificates: [octets(13)] },
  emaid: 'DE8AAC12345678',
  rootCertificateIds: [root],
};

export const iso2UpdateResponse: Iso2UpdateResponse = {
  ...iso2Response,
  name: 'CertificateUpdateRes',
  retryCounter: -1,
};

export const iso2 = (body: Iso2Message['body'], header: Partial<Iso2Message['header']> = {}) => ({
  header: { sessionId: octets(8), ...header },
  body,
});

const iso20Header = { sessionId: octets(8), timeStamp: 1_780_000_000n };

export const iso20Request: Iso20InstallationRequest = {
  name: 'CertificateInstallationReq',
  header: iso20Header,
  oemProvisioningCertificateChain: { id: 'id1', certificate: octets(20) },
  rootCertificateIds: [root],
  maximumContractCertificateChains: 3,
};

export const iso20Response: Iso20InstallationResponse = {
  name: 'CertificateInstallationRes',
  header: iso20Header,
  responseCode: 'OK',
  evseProcessing: 'Finished',
  cpsCertificateChain: { certificate: octets(10) },
  signedInstallationData: {
    id: 'id1',
    contractCertificateChain: { certificate: octets(12), subCertificates: [octets(13)] },
    ecdhCurve: 'SECP521',
    dhPublicKey: octets(133),
    encryptedPrivateKey: { form: 'SECP521', value: octets(94) },
  },
  remainingContractCertificateChains: 0,
};

/** The ExiError that this ends in. */
export function exiErrorOf(act: () => unknown): ExiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ExiError) return error;
    throw error;
  }
  throw new Error('there was no error');
}
