/** The bodies of the REST API. Generated from openapi.yaml by `npm run generate`. */

/**
 * A problem, and what RFC 6749 5.2 has in its place
 */
export type TokenError = Problem & {
  error:
    | 'invalid_client'
    | 'invalid_request'
    | 'invalid_scope'
    | 'server_error'
    | 'temporarily_unavailable'
    | 'unsupported_grant_type';
  error_description: string;
};
export type CertificateState = 'pending' | 'abandoned' | 'issued' | 'held' | 'revoked';
/**
 * RFC 5280 5.3.1, without removeFromCRL, which ends a hold, and aACompromise, which is about attribute certificates
 */
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'cACompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'certificateHold'
  | 'privilegeWithdrawn';
/**
 * PEM, leaf first, without the root unless the chain policy of a station includes it
 */
export type PemChain = string;
/**
 * PEM certificates, in no order
 */
export type PemBundle = string;
export type IssuedCertificate = Certificate & {
  certificateChain: PemChain;
  /**
   * Of an OCPP chain, why its station may not take it as it is
   */
  warnings?: string[];
};
/**
 * `refused` is what policy says, `rejected` what a person says; `expired` has waited too long.
 *
 */
export type EnrolmentRequestState =
  'issuing' | 'waiting-for-approval' | 'issued' | 'refused' | 'rejected' | 'abandoned' | 'expired';
export type EnrolmentRequestDetails = EnrolmentRequest & {
  /**
   * What the certification request says
   */
  asked: {
    /**
     * RFC 4514
     */
    subject: string;
    keyAlgorithm: string;
    /**
     * SHA-256 of the SubjectPublicKeyInfo, hexadecimal
     */
    spkiSha256: string;
    /**
     * Such as `dns:csms.example`
     */
    alternativeNames: string[];
    /**
     * The extensions that are requested, by name or OID
     */
    extensions: string[];
  };
  /**
   * PEM
   */
  csr: string;
  violations?: Violation[];
};
/**
 * A proposal that is `waiting` can be approved, rejected or taken back; `expired` are those that
 * nobody has decided on in seven days. `approved` ones have taken effect. `issuing` are those
 * whose certificate is being signed; if that comes to nothing, they wait again.
 *
 */
export type ProposalState =
  'waiting' | 'issuing' | 'approved' | 'rejected' | 'withdrawn' | 'expired';
export type AuthorityState = 'awaiting-certificate' | 'active' | 'retired' | 'revoked';
export type AuthorityWithIssuers = Authority & {
  /**
   * Newest first
   */
  issuers: Issuer[];
};
export type OrganizationRole = 'v2g-operator' | 'cpo' | 'mo' | 'oem' | 'cps' | 'manufacturer';
/**
 * World manufacturer identifiers (ISO 3780) of the vehicles whose provisioning certificates
 * it may register, three letters or digits each; none if it is empty
 *
 *
 * @maxItems 100
 */
export type WmiList = string[];
/**
 * Country and provider of the EMAIDs that it may have contracts of, such as `DE8EV`; none if
 * it is empty
 *
 *
 * @maxItems 100
 */
export type ProviderList = string[];
/**
 * Country and operator of the EVSE and SECC ids that its stations may have, such as `DEICE`;
 * if it is empty, those that are in no organization's list
 *
 *
 * @maxItems 100
 */
export type OperatorList = string[];
export type CreatedEnrolmentSecret = {
  id: string;
  organization: string;
  label: string;
  commonName: string;
  /**
   * `in-use`: a certificate is being made with it. Should that fail, it is open again.
   *
   */
  state: 'open' | 'in-use' | 'used' | 'withdrawn' | 'expired';
  /**
   * Who made it, as in audit entries
   */
  createdBy: string;
  createdAt: string;
  expiresAt: string;
  /**
   * What it was used for
   */
  certificateId?: string;
} & {
  /**
   * Said once; absent where an answer is repeated for its `Idempotency-Key`
   */
  enrolmentSecret?: string;
};
export type Station = {
  /**
   * The common name of its certificates towards the CSMS
   */
  serialNumber?: string;
  /**
   * The common name of its certificates towards vehicles
   */
  seccId?: string;
  /**
   * @maxItems 100
   */
  evseIds?: string[];
  /**
   * What it means when it leaves out the certificate type in OCPP 2.x; `combined` if absent
   *
   */
  certificateType?: 'combined' | 'station';
  /**
   * OCPP security profile
   */
  securityProfile?: 0 | 1 | 2 | 3;
  chain?: ChainPolicy;
  /**
   * Whether anything is certified for it: `refused` for one that was retired or stolen, whoever
   * asks, its certificates included. Left out, it stays as it is; answers have it where it is
   * `refused`
   *
   */
  enrolment?: 'allowed' | 'refused';
} & {
  /**
   * Its OCPP identity
   */
  id: string;
  organization: string;
  createdAt: string;
  /**
   * When it last asked for something, to the minute
   */
  lastSeenAt?: string;
};
/**
 * OCPP InstallCertificateUseEnumType; OCPP 1.6 says CentralSystemRootCertificate where 2.x
 * says CSMSRootCertificate, and OEMRootCertificate is new in 2.1
 *
 */
export type RootCertificateType =
  | 'CSMSRootCertificate'
  | 'CentralSystemRootCertificate'
  | 'V2GRootCertificate'
  | 'MORootCertificate'
  | 'ManufacturerRootCertificate'
  | 'OEMRootCertificate';
export type ProvisioningStandard = 'iso15118-2' | 'iso15118-20';
export type ProvisioningState = 'registered' | 'replaced' | 'deleted';
export type ProvisioningCertificateWithChain = ProvisioningCertificate & {
  certificateChain: PemChain;
};
/**
 * As what the organization's pool of root certificates lists it, a root of charging, of a
 * mobility operator, of a vehicle maker or of a private environment; not at all without
 *
 */
export type RootType = 'V2G' | 'MO' | 'OEM' | 'PE';
/**
 * `distribute`: it may be handed on. The others: what chains that end at it are accepted for,
 * as those of vehicles' provisioning certificates, of contracts, of chargers and provisioning
 * services below a V2G root, and of the factory certificates with which registered stations
 * enrol by EST.
 *
 */
export type TrustAnchorPurpose =
  'distribute' | 'oem-provisioning' | 'contract-validation' | 'v2g' | 'est-client';
export type ContractState = 'active' | 'suspended' | 'ended';
export type ContractWithBundle = Contract & {
  /**
   * The newest bundle; keys, also encrypted ones, go to the vehicle only
   */
  bundle: {
    id: string;
    /**
     * Counted from 1
     */
    generation: number;
    reason: 'created' | 'renewed' | 're-registered' | 'update';
    createdAt: string;
    /**
     * The id of its certificate; not there where it was brought
     */
    certificate?: string;
    /**
     * Of the certificate
     */
    state: 'issued' | 'held' | 'revoked';
    notBefore: string;
    notAfter: string;
    certificateChain: PemChain;
  };
};
/**
 * OCPP CertificateSigningUseEnumType
 */
export type CertificateType = 'ChargingStationCertificate' | 'V2GCertificate' | 'V2G20Certificate';
/**
 * OCPP CertificateStatusSourceEnumType
 */
export type CertificateStatusSource = 'CRL' | 'OCSP';

export interface ApiBodies {
  Problem?: Problem;
  Violation?: Violation;
  TokenRequest?: TokenRequest;
  Token?: Token;
  TokenError?: TokenError;
  JsonWebKeySet?: JsonWebKeySet;
  NewApiClient?: NewApiClient;
  ApiClient?: ApiClient;
  ApiClientPage?: ApiClientPage;
  NewApiClientCertificate?: NewApiClientCertificate;
  ApiClientCertificate?: ApiClientCertificate;
  ApiClientCertificateList?: ApiClientCertificateList;
  SecretRotation?: SecretRotation;
  RotatedCredentials?: RotatedCredentials;
  ApiClientCredentials?: ApiClientCredentials;
  NewCertificate?: NewCertificate;
  CertificateState?: CertificateState;
  Certificate?: Certificate;
  RevocationReason?: RevocationReason;
  Revocation?: Revocation;
  PemChain?: PemChain;
  PemBundle?: PemBundle;
  IssuedCertificate?: IssuedCertificate;
  CertificatePage?: CertificatePage;
  Renewal?: Renewal;
  EnrolmentRequestState?: EnrolmentRequestState;
  EnrolmentRequest?: EnrolmentRequest;
  EnrolmentRequestDetails?: EnrolmentRequestDetails;
  EnrolmentRequestPage?: EnrolmentRequestPage;
  ProposalState?: ProposalState;
  Proposal?: Proposal;
  ProposalPage?: ProposalPage;
  ProposalApproval?: ProposalApproval;
  Rejection?: Rejection;
  AuthorityState?: AuthorityState;
  Authority?: Authority;
  Issuer?: Issuer;
  AuthorityWithIssuers?: AuthorityWithIssuers;
  NewExport?: NewExport;
  ExportPassphrase?: ExportPassphrase;
  CollectedExport?: CollectedExport;
  CertificateImport?: CertificateImport;
  ImportedCertificates?: ImportedCertificates;
  SerialRevocation?: SerialRevocation;
  NewAuthority?: NewAuthority;
  AuthorityGrant?: AuthorityGrant;
  ReceivedGrant?: ReceivedGrant;
  AppliedHierarchy?: AppliedHierarchy;
  OrganizationRole?: OrganizationRole;
  NewOrganization?: NewOrganization;
  WmiList?: WmiList;
  ProviderList?: ProviderList;
  OperatorList?: OperatorList;
  OrganizationChange?: OrganizationChange;
  Organization?: Organization;
  AuthorityRequest?: AuthorityRequest;
  Activation?: Activation;
  CrossCertification?: CrossCertification;
  NewEnrolmentSecret?: NewEnrolmentSecret;
  EnrolmentSecret?: EnrolmentSecret;
  CreatedEnrolmentSecret?: CreatedEnrolmentSecret;
  EnrolmentSecretPage?: EnrolmentSecretPage;
  NewStation?: NewStation;
  Station?: Station;
  ChainPolicy?: ChainPolicy;
  TruststoreRoot?: TruststoreRoot;
  StationTruststore?: StationTruststore;
  RootCertificateType?: RootCertificateType;
  StationPage?: StationPage;
  ProvisioningStandard?: ProvisioningStandard;
  ProvisioningState?: ProvisioningState;
  NewProvisioningCertificate?: NewProvisioningCertificate;
  ProvisioningCertificate?: ProvisioningCertificate;
  ProvisioningCertificateWithChain?: ProvisioningCertificateWithChain;
  ProvisioningCertificatePage?: ProvisioningCertificatePage;
  Vehicle?: Vehicle;
  NewTrustAnchor?: NewTrustAnchor;
  RootType?: RootType;
  TrustAnchorPurpose?: TrustAnchorPurpose;
  TrustAnchorPurposes?: TrustAnchorPurposes;
  TrustAnchor?: TrustAnchor;
  TrustAnchorPage?: TrustAnchorPage;
  ContractState?: ContractState;
  NewContract?: NewContract;
  BroughtBundle?: BroughtBundle;
  ContractRank?: ContractRank;
  ContractRenewal?: ContractRenewal;
  ContractReason?: ContractReason;
  Contract?: Contract;
  ContractWithBundle?: ContractWithBundle;
  ContractPage?: ContractPage;
  AuditEntry?: AuditEntry;
  AuditPage?: AuditPage;
  AuditCheckpoint?: AuditCheckpoint;
  AuditVerificationRequest?: AuditVerificationRequest;
  AuditVerification?: AuditVerification;
  AuditFinding?: AuditFinding;
  CertificateType?: CertificateType;
  CertificateHashData?: CertificateHashData;
  SignCertificateRequest?: SignCertificateRequest;
  SignCertificateResult?: SignCertificateResult;
  ContractCertificateRequest?: ContractCertificateRequest;
  ContractCertificateResult?: ContractCertificateResult;
  AuthorizeRequest?: AuthorizeRequest;
  AuthorizeResult?: AuthorizeResult;
  CertificateStatusRequest?: CertificateStatusRequest;
  CertificateStatusSource?: CertificateStatusSource;
  CertificateChainStatusRequest?: CertificateChainStatusRequest;
  CertificateChainStatusResult?: CertificateChainStatusResult;
  CertificateStatusResult?: CertificateStatusResult;
  Profile?: Profile;
}
/**
 * RFC 9457
 */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /**
   * Stable; `/docs/errors` lists all of them
   */
  code: string;
  detail: string;
  /**
   * What to do about it
   */
  remedy: string;
  /**
   * The `X-Request-Id` of the answer, or of the first one that it repeats, as it stands in
   * the log
   *
   */
  requestId: string;
  violations?: Violation[];
}
export interface Violation {
  code: string;
  message: string;
  /**
   * What it is about, such as `subject.CN` or `body.profile`
   */
  field?: string;
}
export interface TokenRequest {
  /**
   * `client_credentials`
   */
  grant_type: string;
  client_id?: string;
  client_secret?: string;
  /**
   * Some of the client's roles, with spaces between them
   */
  scope?: string | null;
  audience?: string | null;
}
export interface Token {
  /**
   * A JWT (RFC 9068), signed with ES256
   */
  access_token: string;
  token_type: 'Bearer';
  /**
   * Seconds
   */
  expires_in: number;
  /**
   * The roles that it is good for, with spaces between them
   */
  scope: string;
}
export interface JsonWebKeySet {
  keys: {
    kty: 'EC';
    crv: 'P-256';
    x: string;
    y: string;
    kid: string;
    alg: 'ES256';
    use: 'sig';
  }[];
}
export interface NewApiClient {
  name: string;
  organization?: string;
  /**
   * @minItems 1
   * @maxItems 20
   */
  roles?: string[];
  /**
   * When it stops working by itself; without, when its maker does, or never
   */
  expiresAt?: string;
}
export interface ApiClient {
  id: string;
  organization: string;
  name: string;
  roles: string[];
  state: 'active' | 'expired' | 'disabled';
  createdAt: string;
  /**
   * As audit entries name it; `bootstrap` for the first one
   */
  createdBy?: string;
  expiresAt?: string;
  disabledAt?: string;
  /**
   * When it last got a token or called with a certificate, to the minute
   */
  lastUsedAt?: string;
  /**
   * Until when the secret before the present one holds, while it does
   */
  oldSecretUntil?: string;
}
export interface ApiClientPage {
  items: ApiClient[];
  nextCursor?: string;
}
export interface NewApiClientCertificate {
  /**
   * PEM of one certificate
   */
  certificate: string;
}
export interface ApiClientCertificate {
  /**
   * Of the certificate, hex
   */
  sha256: string;
  subject: string;
  notBefore: string;
  notAfter: string;
  addedAt: string;
  /**
   * PEM
   */
  certificate: string;
}
export interface ApiClientCertificateList {
  items: ApiClientCertificate[];
}
export interface SecretRotation {
  /**
   * How long the present secret holds beside the new one
   */
  overlapSeconds?: number;
}
export interface RotatedCredentials {
  clientId: string;
  clientSecret: string;
  /**
   * Until when the secret before holds
   */
  oldSecretUntil: string;
}
export interface ApiClientCredentials {
  clientId: string;
  /**
   * Said once; absent where an answer is repeated for its `Idempotency-Key`
   */
  clientSecret?: string;
  /**
   * When the client ends by itself, if it does
   */
  expiresAt?: string;
}
export interface NewCertificate {
  /**
   * A name from `GET /v1/profiles`
   */
  profile: string;
  /**
   * PKCS#10 as PEM, or as base64 or hex of its DER
   */
  csr: string;
  /**
   * Needed only where several authorities could issue the profile
   */
  authority?: string;
  /**
   * The end of validity; the profile's default without
   */
  notAfter?: string;
  /**
   * The id of the registered station that it is for: what is registered of it has to be in
   * the request. Without it, requests of those whose role does not permit
   * `certificates:vouch` wait for somebody to approve them.
   *
   */
  station?: string;
}
export interface Certificate {
  id: string;
  state: CertificateState;
  expired: boolean;
  /**
   * Hexadecimal without leading zeros, as in OCPP
   */
  serialNumber: string;
  /**
   * RFC 4514
   */
  subject: string;
  profile: string;
  organization: string;
  /**
   * The id of the issuer that signed it; absent when it was signed elsewhere
   */
  issuer?: string;
  notBefore: string;
  notAfter: string;
  /**
   * The id of the enrolment request that it answers
   */
  request?: string;
  /**
   * The id of the certificate that it renews
   */
  renews?: string;
  /**
   * The id of the latest certificate that renews it
   */
  renewedBy?: string;
  revokedAt?: string;
  revocationReason?: RevocationReason;
}
export interface Revocation {
  reason: RevocationReason;
}
export interface CertificatePage {
  items: Certificate[];
  nextCursor?: string;
}
export interface Renewal {
  /**
   * PKCS#10 as PEM, or as base64 or hex of its DER
   */
  csr: string;
  /**
   * The end of validity; the profile's default without
   */
  notAfter?: string;
}
export interface EnrolmentRequest {
  id: string;
  state: EnrolmentRequestState;
  organization: string;
  authority: string;
  profile: string;
  /**
   * Who asked, as in the audit log
   */
  requester: string;
  /**
   * The front door: `rest`, `ocpp`
   */
  channel: string;
  createdAt: string;
  /**
   * What the request calls itself, RFC 4514; the certificate says what the profile says
   */
  subject?: string;
  station?: string;
  /**
   * The end of validity that was asked for
   */
  notAfter?: string;
  /**
   * The id of the certificate that is to be renewed
   */
  renews?: string;
  /**
   * The id of the certificate that answers it
   */
  certificate?: string;
  /**
   * Until when somebody has, or had, to approve it; absent where nobody has to
   */
  approveUntil?: string;
  /**
   * Who approved or rejected it
   */
  decidedBy?: string;
  decidedAt?: string;
  rejectionReason?: string;
}
export interface EnrolmentRequestPage {
  items: EnrolmentRequest[];
  nextCursor?: string;
}
export interface Proposal {
  id: string;
  state: ProposalState;
  organization: string;
  /**
   * What its proposer wants to do, as in the access policy
   */
  action:
    | 'trust-anchors:trust'
    | 'authorities:grant'
    | 'authorities:cross-certify'
    | 'authorities:revoke'
    | 'authorities:export';
  /**
   * The id of what it is about, such as that of a trust anchor
   */
  subject: string;
  /**
   * What is to be done, and to what as it was then.
   *
   * * `trust-anchors:trust`: `purposes` in place of those `before`, for the root with this
   *   `certificateSha256`.
   * * `authorities:grant`: the authority, which is of this `profile`, to this
   *   `organization`, to which it was `not-granted` `before`.
   * * `authorities:cross-certify`: the other root's own `certificate` (PEM, and its
   *   `certificateSha256`, its name as `root` and its end as `notAfter`), by this `issuer`,
   *   which is a key of the authority, and this `profile` with this `profileHash`.
   * * `authorities:revoke`: the certificate with this `certificateSha256`, `name` and
   *   `profile`, which is that of the `authority`, for this `reason`; `before` is its state.
   * * `authorities:export`: the authority that is wanted, as it was asked for.
   *
   */
  command: {
    [k: string]: unknown;
  };
  /**
   * SHA-256, hex, of the canonical JSON (sorted members, no white space) of `id`,
   * `organization`, `action`, `subject`, `command`, `proposer`, `createdAt` and `expiresAt`
   *
   */
  sha256: string;
  /**
   * `client:` and the id of an API client
   */
  proposer: string;
  createdAt: string;
  expiresAt: string;
  decidedBy?: string;
  decidedAt?: string;
  rejectionReason?: string;
  /**
   * Once it is approved, the id of the certificate that it has come to, if it did
   */
  certificate?: string;
}
export interface ProposalPage {
  items: Proposal[];
  nextCursor?: string;
}
export interface ProposalApproval {
  /**
   * That of the proposal, as its approver has seen it
   */
  sha256: string;
}
export interface Rejection {
  reason: string;
}
export interface Authority {
  id: string;
  title: string;
  organization: string;
  profile: string;
  key: string;
  state: AuthorityState;
  /**
   * The authority above, or `external`; absent for roots
   */
  under?: string;
  /**
   * Whether its key was handed out; evpki signs no certificates for it then
   */
  exported?: true;
}
export interface Issuer {
  id: string;
  generation: number;
  state: AuthorityState;
  subject?: string;
  notBefore?: string;
  notAfter?: string;
  /**
   * PEM, its own certificate first, the root last
   */
  certificateChain?: string;
}
export interface NewExport {
  /**
   * What the authority is to be called
   */
  id: string;
  /**
   * The CN of its certificate, unlike that of any other authority
   */
  title: string;
  key: 'P-256' | 'P-384' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096';
  /**
   * The end of its certificate; that of the profile without
   */
  notAfter?: string;
}
export interface ExportPassphrase {
  /**
   * Of your own choice, for this key alone: 16 to 128 printable ASCII characters. It is kept
   * nowhere, and does not count for whether a request with an `Idempotency-Key` is the same.
   *
   */
  passphrase: string;
}
export interface CollectedExport {
  authority: string;
  issuer: string;
  /**
   * PEM of its own certificate
   */
  certificate: string;
  /**
   * PEM, its own certificate first, the root last
   */
  certificateChain: string;
  /**
   * Where OCSP tells the status of its certificates
   */
  ocsp: string;
  /**
   * Where its CRL is
   */
  crl: string;
  /**
   * PEM, `ENCRYPTED PRIVATE KEY` (PKCS#8, PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC).
   * Said once; absent where an answer is repeated for its `Idempotency-Key`
   *
   */
  encryptedKey?: string;
}
export interface CertificateImport {
  /**
   * PEM of 1 to 50 certificates
   */
  certificates: string;
}
export interface ImportedCertificates {
  /**
   * In the order in which they came
   */
  items: {
    id: string;
    serialNumber: string;
    subject: string;
    notAfter: string;
    /**
     * Whether it is new here, or was here before
     */
    outcome: 'imported' | 'known';
    /**
     * The registered station that has its common name
     */
    station?: string;
    /**
     * In what it is not as evpki would have made it
     */
    findings: {
      rule: string;
      message: string;
    }[];
  }[];
}
export interface SerialRevocation {
  /**
   * Hex, without separators
   */
  serialNumber: string;
  reason: RevocationReason;
}
export interface NewAuthority {
  /**
   * Lower-case letters, digits and single hyphens; its name for good
   */
  id: string;
  /**
   * The CN of its certificates
   */
  title: string;
  /**
   * Whose it is; the caller's own organization without
   */
  organization?: string;
  profile: string;
  /**
   * An algorithm that the profile allows
   */
  key: string;
  /**
   * The authority above, or `external`; absent for roots
   */
  under?: string;
}
export interface AuthorityGrant {
  authority: string;
  /**
   * The id of the organization that it is given to
   */
  organization: string;
  grantedAt: string;
}
export interface ReceivedGrant {
  /**
   * What to name as `under`
   */
  authority: string;
  title: string;
  profile: string;
  grantedAt: string;
}
export interface AppliedHierarchy {
  hierarchy: string;
  /**
   * False for a dry run
   */
  applied: boolean;
  /**
   * In the order in which they are done
   */
  steps: {
    kind: 'organization' | 'authority' | 'grant';
    /**
     * For a grant, that of the authority
     */
    id: string;
    /**
     * Whom a grant is given to
     */
    organization?: string;
    action: 'create' | 'update' | 'create-request' | 'certify' | 'await' | 'unchanged' | 'differs';
    differences: string[];
  }[];
}
export interface NewOrganization {
  /**
   * Lower-case letters, digits and single hyphens; its name for good
   */
  id: string;
  /**
   * The O of its certificates, at most 64 visible characters
   */
  name: string;
  /**
   * The C of its certificates, two upper-case letters
   */
  country?: string;
  /**
   * @minItems 1
   * @maxItems 20
   */
  roles: OrganizationRole[];
  /**
   * Whether stations that ask through OCPP are registered by asking
   */
  stationsOnFirstSight?: boolean;
  wmis?: WmiList;
  providers?: ProviderList;
  operators?: OperatorList;
}
export interface OrganizationChange {
  name?: string;
  country?: string | null;
  /**
   * @minItems 1
   * @maxItems 20
   */
  roles?: OrganizationRole[];
  stationsOnFirstSight?: boolean;
  wmis?: WmiList;
  providers?: ProviderList;
  operators?: OperatorList;
}
export interface Organization {
  id: string;
  name: string;
  country?: string;
  roles: OrganizationRole[];
  stationsOnFirstSight: boolean;
  wmis: WmiList;
  providers: ProviderList;
  operators: OperatorList;
}
export interface AuthorityRequest {
  /**
   * PEM
   */
  csr: string;
}
export interface Activation {
  /**
   * The certificate and those above it, root included, as PEM in any order
   */
  certificateChain: string;
}
export interface CrossCertification {
  /**
   * The certificate that the other root has signed itself, as PEM
   */
  certificate: string;
}
export interface NewEnrolmentSecret {
  /**
   * The label of EST that it is for
   */
  label: string;
  /**
   * The common name that the certificate is to have
   */
  commonName: string;
  /**
   * How long it can be used
   */
  validSeconds?: number;
}
export interface EnrolmentSecret {
  id: string;
  organization: string;
  label: string;
  commonName: string;
  /**
   * `in-use`: a certificate is being made with it. Should that fail, it is open again.
   *
   */
  state: 'open' | 'in-use' | 'used' | 'withdrawn' | 'expired';
  /**
   * Who made it, as in audit entries
   */
  createdBy: string;
  createdAt: string;
  expiresAt: string;
  /**
   * What it was used for
   */
  certificateId?: string;
}
export interface EnrolmentSecretPage {
  items: EnrolmentSecret[];
  nextCursor?: string;
}
export interface NewStation {
  /**
   * The common name of its certificates towards the CSMS
   */
  serialNumber?: string;
  /**
   * The common name of its certificates towards vehicles
   */
  seccId?: string;
  /**
   * @maxItems 100
   */
  evseIds?: string[];
  /**
   * What it means when it leaves out the certificate type in OCPP 2.x; `combined` if absent
   *
   */
  certificateType?: 'combined' | 'station';
  /**
   * OCPP security profile
   */
  securityProfile?: 0 | 1 | 2 | 3;
  chain?: ChainPolicy;
  /**
   * Whether anything is certified for it: `refused` for one that was retired or stolen, whoever
   * asks, its certificates included. Left out, it stays as it is; answers have it where it is
   * `refused`
   *
   */
  enrolment?: 'allowed' | 'refused';
}
/**
 * How it takes the chains of its certificates in CertificateSigned
 */
export interface ChainPolicy {
  /**
   * Whether the root stands at the end of a chain, as open-ocpp demands; left out if absent
   *
   */
  includeRoot?: boolean;
  /**
   * Characters of PEM that it takes, 500 to 10000, as it reports them in
   * CertificateSignedMaxChainSize (1.6) or SecurityCtrlr.MaxCertificateChainSize (2.x);
   * what OCPP allows if absent
   *
   */
  maximumSize?: number;
}
export interface TruststoreRoot {
  certificateType: RootCertificateType;
  /**
   * PEM, for InstallCertificate; it has signed itself
   */
  certificate: string;
  /**
   * With SHA-256, as the station may list it once it is installed; absent where OCPP cannot
   * express the serial number
   *
   */
  hashData?: CertificateHashData;
  /**
   * RFC 4514
   */
  subject: string;
  notAfter: string;
}
/**
 * OCPP CertificateHashDataType. Upper and lower case, leading zeros and base64 hashes are
 * understood; other members are ignored.
 *
 */
export interface CertificateHashData {
  hashAlgorithm: 'SHA256' | 'SHA384' | 'SHA512';
  issuerNameHash: string;
  issuerKeyHash: string;
  serialNumber: string;
}
export interface StationTruststore {
  items: TruststoreRoot[];
}
export interface StationPage {
  items: Station[];
  nextCursor?: string;
}
export interface NewProvisioningCertificate {
  /**
   * As PEM, or DER in base64
   */
  certificate: string;
  /**
   * The certificates above it, in any order, root included or not: PEM blocks in one text,
   * or a list of such texts or of DER in base64
   *
   */
  chain?: string | string[];
  /**
   * 56 octets in base64, for a certificate with an Ed448 key, which can only sign
   *
   */
  x448PublicKey?: string;
}
export interface ProvisioningCertificate {
  id: string;
  /**
   * The maker of the vehicle
   */
  organization: string;
  /**
   * Upper case
   */
  pcid: string;
  standard: ProvisioningStandard;
  state: ProvisioningState;
  /**
   * Of the certificate, in hexadecimal
   */
  sha256: string;
  /**
   * Base64
   */
  x448PublicKey?: string;
  notBefore: string;
  notAfter: string;
  registeredAt: string;
  /**
   * The id of the one in whose place it is
   */
  replaces?: string;
  /**
   * When it was replaced or deleted
   */
  endedAt?: string;
}
export interface ProvisioningCertificatePage {
  items: ProvisioningCertificate[];
  nextCursor?: string;
}
export interface Vehicle {
  /**
   * Upper case
   */
  pcid: string;
  keys: {
    standard: ProvisioningStandard;
    /**
     * SubjectPublicKeyInfo, as PEM
     */
    publicKey: string;
    /**
     * Base64; to this one it is encrypted if it is there
     */
    x448PublicKey?: string;
  }[];
}
export interface NewTrustAnchor {
  /**
   * The certificate that the root has signed itself, as PEM
   */
  certificate: string;
  /**
   * For those who reach other organizations than their own
   */
  organization?: string;
  rootType?: RootType;
}
export interface TrustAnchorPurposes {
  /**
   * @minItems 1
   * @maxItems 5
   */
  purposes: TrustAnchorPurpose[];
}
export interface TrustAnchor {
  id: string;
  /**
   * The organization that trusts it
   */
  organization: string;
  subject: string;
  /**
   * SHA-256 of the certificate, hexadecimal
   */
  sha256: string;
  notBefore: string;
  notAfter: string;
  purposes: TrustAnchorPurpose[];
  rootType?: RootType;
  addedAt: string;
  /**
   * PEM
   */
  certificate: string;
}
export interface TrustAnchorPage {
  items: TrustAnchor[];
  nextCursor?: string;
}
export interface NewContract {
  /**
   * With or without hyphens and check digit; certificates name it without hyphens, and with
   * the check digit if it is given
   *
   */
  emaid: string;
  /**
   * Of the vehicle, as its provisioning certificate names it
   */
  pcid: string;
  standard?: 'iso15118-2' | 'iso15118-20';
  /**
   * Whether it becomes the default of its vehicle
   */
  default?: boolean;
  /**
   * The higher comes first; 0 without
   */
  priority?: number;
  /**
   * Needed only where several authorities could issue it
   */
  authority?: string;
  /**
   * Needed only where the authority issues several profiles of contracts
   */
  profile?: string;
  /**
   * How long its certificates hold; as the profile says without
   */
  validityDays?: number;
  bundle?: BroughtBundle;
}
/**
 * A bundle that was made elsewhere
 */
export interface BroughtBundle {
  /**
   * PEM; the contract certificate first, then those above it, without root
   */
  certificateChain: string;
  /**
   * Base64 of `DHpublickey`
   */
  dhPublicKey: string;
  /**
   * Base64 of the contract key as it is encrypted for the vehicle
   */
  encryptedPrivateKey: string;
}
export interface ContractRank {
  default?: boolean;
  /**
   * The higher comes first; 0 without
   */
  priority?: number;
}
export interface ContractRenewal {
  /**
   * Revokes the certificates so far, as `superseded`, at once
   */
  revokeFormer?: boolean;
  bundle?: BroughtBundle;
}
export interface ContractReason {
  /**
   * For people
   */
  reason?: string;
}
export interface Contract {
  id: string;
  /**
   * The mobility operator
   */
  organization: string;
  /**
   * Upper case without hyphens
   */
  emaid: string;
  /**
   * Upper case
   */
  pcid: string;
  standard: 'iso15118-2' | 'iso15118-20';
  state: ContractState;
  /**
   * Whether it is the default of its vehicle
   */
  default: boolean;
  priority: number;
  /**
   * What certifies it; not there where its bundles are brought
   */
  authority?: string;
  profile?: string;
  validityDays?: number;
  createdAt: string;
  /**
   * Since when it is in its state
   */
  changedAt: string;
  /**
   * What was said when it was suspended or ended
   */
  reason?: string;
}
export interface ContractPage {
  items: Contract[];
  nextCursor?: string;
}
export interface AuditEntry {
  /**
   * The process that wrote it
   */
  stream: string;
  /**
   * Its number in the stream, from 1 without gaps
   */
  sequence: number;
  at: string;
  /**
   * The organization in whose log it stands; `instance` for evpki itself
   */
  organization: string;
  /**
   * `client:<id>`, `bootstrap`, `evpki` for the service itself, or `unknown`
   */
  actor: string;
  /**
   * What was done, such as `certificate.issued`
   */
  action: string;
  /**
   * The id of what it was done to
   */
  subject: string;
  details: {
    [k: string]: unknown;
  };
  /**
   * SHA-256, hexadecimal; covers the entry and the hash of the one before
   */
  hash: string;
}
export interface AuditPage {
  items: AuditEntry[];
  nextCursor?: string;
}
/**
 * A signed statement of where every stream of the audit log stood
 */
export interface AuditCheckpoint {
  /**
   * From 1 without gaps
   */
  number: number;
  at: string;
  /**
   * SHA-256 of the checkpoint before it; zeros for the first
   */
  previous: string;
  /**
   * @minItems 1
   * @maxItems 10000
   */
  streams: {
    stream: string;
    sequence: number;
    hash: string;
  }[];
  /**
   * The Ed25519 public key that it is signed with (SubjectPublicKeyInfo), base64
   */
  key: string;
  /**
   * base64
   */
  signature: string;
}
export interface AuditVerificationRequest {
  checkpoint?: AuditCheckpoint;
}
export interface AuditVerification {
  /**
   * Whether everything is as it was written
   */
  ok: boolean;
  streams: number;
  entries: number;
  checkpoints: number;
  /**
   * @maxItems 100
   */
  findings: AuditFinding[];
}
export interface AuditFinding {
  code:
    | 'entry-altered'
    | 'entry-missing'
    | 'entry-unexpected'
    | 'entry-rewritten'
    | 'head-altered'
    | 'stream-missing'
    | 'stream-truncated'
    | 'checkpoint-altered'
    | 'checkpoint-missing'
    | 'checkpoint-forked'
    | 'key-not-ours'
    | 'kept-key-unknown';
  message: string;
  stream?: string;
  sequence?: number;
  /**
   * The number of a checkpoint
   */
  checkpoint?: number;
}
export interface SignCertificateRequest {
  /**
   * The OCPP identity of the station
   */
  stationId: string;
  /**
   * As the station sent it
   */
  csr: string;
  ocppVersion: '1.6' | '2.0.1' | '2.1';
  certificateType?: CertificateType;
  /**
   * Of OCPP 2.1; repeated in the answer
   */
  requestId?: number;
  hashRootCertificate?: CertificateHashData;
  /**
   * Whose station it is, for those who reach other organizations than their own
   */
  organization?: string;
}
export interface SignCertificateResult {
  status: 'issued' | 'refused' | 'waiting';
  answerToStation: 'Accepted' | 'Rejected';
  /**
   * Absent when nothing is on record because it was refused before
   */
  enrolmentRequestId?: string;
  requestId?: number;
  /**
   * For CertificateSigned; absent where that has to leave it out
   */
  certificateType?: CertificateType;
  certificateChain?: PemChain;
  /**
   * With a chain: why the station may not take it as it is, such as that it is longer than
   * the station's chain policy or OCPP allows
   *
   */
  warnings?: string[];
  violations?: Violation[];
}
export interface ContractCertificateRequest {
  /**
   * Decides which lengths the request and its answer are held against; without, the request
   * may be as long as any version allows, and the answer is held against all of them
   *
   */
  ocppVersion?: '1.6' | '2.0.1' | '2.1';
  /**
   * The namespace of the schema that the car and the charger agreed on
   */
  iso15118SchemaVersion: string;
  action: 'Install' | 'Update';
  /**
   * What the car sent, in base64
   */
  exiRequest: string;
  maximumContractCertificateChains?: number;
  /**
   * @minItems 1
   * @maxItems 8
   */
  prioritizedEMAIDs?: string[];
}
export interface ContractCertificateResult {
  status: 'Accepted' | 'Failed';
  /**
   * What to send the car, in base64
   */
  exiResponse: string;
  remainingContracts?: number;
  /**
   * The response code in the message for the car
   */
  responseCode: string;
  /**
   * Why the car gets no contract
   */
  reason?:
    | 'request-unreadable'
    | 'request-unexpected'
    | 'certificate-unreadable'
    | 'key-transport-impossible'
    | 'signature-missing'
    | 'signature-invalid'
    | 'pcid-unreadable'
    | 'emaid-unreadable'
    | 'emaid-mismatch'
    | 'domain-missing'
    | 'chain-untrusted'
    | 'certificate-not-yet-valid'
    | 'certificate-expired'
    | 'certificate-revoked'
    | 'provisioning-certificate-unknown'
    | 'provisioning-certificate-replaced'
    | 'contract-missing'
    | 'contract-ended'
    | 'root-missing'
    | 'service-unavailable';
  /**
   * The same as a sentence
   */
  detail?: string;
  contract?: {
    id: string;
    emaid: string;
    pcid: string;
  };
  /**
   * How the request was read more leniently than the standard has it
   */
  readings: string[];
  /**
   * What the OCPP version, or chargers known for it, may not take
   */
  warnings: string[];
}
export interface AuthorizeRequest {
  /**
   * The EMAID, or the IdToken object of OCPP 2.x with it
   */
  idToken:
    | string
    | {
        idToken: string;
        type?: string;
      };
  /**
   * The chain as PEM, the contract certificate first; an empty text is as none
   */
  certificate?: string;
  /**
   * @maxItems 4
   */
  iso15118CertificateHashData?: CertificateHashData[];
}
export interface AuthorizeResult {
  idTokenInfo: {
    status: 'Accepted' | 'Blocked' | 'Expired' | 'Invalid';
  };
  certificateStatus:
    | 'Accepted'
    | 'SignatureError'
    | 'CertificateExpired'
    | 'CertificateRevoked'
    | 'NoCertificateAvailable'
    | 'CertChainError'
    | 'ContractCancelled';
  contract?: {
    id: string;
    emaid: string;
  };
  /**
   * Why it is not accepted
   */
  detail?: string;
  /**
   * Certificates of the chain of which nobody could say whether they are revoked, accepted or not
   */
  statusUnknown?: {
    /**
     * RFC 4514
     */
    subject: string;
    /**
     * Why not, such as `host-not-allowed`, `timed-out` or `answer-expired`
     */
    reason: string;
  }[];
}
export interface CertificateStatusRequest {
  /**
   * OCPP OCSPRequestDataType
   */
  ocspRequestData: CertificateHashData;
}
export interface CertificateChainStatusRequest {
  /**
   * OCPP CertificateStatusRequestInfoType
   *
   * @minItems 1
   * @maxItems 4
   */
  certificateStatusRequests: {
    certificateHashData: CertificateHashData;
    source: CertificateStatusSource;
    /**
     * @minItems 1
     * @maxItems 5
     */
    urls: string[];
  }[];
  /**
   * Of OCPP; ignored
   */
  customData?: {};
}
export interface CertificateChainStatusResult {
  /**
   * OCPP CertificateStatusType
   */
  certificateStatus: {
    certificateHashData: CertificateHashData;
    source: CertificateStatusSource;
    status: 'Good' | 'Revoked' | 'Unknown' | 'Failed';
    /**
     * When the station is to ask again
     */
    nextUpdate: string;
  }[];
  /**
   * Of those whose status is `Failed`; for whoever runs the CSMS
   */
  failures: {
    /**
     * In `certificateStatus`, from 0
     */
    index: number;
    reason: string;
  }[];
}
export interface CertificateStatusResult {
  status: 'Accepted' | 'Failed';
  /**
   * DER of the OCSP response in base64; present if accepted
   */
  ocspResult?: string;
  /**
   * Why it failed
   */
  reason?: string;
}
export interface Profile {
  name: string;
  title: string;
  standard: string;
  kind: string;
  keys: string[];
  /**
   * Profiles of the authorities that may issue it; empty for any
   */
  issuedBy: string[];
  /**
   * SHA-256 of its declaration, kept with each certificate
   */
  hash: string;
}
