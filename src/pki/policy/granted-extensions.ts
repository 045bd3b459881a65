/** The extensions of a certificate, made of the profile and of facts about issuer and key. */

import { keyIdentifier } from '../key-identifier.ts';
import { grantedKeyUsages, type Profile } from '../profile.ts';
import type { PublicKey } from '../public-key.ts';
import type { ExtensionSet, GeneralName } from '../template.ts';
import { type Violation, violation } from '../violations.ts';
import type { IssuerFacts } from './issuer.ts';

export interface GrantInput {
  readonly profile: Profile;
  readonly issuer: IssuerFacts | 'self';
  readonly key: PublicKey;
  readonly names: readonly GeneralName[];
  /** That of the key, as another certificate has it already; it is made of the key without. */
  readonly keyIdentifier?: Uint8Array | undefined;
}

/** What the profile says, with the identifiers of keys and the issuer's addresses filled in. */
export function grantedExtensions(input: GrantInput): ExtensionSet {
  const { profile, issuer, key, names } = input;
  const given = profile.extensions;
  const urls = issuer === 'self' ? undefined : issuer.urls;
  const { critical } = given.keyUsage;
  const granted: Mutable<ExtensionSet> = {
    keyUsage: { critical, usages: grantedKeyUsages(profile, key.algorithm) },
  };
  if (given.basicConstraints) granted.basicConstraints = given.basicConstraints;
  if (given.extendedKeyUsage) granted.extendedKeyUsage = given.extendedKeyUsage;
  if (given.subjectKeyIdentifier) {
    const { critical, octets } = given.subjectKeyIdentifier;
    const value = input.keyIdentifier ?? keyIdentifier(key, octets);
    granted.subjectKeyIdentifier = { critical, value };
  }
  if (given.authorityKeyIdentifier) {
    const value =
      issuer === 'self'
        ? keyIdentifier(key, given.subjectKeyIdentifier?.octets ?? 20)
        : issuer.keyIdentifier;
    granted.authorityKeyIdentifier = { critical: given.authorityKeyIdentifier.critical, value };
  }
  if (given.subjectAltName && names.length > 0) {
    granted.subjectAltName = { critical: given.subjectAltName.critical, names };
  }
  if (given.certificatePolicies) granted.certificatePolicies = given.certificatePolicies;
  if (given.crlDistributionPoints && urls) {
    const { critical } = given.crlDistributionPoints;
    granted.crlDistributionPoints = { critical, urls: [urls.crl] };
  }
  if (given.authorityInfoAccess && urls) {
    const { critical, ocsp, caIssuers } = given.authorityInfoAccess;
    granted.authorityInfoAccess = {
      critical,
      ocsp: ocsp ? [urls.ocsp] : [],
      caIssuers: caIssuers ? [urls.caIssuers] : [],
    };
  }
  if (given.ocspNoCheck) granted.ocspNoCheck = given.ocspNoCheck;
  return granted;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/**
 * A profile that says where the status of a certificate is found cannot be had from an authority
 * without addresses: leaving them out would make certificates that nobody can check.
 */
export function checkAddresses(
  { extensions }: Profile,
  issuer: IssuerFacts | 'self',
): readonly Violation[] {
  const wanted = extensions.crlDistributionPoints ?? extensions.authorityInfoAccess;
  if (wanted === undefined || (issuer !== 'self' && issuer.urls)) return [];
  const message = 'The profile says where to find the status, and the issuer has no addresses.';
  return [violation('issuer-without-addresses', message, 'issuer')];
}
