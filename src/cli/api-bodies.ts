/** What the command line reads of the bodies that openapi.yaml describes, and no more. */

export interface Violation {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly requestId: string;
  readonly violations?: readonly Violation[];
}

export interface CollectedExport {
  readonly authority: string;
  /** PEM. */
  readonly certificate: string;
  readonly certificateChain: string;
  readonly ocsp: string;
  readonly crl: string;
  /** PEM; said once. */
  readonly encryptedKey?: string;
}

export interface ImportedCertificates {
  readonly items: readonly {
    readonly id: string;
    readonly serialNumber: string;
    readonly subject: string;
    readonly outcome: string;
    readonly station?: string;
    readonly findings: readonly { readonly rule: string }[];
  }[];
}

export interface Token {
  readonly access_token: string;
  /** Seconds. */
  readonly expires_in: number;
}

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly expiresAt?: string;
}

export interface RotatedCredentials extends ClientCredentials {
  readonly oldSecretUntil: string;
}

export interface ApiClientCertificate {
  readonly sha256: string;
  readonly subject: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface ApiClient {
  readonly id: string;
  readonly organization: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly state: string;
  readonly createdAt: string;
  readonly createdBy?: string;
  readonly expiresAt?: string;
  readonly disabledAt?: string;
  readonly lastUsedAt?: string;
  readonly oldSecretUntil?: string;
}

export interface Certificate {
  readonly id: string;
  readonly state: string;
  readonly expired: boolean;
  readonly serialNumber: string;
  readonly subject: string;
  readonly profile: string;
  readonly organization: string;
  readonly issuer?: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly renews?: string;
  readonly renewedBy?: string;
  readonly revokedAt?: string;
  readonly revocationReason?: string;
}

export interface IssuedCertificate extends Certificate {
  /** PEM, leaf first, without the root unless a station's chain policy has it. */
  readonly certificateChain: string;
  /** Of a chain for a station: why that may not take it. */
  readonly warnings?: readonly string[];
}

export interface EnrolmentRequest {
  readonly id: string;
  readonly state: string;
  readonly organization: string;
  readonly authority: string;
  readonly profile: string;
  readonly requester: string;
  readonly channel: string;
  readonly createdAt: string;
  readonly subject?: string;
  readonly station?: string;
  readonly notAfter?: string;
  readonly renews?: string;
  readonly certificate?: string;
  readonly approveUntil?: string;
  readonly decidedBy?: string;
  readonly decidedAt?: string;
  readonly rejectionReason?: string;
}

export interface EnrolmentRequestDetails extends EnrolmentRequest {
  readonly asked: {
    readonly subject: string;
    readonly keyAlgorithm: string;
    readonly spkiSha256: string;
    readonly alternativeNames: readonly string[];
    readonly extensions: readonly string[];
  };
  /** PEM. */
  readonly csr: string;
  readonly violations?: readonly Violation[];
}

export interface Proposal {
  readonly id: string;
  readonly state: string;
  readonly organization: string;
  readonly action: string;
  readonly subject: string;
  readonly command: Readonly<Record<string, unknown>>;
  readonly sha256: string;
  readonly proposer: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** The id of the certificate that it has come to. */
  readonly certificate?: string;
  readonly decidedBy?: string;
  readonly decidedAt?: string;
  readonly rejectionReason?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

export interface Authority {
  readonly id: string;
  readonly title: string;
  readonly organization: string;
  readonly profile: string;
  readonly key: string;
  readonly state: string;
  readonly under?: string;
  /** Its key was handed out. */
  readonly exported?: true;
}

export interface Issuer {
  readonly id: string;
  readonly generation: number;
  readonly state: string;
  readonly subject?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** PEM, its own certificate first, the root last. */
  readonly certificateChain?: string;
}

export interface AuthorityWithIssuers extends Authority {
  /** Newest first. */
  readonly issuers: readonly Issuer[];
}

export interface AuthorityGrant {
  readonly authority: string;
  readonly organization: string;
  readonly grantedAt: string;
}

export interface ReceivedGrant {
  readonly authority: string;
  readonly title: string;
  readonly profile: string;
  readonly grantedAt: string;
}

export interface EnrolmentSecret {
  readonly id: string;
  readonly organization: string;
  readonly label: string;
  readonly commonName: string;
  readonly state: string;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly certificateId?: string;
}

export interface CreatedEnrolmentSecret extends EnrolmentSecret {
  readonly enrolmentSecret: string;
}

export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly country?: string;
  readonly roles: readonly string[];
  readonly stationsOnFirstSight: boolean;
  readonly wmis: readonly string[];
  readonly providers: readonly string[];
  readonly operators: readonly string[];
}

export interface Station {
  readonly id: string;
  readonly organization: string;
  readonly serialNumber?: string;
  readonly seccId?: string;
  readonly evseIds: readonly string[];
  readonly certificateType?: string;
  readonly securityProfile?: number;
  readonly chain?: { readonly includeRoot?: boolean; readonly maximumSize?: number };
  readonly enrolment?: string;
  readonly createdAt: string;
  readonly lastSeenAt?: string;
}

export interface TruststoreRoot {
  readonly certificateType: string;
  /** PEM. */
  readonly certificate: string;
  readonly subject: string;
  readonly notAfter: string;
}

export interface StationTruststore {
  readonly items: readonly TruststoreRoot[];
}

export interface ProvisioningCertificate {
  readonly id: string;
  /** The maker of the vehicle. */
  readonly organization: string;
  readonly pcid: string;
  readonly standard: string;
  readonly state: string;
  readonly x448PublicKey?: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly registeredAt: string;
  readonly replaces?: string;
  readonly endedAt?: string;
}

export interface RegisteredCertificate extends ProvisioningCertificate {
  /** PEM, leaf first, without the root. */
  readonly certificateChain: string;
}

export interface Vehicle {
  readonly pcid: string;
  readonly keys: readonly { readonly standard: string }[];
}

export interface TrustAnchor {
  readonly id: string;
  readonly organization: string;
  readonly subject: string;
  readonly sha256: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly purposes: readonly string[];
  readonly rootType?: string;
  readonly addedAt: string;
  /** PEM. */
  readonly certificate: string;
}

export interface HierarchyStep {
  readonly kind: string;
  readonly id: string;
  readonly organization?: string;
  readonly action: string;
  readonly differences: readonly string[];
}

export interface AppliedHierarchy {
  readonly hierarchy: string;
  readonly applied: boolean;
  readonly steps: readonly HierarchyStep[];
}

export interface Contract {
  readonly id: string;
  readonly organization: string;
  readonly emaid: string;
  readonly pcid: string;
  readonly standard: string;
  readonly state: string;
  readonly default: boolean;
  readonly priority: number;
  readonly authority?: string;
  readonly changedAt: string;
  readonly reason?: string;
}

export interface ContractWithBundle extends Contract {
  readonly bundle: {
    readonly generation: number;
    readonly reason: string;
    readonly createdAt: string;
    readonly certificate?: string;
    readonly state: string;
    readonly notAfter: string;
    readonly certificateChain: string;
  };
}

export interface ContractCertificateResult {
  readonly status: string;
  /** Base64. */
  readonly exiResponse: string;
  readonly responseCode: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly warnings?: readonly string[];
}

export interface AuthorizeResult {
  readonly idTokenInfo: { readonly status: string };
  readonly certificateStatus: string;
  readonly detail?: string;
}

export interface AuditEntry {
  readonly at: string;
  readonly organization: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditFinding {
  readonly code: string;
  readonly message: string;
}

export interface AuditVerification {
  readonly ok: boolean;
  readonly streams: number;
  readonly entries: number;
  readonly checkpoints: number;
  readonly findings: readonly AuditFinding[];
}

export interface Profile {
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly keys: readonly string[];
  /** Profiles of the authorities that may issue it. */
  readonly issuedBy: readonly string[];
}
