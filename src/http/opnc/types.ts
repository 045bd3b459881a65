/** The bodies of OPNC. Generated from openapi.yaml by `npm run generate`. */

/**
 * V2G, eMSP (also MO), OEM or PE, in upper or lower case
 */
export type OpncRootType = string;

export interface ApiBodies {
  OpncCertificateChain?: OpncCertificateChain;
  OpncRevocation?: OpncRevocation;
  OpncRootType?: OpncRootType;
  OpncNewRoot?: OpncNewRoot;
  OpncRoot?: OpncRoot;
  OpncRootCollection?: OpncRootCollection;
  OpncRootResponse?: OpncRootResponse;
  OpncNewProvisioningCertificate?: OpncNewProvisioningCertificate;
  OpncProvisioningResponse?: OpncProvisioningResponse;
  OpncInstallationRequest?: OpncInstallationRequest;
  OpncSignedContractData?: OpncSignedContractData;
  OpncSignedContractDataCollection?: OpncSignedContractDataCollection;
  OpncSignedContract?: OpncSignedContract;
  OpncInstallationRefusal?: OpncInstallationRefusal;
  OpncContracts?: OpncContracts;
  OpncContractDataToSign?: OpncContractDataToSign;
  OpncGeneration?: OpncGeneration;
  OpncGenerated?: OpncGenerated;
  OpncCpsSigners?: OpncCpsSigners;
}
/**
 * Certificates are DER in base64
 */
export interface OpncCertificateChain {
  certificate: string;
  /**
   * The one below the root
   */
  subCa1Certificate?: string;
  /**
   * The issuer of the certificate, where that is another
   */
  subCa2Certificate?: string;
}
export interface OpncRevocation {
  /**
   * One certificate, DER in base64, or PEM, or PEM in base64
   */
  certificate: string;
  revocationReason:
    | 'unspecified'
    | 'keyCompromise'
    | 'affiliationChanged'
    | 'superseded'
    | 'cessationOfOperation'
    | 'privilegeWithdrawn'
    | 'aACompromise';
}
export interface OpncNewRoot {
  /**
   * The certificate that the root has signed itself, DER in base64, or PEM
   */
  caCertificate: string;
  rootType?: OpncRootType;
  /**
   * With one type; a root is listed as one thing here
   *
   * @maxItems 10
   */
  rootTypeList?: OpncRootType[];
}
export interface OpncRoot {
  /**
   * The same for the same certificate, always, and the same as in OPCP
   */
  rootCertificateId: string;
  distinguishedName: string;
  rootType: 'V2G' | 'eMSP' | 'OEM' | 'PE';
  /**
   * The `rootType` alone
   */
  rootTypeList: ('V2G' | 'eMSP' | 'OEM' | 'PE')[];
  /**
   * DER in base64, in one line
   */
  caCertificate: string;
  commonName: string;
  /**
   * Its key identifier, in base64
   */
  rootAuthorityKeyIdentifier?: string;
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
}
export interface OpncRootCollection {
  rootCertificateCollection: OpncRoot[];
}
export interface OpncRootResponse {
  rootCertificate: OpncRoot;
  /**
   * As OPNC 1.0 spells it
   */
  roootCertificate: OpncRoot;
}
export interface OpncNewProvisioningCertificate {
  /**
   * Certificates are DER in base64, or PEM. OPNC spells the sub-CAs in two ways; both are taken.
   *
   */
  provisioningCertificateChain: {
    certificate: string;
    subCa1Certificate?: string;
    subCa2Certificate?: string;
    subCA1Certificate?: string;
    subCA2Certificate?: string;
  };
  xsdMsgDefNamespace?: string;
}
export interface OpncProvisioningResponse {
  provisioningCertificate: {
    provisioningCertificateChain: OpncCertificateChain;
    xsdMsgDefNamespace: string;
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
  };
}
export interface OpncInstallationRequest {
  /**
   * What the car sent, in base64
   */
  certificateInstallationReq: string;
  xsdMsgDefNamespace: string;
  metadata?: string;
}
export interface OpncSignedContractData {
  /**
   * EXI in base64
   */
  certificateInstallationRes: string;
  emaid: string;
  pcid: string;
  xsdMsgDefNamespace: string;
  /**
   * For people, such as that a charger may not take so long an answer
   */
  metaData?: string;
  /**
   * SHA-256 of the V2G root above the signature, lower-case hex
   */
  cpsV2GRootCertificateFingerprint?: string;
  cpsRootDistinguishedName?: string;
}
export interface OpncSignedContractDataCollection {
  /**
   * Exactly one
   *
   * @minItems 1
   * @maxItems 1
   */
  signedContractDataCollection: OpncSignedContractData[];
}
export interface OpncSignedContract {
  signedContractData: OpncSignedContractData;
}
export interface OpncInstallationRefusal {
  /**
   * @minItems 1
   */
  errorMessages: string[];
  /**
   * The `X-Request-Id` of the answer, as it stands in the log
   */
  traceId: string;
  /**
   * @minItems 1
   * @maxItems 1
   */
  signedContractDataCollection?: {
    /**
     * What to send the car, in base64
     */
    certificateInstallationRes: string;
    xsdMsgDefNamespace: string;
    /**
     * Why it gets no contract
     */
    metaData: string;
  }[];
}
export interface OpncContracts {
  contractDataCollection: {
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
  }[];
}
export interface OpncContractDataToSign {
  contractCertificateBundle: {
    pcid: string;
    emaid: string;
    /**
     * Certificates are DER in base64
     */
    contractCertificateChain: {
      certificate: string;
      /**
       * The one below the root
       */
      subCa1Certificate?: string;
      /**
       * The issuer of the contract certificate, where that is another
       */
      subCa2Certificate?: string;
    };
    contractSignatureEncryptedPrivateKey: string;
    dHpublickey: string;
  };
  xsdMsgDefNamespace: string;
  /**
   * SHA-256 in hex of the V2G root that the answer is to be signed below
   */
  cpsV2GRootCertificateFingerprint?: string;
}
export interface OpncGeneration {
  /**
   * No later than a day from now, as certificates hold from when they are made
   */
  contractBegins: string;
  contractEnds: string;
  pcid: string;
  emaid: string;
  xsdMsgDefNamespace: string;
  /**
   * Refused, as nobody chooses the root here
   */
  moRootCertificateFingerprint?: string;
  metaData?: string;
}
export interface OpncGenerated {
  pcid: string;
  emaid: string;
  xsdMsgDefNamespace: string;
}
export interface OpncCpsSigners {
  cpsCertificateDataCollection: {
    cpsDistinguishedName: string;
    cpsCertificateChain: OpncCertificateChain;
    validFrom: string;
    validTo: string;
    organizationName: string;
    /**
     * SHA-256, lower-case hex
     */
    cpsV2GRootCertificateFingerprint: string;
    cpsV2GRootDistinguishedName: string;
    xsdMsgDefNamespace: string;
  }[];
}
