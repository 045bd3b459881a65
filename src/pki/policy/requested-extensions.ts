/**
 * What a request may ask for in its extensions. Nothing is copied from them into a certificate
 * except alternative names; the rest is compared with what the profile gives, because a requester
 * who asks for more has misunderstood something, or hopes that nobody looks (RFC 5280 4.2,
 * RFC 2986). Asking for less is fine: chargers ask for what their firmware was written with.
 */

import { DerError } from '../der-element.ts';
import type { AnyGeneralName } from '../extensions/general-names.ts';
import { type CertificateExtensions, readExtensionSet } from '../extensions/read.ts';
import { extensions as oids } from '../oids.ts';
import { grantedKeyUsages, type Profile } from '../profile.ts';
import type { KeyAlgorithm } from '../public-key.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { type Violation, violation } from '../violations.ts';

export interface RequestedExtensions {
  /** Undefined when the request has no subject alternative name that could be read. */
  readonly alternativeNames: readonly AnyGeneralName[] | undefined;
  readonly violations: readonly Violation[];
}

const nameByOid: ReadonlyMap<string, string> = new Map(
  Object.entries(oids).map(([name, dotted]) => [dotted, name]),
);

/**
 * Checks every extension of a request: that it occurs once, is one that the profile takes, can be
 * read, and asks for no more than the profile gives. Those that the profile ignores only have to
 * be single. Criticality is not looked at: that of the certificate is the profile's.
 */
export function checkRequestedExtensions(
  raw: readonly RawExtension[],
  profile: Profile,
  key: KeyAlgorithm,
): RequestedExtensions {
  const violations: Violation[] = [];
  let alternativeNames: readonly AnyGeneralName[] | undefined;
  const seen = new Set<string>();
  for (const extension of raw) {
    const name = nameByOid.get(extension.oid) ?? extension.oid;
    const field = `extensions.${name}`;
    if (seen.has(extension.oid)) {
      const message = `The extension ${name} is requested more than once.`;
      violations.push(violation('extension-duplicate', message, field));
      continue;
    }
    seen.add(extension.oid);
    if (profile.request.ignoredExtensions?.includes(name)) continue;
    if (!profile.request.allowedExtensions.includes(name)) {
      const message = `${profile.name} takes no extension ${name} from a request.`;
      violations.push(violation('extension-forbidden', message, field));
      continue;
    }
    const read = readOne(extension);
    if (typeof read === 'string') {
      violations.push(violation('extension-malformed', `${read}.`, field));
      continue;
    }
    alternativeNames ??= read.subjectAltName?.names;
    for (const excess of excessOf(name, read, profile, key)) {
      violations.push(violation('extension-mismatch', excess, field));
    }
  }
  return { alternativeNames, violations };
}

/** The one extension interpreted, or why it cannot be. */
function readOne(extension: RawExtension): CertificateExtensions | string {
  try {
    return readExtensionSet([extension]);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

/** Sentences on what an extension asks for beyond what the profile gives. */
function excessOf(
  name: string,
  asked: CertificateExtensions,
  profile: Profile,
  key: KeyAlgorithm,
): readonly string[] {
  const given = profile.extensions;
  switch (name) {
    case 'basicConstraints':
      return excessConstraints(asked.basicConstraints, given.basicConstraints);
    case 'keyUsage':
      // Firmware asks for the same usages whatever its key; by family only the grant differs.
      return outside('the key usage', asked.keyUsage?.usages, [
        ...given.keyUsage.usages,
        ...grantedKeyUsages(profile, key),
      ]);
    case 'extendedKeyUsage':
      return excessPurposes(asked.extendedKeyUsage?.purposes, given.extendedKeyUsage?.purposes);
    case 'subjectAltName':
      // Which names are given is decided in `alternative-names.ts`.
      return [];
    default:
      // Key identifiers, distribution points, policies, name constraints: a requester has no say.
      return [`What ${name} says is for the profile and the authority, not for a request.`];
  }
}

/** A path length that the request leaves out is no wish for an unlimited one. */
function excessConstraints(
  asked: CertificateExtensions['basicConstraints'],
  given: Profile['extensions']['basicConstraints'],
): readonly string[] {
  const isAuthority = given?.ca ?? false;
  if (asked && asked.ca !== isAuthority) {
    return [
      asked.ca
        ? 'The request asks to be a certification authority, which the profile is not for.'
        : 'The request asks not to be a certification authority, which the profile is for.',
    ];
  }
  const [wanted, limit] = [asked?.pathLength, given?.pathLength];
  if (wanted === undefined || (isAuthority && (limit === undefined || wanted <= limit))) return [];
  return [`The path length ${wanted} is more than the profile gives.`];
}

function excessPurposes(
  asked: readonly string[] = [],
  given: readonly string[] = [],
): readonly string[] {
  // Refused even where a profile should name it: nobody certifies for all purposes there are.
  const allowed = given.filter((purpose) => purpose !== 'anyExtendedKeyUsage');
  return outside('the purpose', asked, allowed);
}

const outside = (
  what: string,
  asked: readonly string[] = [],
  given: readonly string[] = [],
): readonly string[] =>
  asked
    .filter((one) => !given.includes(one))
    .map((one) => `The request asks for ${what} ${one}, which the profile does not give.`);
