/** The bodies of OPCP. Generated from openapi.yaml by `npm run generate`. */

/**
 * V2G, MO, OEM or PE, in upper or lower case
 */
export type OpcpRootType = string;
/**
 * What happened to what is the organization's own, to what of others its audit log tells, or
 * to a root that all pools list
 *
 */
export type OpcpWebhookEvent =
  | 'root.cert.added'
  | 'root.cert.revoked'
  | 'root.cert.expired'
  | 'root.cert.removed'
  | 'oem.prov.cert.added'
  | 'oem.prov.cert.replaced'
  | 'oem.prov.cert.deleted'
  | 'oem.contract.added'
  | 'mo.prov.cert.updated'
  | 'mo.prov.cert.deleted'
  | 'mo.contract.added'
  | 'mo.contract.renewed'
  | 'mo.contract.suspended'
  | 'mo.contract.resumed'
  | 'mo.contract.deleted'
  | 'mo.contract.installed'
  | 'request.waiting'
  | 'request.rejected'
  | 'proposal.waiting'
  | 'certificate.issued'
  | 'certificate.held'
  | 'certificate.released'
  | 'certificate.revoked'
  | 'authority.activated'
  | 'authority.exported';

export interface ApiBodies {
  OpcpError?: OpcpError;
  OpcpInstallationRequest?: OpcpInstallationRequest;
  OpcpInstallationAnswer?: OpcpInstallationAnswer;
  OpcpInstallationRefusal?: OpcpInstallationRefusal;
  OpcpContracts?: OpcpContracts;
  OpcpContract?: OpcpContract;
  OpcpProvidedContract?: OpcpProvidedContract;
  OpcpNewProvisioningCertificate?: OpcpNewProvisioningCertificate;
  OpcpProvisioningCertificate?: OpcpProvisioningCertificate;
  OpcpOemMessage?: OpcpOemMessage;
  OpcpGeneration?: OpcpGeneration;
  OpcpGenerated?: OpcpGenerated;
  OpcpContractDataToSign?: OpcpContractDataToSign;
  OpcpContractDataOfBefore?: OpcpContractDataOfBefore;
  OpcpSignedContractDataToAdd?: OpcpSignedContractDataToAdd;
  OpcpContractData?: OpcpContractData;
  OpcpSignedContractData?: OpcpSignedContractData;
  OpcpCpsSigners?: OpcpCpsSigners;
  OpcpCpsSigner?: OpcpCpsSigner;
  OpcpRootType?: OpcpRootType;
  OpcpNewRoot?: OpcpNewRoot;
  OpcpRoot?: OpcpRoot;
  OpcpRootCollection?: OpcpRootCollection;
  OpcpRootResponse?: OpcpRootResponse;
  OpcpTrustList?: OpcpTrustList;
  OpcpNewEndEntity?: OpcpNewEndEntity;
  OpcpEndEntity?: OpcpEndEntity;
  OpcpWebhookEvent?: OpcpWebhookEvent;
  OpcpWebhookWish?: OpcpWebhookWish;
  OpcpNewWebhookEndpoint?: OpcpNewWebhookEndpoint;
  OpcpWebhookEndpoint?: OpcpWebhookEndpoint;
  OpcpWebhookEndpointWithSecret?: OpcpWebhookEndpointWithSecret;
  OpcpWebhookEndpoints?: OpcpWebhookEndpoints;
}
export interface OpcpError {
  /**
   * @minItems 1
   */
  errorMessages: string[];
  /**
   * The `X-Request-Id` of the answer, as it stands in the log
   */
  traceId: string;
}
export interface OpcpInstallationRequest {
  /**
   * What the car sent, in base64
   */
  certificateInstallationReq: string;
  xsdMsgDefNamespace: string;
  metadata?: string;
}
export interface OpcpInstallationAnswer {
  CCPResponse: {
    /**
     * Exactly one
     *
     * @minItems 1
     * @maxItems 1
     */
    emaidContent: {
      messageDef: {
        /**
         * What to send the car, in base64
         */
        certificateInstallationRes: string;
        emaid: string;
        /**
         * For people, such as that a charger may not take so long an answer
         */
        metaData: string;
      };
    }[];
  };
  xsdMsgDefNamespace: string;
}
export interface OpcpInstallationRefusal {
  CCPResponse: {
    /**
     * @minItems 1
     * @maxItems 1
     */
    emaidContent: {
      messageDef: {
        /**
         * What to send the car, in base64
         */
        certificateInstallationRes: string;
        /**
         * Why it gets no contract
         */
        metaData: string;
      };
    }[];
  };
}
export interface OpcpContracts {
  XMLContracts: OpcpContract[];
}
export interface OpcpContract {
  pcid: string;
  emaid: string;
  xsdMsgDefNamespace: string;
  /**
   * DER in base64
   */
  contractCertificate: string;
  defaultContract: boolean;
  certValidFrom: string;
  certValidTo: string;
}
export interface OpcpProvidedContract {
  /**
   * In base64
   */
  certificateInstallationRes: string;
  xsdMsgDefNamespace: string;
  emaid: string;
  cpsRootCertificateId: string;
  /**
   * The V2G root above the signature
   */
  cpsRootDistinguishedName: string;
}
/**
 * Certificates are DER in base64, or PEM
 */
export interface OpcpNewProvisioningCertificate {
  subCA1Certificate?: string;
  subCA2Certificate?: string;
  vehicleCertificate: string;
  xsdMsgDefNamespace?: string;
}
/**
 * Certificates are DER in base64
 */
export interface OpcpProvisioningCertificate {
  /**
   * The one below the root
   */
  subCA1Certificate?: string;
  /**
   * The issuer of the vehicle's, where that is another
   */
  subCA2Certificate?: string;
  vehicleCertificate: string;
  xsdMsgDefNamespace: string;
  rootIssuerDistinguishedName: string;
  /**
   * Lower-case hex
   */
  rootIssuerSerialNumber: string;
  /**
   * Key identifier of the root, pairs of lower-case hex with colons
   */
  rootAuthorityKeyIdentifier?: string;
  /**
   * SHA-256 of the vehicle's certificate, lower-case hex
   */
  fingerprint: string;
}
export interface OpcpOemMessage {
  OEMMessage: OpcpProvisioningCertificate;
}
export interface OpcpGeneration {
  /**
   * No later than a day from now, as certificates hold from when they are made
   */
  contractBegins: string;
  contractEnds: string;
  pcid: string;
  emaid: string;
  xsdMsgDefNamespace: string;
  metaData?: string;
}
export interface OpcpGenerated {
  pcid: string;
  emaid: string;
  xsdMsgDefNamespace: string;
}
export interface OpcpContractDataToSign {
  /**
   * Of a registered vehicle, for what is to be stored; nothing is without
   */
  pcid?: string;
  /**
   * That of `contractData` without, or else the one in the certificate
   */
  emaid?: string;
  xsdMsgDefNamespace: string;
  /**
   * SHA-256 in hex of the V2G root that the answer is to be signed below
   */
  cpsV2GRootCertificateFingerprint?: string;
  /**
   * The same root by its `rootCertificateId` in the pool
   */
  cpsRootCertificateId?: string;
  contractData: OpcpContractData;
  metaData?: string;
}
/**
 * Certificates are DER in base64: `contractCertificate` and the two above it, or all of them as
 * `contractSignatureCertChain`, which is how clients of before send them
 *
 */
export interface OpcpContractData {
  contractCertificate?: string;
  /**
   * The issuer of the contract certificate, where that is not the one below the root
   */
  contractSubCa2Certificate?: string;
  /**
   * The one below the root
   */
  contractSubCa1Certificate?: string;
  contractSignatureCertChain?: {
    contractSignatureCertChainCertificate: string;
    /**
     * The issuer of the contract certificate first
     *
     * @minItems 1
     * @maxItems 4
     */
    contractSignatureCertChainSubCertificates: string[];
  };
  contractSignatureEncryptedPrivateKey: string;
  dHpublickey: string;
  /**
   * Where clients of before say it
   */
  emaid?: string;
}
export interface OpcpContractDataOfBefore {
  pcid: string;
  /**
   * That of `contractData` without, or else the one in the certificate
   */
  emaid?: string;
  xsdMsgDefNamespace: string;
  /**
   * SHA-256 in hex of the V2G root that the answer is to be signed below
   */
  cpsV2GRootCertificateFingerprint?: string;
  /**
   * The same root by its `rootCertificateId` in the pool
   */
  cpsRootCertificateId?: string;
  contractData: OpcpContractData;
  metaData?: string;
}
export interface OpcpSignedContractDataToAdd {
  emaid: string;
  /**
   * Of a registered vehicle, for which the key is encrypted
   */
  pcid: string;
  xsdMsgDefNamespace: string;
  /**
   * CertificateInstallationRes of ISO 15118-2 as XML, in base64
   */
  signedContractDataXML: string;
  /**
   * The root of the service that has signed, by its `rootCertificateId` in the pool
   */
  cpsRootCertificateId?: string;
  metadata?: string;
}
export interface OpcpSignedContractData {
  /**
   * Null where there was none
   */
  pcid: string | null;
  emaid: string;
  xsdMsgDefNamespace: string;
  /**
   * CertificateInstallationRes of ISO 15118-2 as XML, in base64
   */
  signedData?: string;
  cpsRootCertificateId: string;
  cpsRootDistinguishedName: string;
}
export interface OpcpCpsSigners {
  cpsCertificates: OpcpCpsSigner[];
}
export interface OpcpCpsSigner {
  cpsDistinguishedName: string;
  cpsCertificate: string;
  validFrom: string;
  validTo: string;
  organizationName: string;
  /**
   * Of the pool of roots
   */
  cpsRootCertificateId: string;
  cpsRootDistinguishedName: string;
  cpsCa1Certificate?: string;
  cpsCa2Certificate?: string;
  /**
   * The same as `cpsCa1Certificate`
   */
  cpsSubCa1Certificate?: string;
  /**
   * The same as `cpsCa2Certificate`
   */
  cpsSubCa2Certificate?: string;
  xsdMsgDefNamespace: string;
}
export interface OpcpNewRoot {
  /**
   * The certificate that the root has signed itself, DER in base64, or PEM
   */
  caCertificate: string;
  rootType: OpcpRootType;
}
export interface OpcpRoot {
  /**
   * The same for the same certificate, always
   */
  rootCertificateId: string;
  distinguishedName: string;
  rootType: 'V2G' | 'MO' | 'OEM' | 'PE';
  /**
   * DER in base64, in one line
   */
  caCertificate: string;
  commonName: string;
  /**
   * Its key identifier, pairs of lower-case hex with colons
   */
  rootAuthorityKeyIdentifier?: string;
  /**
   * The same without colons
   */
  rootAuthorityKeyIdentifierHex?: string;
  /**
   * Lower-case hex
   */
  rootIssuerSerialNumber: string;
  validFrom: string;
  validTo: string;
  organizationName: string;
  /**
   * Where the CRL of a root of this evpki is
   */
  certificateRevocationList?: string;
  /**
   * Where the certificate of a root of this evpki is
   */
  labeledUri?: string;
  /**
   * SHA-256, lower-case hex
   */
  fingerprint: string;
  /**
   * SHA-1, lower-case hex
   */
  fingerprintSha1: string;
  /**
   * The curve of its key
   */
  signatureAlgorithm?: 'secp256r1' | 'secp384r1' | 'secp521r1' | 'ed448';
  /**
   * The standard that has roots with such keys
   */
  xsdMsgDefNamespace?: string;
}
export interface OpcpRootCollection {
  RootCertificateCollection: {
    rootCertificates: OpcpRoot[];
  };
}
export interface OpcpRootResponse {
  RootResponse: OpcpRoot;
}
export interface OpcpTrustList {
  CertificateTrustList: {
    /**
     * SHA-256, lower-case hex, of a line for each entry in the order of their octets: type,
     * space, fingerprint, line feed. It changes when the list does.
     *
     */
    digest: string;
    entries: {
      rootCertificateId: string;
      rootType: 'V2G' | 'MO' | 'OEM' | 'PE';
      distinguishedName: string;
      /**
       * SHA-256, lower-case hex
       */
      fingerprint: string;
      validTo: string;
    }[];
  };
}
export interface OpcpNewEndEntity {
  /**
   * An EVSE id, a SECC id or a name of the operator's choice
   */
  commonName: string;
  /**
   * @maxItems 50
   */
  evseID?: string[];
  /**
   * The common name of its certificates towards the CSMS
   */
  chargeBoxSerialNumber?: string;
  manufacture?: string;
  deviceName?: string;
  deviceSWVersion?: string;
  evseSerialNumber?: string;
  evseISOversion?: string;
  ocppVersion?: string;
}
export interface OpcpEndEntity {
  /**
   * The OCPP identity of the station
   */
  endEntityId: string;
  /**
   * The common name of its certificates towards vehicles
   */
  commonName: string;
  evseID: string[];
  chargeBoxSerialNumber?: string;
}
export interface OpcpWebhookWish {
  /**
   * https; http on this machine only
   */
  url: string;
  /**
   * Without, every event that the caller may read of
   *
   * @minItems 1
   * @maxItems 50
   */
  events?: OpcpWebhookEvent[];
}
export interface OpcpNewWebhookEndpoint {
  /**
   * https; http on this machine only
   */
  url: string;
  /**
   * Without, every event that the caller may read of
   *
   * @minItems 1
   * @maxItems 50
   */
  events?: OpcpWebhookEvent[];
  /**
   * For those who reach other organizations than their own
   */
  organization?: string;
}
export interface OpcpWebhookEndpoint {
  id: string;
  organization: string;
  url: string;
  events: OpcpWebhookEvent[];
  createdAt: string;
  /**
   * Messages that wait to be sent, or sent again
   */
  waiting: number;
  /**
   * When a message last arrived
   */
  deliveredAt?: string;
  /**
   * Why the latest message did not arrive; gone with the next that does
   */
  failure?: {
    at: string;
    /**
     * `http-<status>`, `timed-out`, `unreachable`, `tls-failed`, `redirected`,
     * `answer-too-large`
     *
     */
    reason: string;
  };
}
export interface OpcpWebhookEndpointWithSecret {
  id: string;
  organization: string;
  url: string;
  events: OpcpWebhookEvent[];
  createdAt: string;
  /**
   * Messages that wait to be sent, or sent again
   */
  waiting: number;
  /**
   * When a message last arrived
   */
  deliveredAt?: string;
  /**
   * Why the latest message did not arrive; gone with the next that does
   */
  failure?: {
    at: string;
    /**
     * `http-<status>`, `timed-out`, `unreachable`, `tls-failed`, `redirected`,
     * `answer-too-large`
     *
     */
    reason: string;
  };
  /**
   * Said once; absent where an answer is repeated for its `Idempotency-Key`
   */
  secret?: string;
}
export interface OpcpWebhookEndpoints {
  items: OpcpWebhookEndpoint[];
}
