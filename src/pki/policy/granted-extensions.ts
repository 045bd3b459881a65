/** The extensions of a certificate, made of the profile and of facts about issuer and key. */

import { keyIdentifier } from '../key-identifier.ts';
import { grantedKeyUsages, type Profile } from '../profile.ts';
import type { KeyAlgorithm, PublicKey } from '../public-key.ts';
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
  const recurring = recurringMembers(profile, urls, key.algorithm);
  const granted: Mutable<ExtensionSet> = { keyUsage: recurring.keyUsage };
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
  const { crlDistributionPoints, authorityInfoAccess } = recurring;
  if (crlDistributionPoints) granted.crlDistributionPoints = crlDistributionPoints;
  if (authorityInfoAccess) granted.authorityInfoAccess = authorityInfoAccess;
  if (given.ocspNoCheck) granted.ocspNoCheck = given.ocspNoCheck;
  return granted;
}

type Addresses = NonNullable<IssuerFacts['urls']>;

/** Members that are the same for all keys of a type: frozen, so that they are encoded once. */
type RecurringMembers = Required<Pick<ExtensionSet, 'keyUsage'>> &
  Pick<ExtensionSet, 'crlDistributionPoints' | 'authorityInfoAccess'>;

interface KnownMembers {
  /** What the addresses were; their object says nothing about that. */
  readonly urls: Addresses;
  readonly byKey: Map<KeyAlgorithm, RecurringMembers>;
}

// Forgotten with the profile, the issuer, or both.
const known = new WeakMap<Profile, WeakMap<Addresses, KnownMembers>>();

function recurringMembers(
  profile: Profile,
  urls: Addresses | undefined,
  key: KeyAlgorithm,
): RecurringMembers {
  // A profile that could still be changed may be another the next time.
  if (urls === undefined || !Object.isFrozen(profile)) return makeMembers(profile, urls, key);
  let ofProfile = known.get(profile);
  if (!ofProfile) {
    ofProfile = new WeakMap();
    known.set(profile, ofProfile);
  }
  let ofIssuer = ofProfile.get(urls);
  if (!ofIssuer || !isSameAddresses(ofIssuer.urls, urls)) {
    ofIssuer = { urls: { ...urls }, byKey: new Map() };
    ofProfile.set(urls, ofIssuer);
  }
  const members = ofIssuer.byKey.get(key) ?? makeMembers(profile, urls, key);
  ofIssuer.byKey.set(key, members);
  return members;
}

const isSameAddresses = (a: Addresses, b: Addresses): boolean =>
  a.ocsp === b.ocsp && a.crl === b.crl && a.caIssuers === b.caIssuers;

function makeMembers(
  profile: Profile,
  urls: Addresses | undefined,
  key: KeyAlgorithm,
): RecurringMembers {
  const { keyUsage, crlDistributionPoints, authorityInfoAccess } = profile.extensions;
  const list = (...items: string[]) => Object.freeze(items);
  return {
    keyUsage: Object.freeze({
      critical: keyUsage.critical,
      usages: grantedKeyUsages(profile, key),
    }),
    ...(crlDistributionPoints &&
      urls && {
        crlDistributionPoints: Object.freeze({
          critical: crlDistributionPoints.critical,
          urls: list(urls.crl),
        }),
      }),
    ...(authorityInfoAccess &&
      urls && {
        authorityInfoAccess: Object.freeze({
          critical: authorityInfoAccess.critical,
          ocsp: authorityInfoAccess.ocsp ? list(urls.ocsp) : list(),
          caIssuers: authorityInfoAccess.caIssuers ? list(urls.caIssuers) : list(),
        }),
      }),
  };
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
