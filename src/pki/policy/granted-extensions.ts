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
}

/** What the profile says, with the identifiers of keys and the issuer's addresses filled in. */
export function grantedExtensions({ profile, issuer, key, names }: GrantInput): ExtensionSet {
  const given = profile.extensions;
  const urls = issuer === 'self' ? undefined : issuer.urls;
  return {
    ...(given.basicConstraints && { basicConstraints: given.basicConstraints }),
    keyUsage: {
      critical: given.keyUsage.critical,
      usages: grantedKeyUsages(profile, key.algorithm),
    },
    ...(given.extendedKeyUsage && { extendedKeyUsage: given.extendedKeyUsage }),
    ...(given.subjectKeyIdentifier && {
      subjectKeyIdentifier: {
        critical: given.subjectKeyIdentifier.critical,
        value: keyIdentifier(key, given.subjectKeyIdentifier.octets),
      },
    }),
    ...(given.authorityKeyIdentifier && {
      authorityKeyIdentifier: {
        critical: given.authorityKeyIdentifier.critical,
        value:
          issuer === 'self'
            ? keyIdentifier(key, given.subjectKeyIdentifier?.octets ?? 20)
            : issuer.keyIdentifier,
      },
    }),
    ...(given.subjectAltName &&
      names.length > 0 && {
        subjectAltName: { critical: given.subjectAltName.critical, names },
      }),
    ...(given.certificatePolicies && { certificatePolicies: given.certificatePolicies }),
    ...(given.crlDistributionPoints &&
      urls && {
        crlDistributionPoints: { critical: given.crlDistributionPoints.critical, urls: [urls.crl] },
      }),
    ...(given.authorityInfoAccess &&
      urls && {
        authorityInfoAccess: {
          critical: given.authorityInfoAccess.critical,
          ocsp: given.authorityInfoAccess.ocsp ? [urls.ocsp] : [],
          caIssuers: given.authorityInfoAccess.caIssuers ? [urls.caIssuers] : [],
        },
      }),
    ...(given.ocspNoCheck && { ocspNoCheck: given.ocspNoCheck }),
  };
}

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
