/**
 * Certificate profiles: what evpki will certify, for whom, for how long, and every byte of it.
 * A profile is written in `policies/*.yaml` (see `profile-file.ts`, which validates it into this
 * frozen value); a request contributes its public key and only the values a profile takes from it.
 */

import type { KeyAlgorithm } from './public-key.ts';
import type { KeyUsage } from './template.ts';

/** Keys that share what they can be used for: ECDSA and ECDH, Ed25519 and Ed448, RSA. */
export const keyFamilies = ['EC', 'EdDSA', 'RSA'] as const;
export type KeyFamily = (typeof keyFamilies)[number];

/** What a certificate of a profile is for: the certificate types of ISO 15118, OCPP and evpki. */
export const certificateKinds = [
  'root-ca',
  'sub-ca',
  'cross-ca',
  'secc',
  'station',
  'station-combined',
  'vehicle',
  'oem-provisioning',
  'contract',
  'cps',
  'csms-server',
  'local-controller',
  'firmware-signing',
  'ocsp-responder',
  'tls-server',
] as const;
export type CertificateKind = (typeof certificateKinds)[number];

/** What the certificates below a root can be validated for. */
export const validationPurposes = [
  'oem-provisioning',
  'contract-validation',
  'v2g',
  /** Factory certificates of those who enrol by EST. */
  'est-client',
] as const;
export type ValidationPurpose = (typeof validationPurposes)[number];

/**
 * What a root is in the pool of root certificates: of charging, of a mobility operator, of a
 * vehicle maker, of a private environment.
 */
export const rootTypes = ['V2G', 'MO', 'OEM', 'PE'] as const;
export type RootType = (typeof rootTypes)[number];

/** The forms that a subject value can be demanded in; each has a parser that normalises it. */
export const valueForms = [
  'common-name',
  'organization-name',
  'country',
  'station-serial-number',
  'secc-id',
  'evcc-id',
  'emaid',
  'pcid',
  'dns-name',
] as const;
export type ValueForm = (typeof valueForms)[number];

/** Registered facts that a subject value can be taken from or must equal. */
export const registeredFacts = [
  'organization.name',
  'organization.country',
  'authority.name',
  'station.identity',
  'station.serialNumber',
  'station.seccId',
  'contract.emaid',
  'provisioning.pcid',
  'vehicle.evccId',
  'server.host',
] as const;
export type RegisteredFact = (typeof registeredFacts)[number];

/** Where a subject attribute's value comes from. */
export type SubjectSource =
  /** Always this text. */
  | { readonly from: 'fixed'; readonly value: string }
  /** What is registered; a different value in the request is ignored. */
  | { readonly from: 'registered'; readonly fact: RegisteredFact; readonly form: ValueForm }
  /** What the request says, in the given form; must equal `equals` where that fact is known. */
  | { readonly from: 'request'; readonly form: ValueForm; readonly equals?: RegisteredFact };

export interface SubjectRule {
  /** `CN`, `O`, `OU`, `C` or `DC`. */
  readonly attribute: 'CN' | 'O' | 'OU' | 'C' | 'DC';
  readonly source: SubjectSource;
  /** Left out when the source has no value; otherwise a missing value is a violation. */
  readonly optional: boolean;
}

export interface Profile {
  /** As requests name it, e.g. `ocpp-station`: the file's name without `.yaml`. */
  readonly name: string;
  /** For people: what the certificate is. */
  readonly title: string;
  /** The clause that it implements, e.g. `ISO 15118-2 Annex F`. */
  readonly standard: string;
  readonly kind: CertificateKind;
  /** SHA-256 of the canonical form of what the operator wrote, hex: kept with each certificate. */
  readonly hash: string;
  /** In the order in which they are written into the name. */
  readonly subject: readonly SubjectRule[];
  readonly keys: readonly KeyAlgorithm[];
  /** Names of the profiles whose authorities may issue it; empty means any authority. */
  readonly issuedBy: readonly string[];
  /** Of roots: what chains that end at one are accepted for, without anybody importing it. */
  readonly anchorFor?: readonly ValidationPurpose[];
  /** Of roots: as what the pool of root certificates lists them; not at all without. */
  readonly rootType?: RootType;
  /**
   * Of authorities whose key is handed out (docs/adr/0032-exported-issuers.md), and which are made
   * in no other way: the profile that certificates of theirs are held against when they are
   * imported.
   */
  readonly exported?: { readonly leaves: string };
  readonly validity: {
    /** Milliseconds, as are the others. */
    readonly default: number;
    readonly maximum: number;
    /** Clamping to the issuer's end below this is refused. */
    readonly minimum: number;
    readonly backdate: number;
  };
  readonly extensions: {
    readonly basicConstraints?: {
      readonly critical: boolean;
      readonly ca: boolean;
      readonly pathLength?: number;
    };
    readonly keyUsage: {
      readonly critical: boolean;
      readonly usages: readonly KeyUsage[];
      /** Instead of `usages` for keys of a family; see `grantedKeyUsages`. */
      readonly byKey?: { readonly [family in KeyFamily]?: readonly KeyUsage[] };
    };
    readonly extendedKeyUsage?: {
      readonly critical: boolean;
      readonly purposes: readonly string[];
    };
    /** `octets`: 8 is RFC 5280 method 2 (ISO 15118), 20 is method 1. */
    readonly subjectKeyIdentifier?: { readonly critical: boolean; readonly octets: 8 | 20 };
    readonly authorityKeyIdentifier?: { readonly critical: boolean };
    readonly certificatePolicies?: {
      readonly critical: boolean;
      readonly policies: readonly string[];
    };
    /** Taken from the request; `includeCommonName` adds the CN, which is a host, if it is not there. */
    readonly subjectAltName?: {
      readonly critical: boolean;
      readonly kinds: readonly ('dns' | 'ip' | 'uri')[];
      readonly required: boolean;
      readonly wildcards: boolean;
      readonly includeCommonName: boolean;
    };
    readonly crlDistributionPoints?: { readonly critical: boolean };
    readonly authorityInfoAccess?: {
      readonly critical: boolean;
      readonly ocsp: boolean;
      readonly caIssuers: boolean;
    };
    readonly ocspNoCheck?: { readonly critical: boolean };
  };
  readonly request: {
    /**
     * Extensions (names of `oids.extensions`) that a request may carry: their values are granted
     * if they ask for no more than the profile gives, and are a violation otherwise.
     */
    readonly allowedExtensions: readonly string[];
    /**
     * Extensions that a request may carry and that have no influence: chargers ask for them by
     * habit. The certificate says what the profile says.
     */
    readonly ignoredExtensions?: readonly string[];
    /** The same request within this time gets the same certificate; milliseconds, 0 for never. */
    readonly repeatWindow: number;
    /** A second person has to approve every request. */
    readonly approval: boolean;
    /** Whether a certificate may be renewed without a new key. */
    readonly sameKeyRenewal?: boolean;
    /** When a certificate can be renewed; milliseconds. */
    readonly renewal: {
      /** How long before its end at the earliest; at any time without. */
      readonly window?: number;
      /** How long after its end it still vouches for its names. */
      readonly grace: number;
    };
  };
  /** For authorities: how long an OCSP answer about their certificates is valid, milliseconds. */
  readonly ocspValidity: number;
  /** For authorities: how long a CRL is valid, milliseconds. */
  readonly crlValidity: number;
  /** Largest DER size in bytes that the standard allows, if it names one. */
  readonly maximumSize?: number;
}

export function keyFamily(algorithm: KeyAlgorithm): KeyFamily {
  if (algorithm.startsWith('P-')) return 'EC';
  return algorithm.startsWith('RSA') ? 'RSA' : 'EdDSA';
}

/**
 * The key usages that a certificate of this profile gets for a key of this type: keys differ in
 * what they can do (RFC 8813 3, RFC 9295 3, RFC 3279 2.3.1), so a profile may name usages by
 * family.
 */
export function grantedKeyUsages(profile: Profile, algorithm: KeyAlgorithm): readonly KeyUsage[] {
  const { usages, byKey } = profile.extensions.keyUsage;
  return byKey?.[keyFamily(algorithm)] ?? usages;
}
