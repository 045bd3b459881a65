/**
 * What a certificate will say, decided by policy and not yet bytes. Everything that ends up in
 * the certificate is in here; the builder adds nothing of its own.
 */

import type { DistinguishedName } from './names.ts';
import type { KeyAlgorithm } from './public-key.ts';
import type { SignatureAlgorithm } from './signature-algorithm.ts';

export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** A bit of the key usage extension, in the order of its bit numbers (RFC 5280 4.2.1.3). */
export type KeyUsage = (typeof keyUsages)[number];

/** A subject alternative name that evpki issues (RFC 5280 4.2.1.6). */
export type GeneralName =
  | { readonly kind: 'dns'; readonly value: string }
  /** Textual IPv4 or IPv6 address. */
  | { readonly kind: 'ip'; readonly value: string }
  | { readonly kind: 'uri'; readonly value: string };

/** The extensions that evpki can issue, each with its criticality. Absent means not issued. */
export interface ExtensionSet {
  readonly basicConstraints?: {
    readonly critical: boolean;
    readonly ca: boolean;
    /** Only with `ca`. */
    readonly pathLength?: number;
  };
  readonly keyUsage?: { readonly critical: boolean; readonly usages: readonly KeyUsage[] };
  /** Purposes by the names of `oids.keyPurposes`, or dotted. */
  readonly extendedKeyUsage?: { readonly critical: boolean; readonly purposes: readonly string[] };
  readonly subjectKeyIdentifier?: { readonly critical: boolean; readonly value: Uint8Array };
  readonly authorityKeyIdentifier?: { readonly critical: boolean; readonly value: Uint8Array };
  readonly subjectAltName?: { readonly critical: boolean; readonly names: readonly GeneralName[] };
  readonly certificatePolicies?: {
    readonly critical: boolean;
    /** Dotted policy OIDs, without qualifiers. */
    readonly policies: readonly string[];
  };
  readonly nameConstraints?: {
    readonly critical: boolean;
    readonly permittedDns?: readonly string[];
    readonly excludedDns?: readonly string[];
  };
  /** Absolute http URLs. */
  readonly crlDistributionPoints?: { readonly critical: boolean; readonly urls: readonly string[] };
  /** Absolute http URLs. */
  readonly authorityInfoAccess?: {
    readonly critical: boolean;
    readonly ocsp: readonly string[];
    readonly caIssuers: readonly string[];
  };
  /** id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1); never critical. */
  readonly ocspNoCheck?: { readonly critical: boolean };
}

export interface CertificateTemplate {
  /** 1 to 20 octets, positive, without leading zeros (RFC 5280 4.1.2.2). */
  readonly serialNumber: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  /** DER of the issuer's subject, byte for byte as in the issuer's certificate. */
  readonly issuerName: Uint8Array;
  /** Whole seconds; both ends are inside the validity period. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: DistinguishedName;
  /** DER of the subject where it is somebody's already, to be repeated byte for byte. */
  readonly subjectDer?: Uint8Array | undefined;
  readonly keyAlgorithm: KeyAlgorithm;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: ExtensionSet;
}
