/** Whether an authority may sign a certificate of a profile, now and within its own limits. */

import type { DistinguishedName } from '../names.ts';
import type { Profile } from '../profile.ts';
import type { PublicKey } from '../public-key.ts';
import type { GeneralName } from '../template.ts';
import { type Violation, violation } from '../violations.ts';
import { type DnsConstraints, isPermittedDns } from './name-constraints.ts';
import { quote } from './quote.ts';

/** Name constraints as read from the issuer's certificate. */
interface IssuerConstraints extends DnsConstraints {
  /** Constraints on names of other kinds, such as directory names, as far as they are read. */
  readonly permittedOther?: readonly unknown[];
  readonly excludedOther?: readonly unknown[];
}

/** What policy knows of the generation of an authority that would sign. */
export interface IssuerFacts {
  readonly subject: DistinguishedName;
  /** DER of the subject, as in the issuer's certificate. */
  readonly subjectDer: Uint8Array;
  readonly publicKey: PublicKey;
  /** Its subject key identifier, as in its certificate. */
  readonly keyIdentifier: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Name of the authority's own profile. */
  readonly profile: string;
  readonly state: 'active' | 'awaiting-certificate' | 'retired' | 'revoked';
  readonly pathLength?: number;
  readonly nameConstraints?: IssuerConstraints;
  /** Purposes by the names of `oids.keyPurposes`; absent when its certificate has no such extension. */
  readonly extendedKeyUsage?: { readonly purposes: readonly string[] };
  /** Where its status and certificate are published, frozen at its creation. */
  readonly urls?: { readonly ocsp: string; readonly crl: string; readonly caIssuers: string };
}

/** Everything that stands between this issuer and a certificate of this profile. */
export function checkIssuer(
  profile: Profile,
  issuer: IssuerFacts | 'self',
  now: Date,
): readonly Violation[] {
  const isRoot = profile.kind === 'root-ca';
  if (issuer === 'self') {
    if (isRoot) return [];
    const message = `Only a root signs itself; ${profile.name} is a profile of kind ${profile.kind}.`;
    return [violation('issuer-not-allowed', message, 'issuer')];
  }
  const violations: Violation[] = [];
  if (isRoot) {
    const message = `${profile.name} is a profile of roots, which sign themselves.`;
    violations.push(violation('issuer-not-allowed', message, 'issuer'));
  } else if (profile.issuedBy.length > 0 && !profile.issuedBy.includes(issuer.profile)) {
    const message = `${profile.name} is issued by ${profile.issuedBy.join(', ')}, not by an authority of ${issuer.profile}.`;
    violations.push(violation('issuer-not-allowed', message, 'issuer'));
  }
  // A retired authority still answers for what it signed, so its responders are still renewed.
  const stillSigns = profile.kind === 'ocsp-responder' && issuer.state === 'retired';
  if (issuer.state !== 'active' && !stillSigns) {
    const message = `The authority is ${issuer.state}, not active.`;
    violations.push(violation('issuer-not-active', message, 'issuer'));
  }
  const time = now.getTime();
  if (time < issuer.notBefore.getTime() || time > issuer.notAfter.getTime()) {
    const [start, end] = [issuer.notBefore.toISOString(), issuer.notAfter.toISOString()];
    const message = `The issuer's certificate holds from ${start} to ${end}.`;
    violations.push(violation('issuer-not-valid', message, 'issuer'));
  }
  violations.push(...checkPathLength(profile, issuer), ...checkPurposes(profile, issuer));
  return violations;
}

/**
 * RFC 5280 4.2.1.9. A subordinate authority must say a path length below that of its issuer. One
 * that says none would still be bound by the issuer's, but it would claim more than it has.
 */
function checkPathLength(profile: Profile, { pathLength }: IssuerFacts): readonly Violation[] {
  const constraints = profile.extensions.basicConstraints;
  if (!constraints?.ca || pathLength === undefined) return [];
  if (constraints.pathLength !== undefined && constraints.pathLength < pathLength) return [];
  const asked = constraints.pathLength ?? 'unlimited';
  const message = `A path length of ${asked} does not fit below an authority with path length ${pathLength}.`;
  return [violation('path-length', message, 'extensions.basicConstraints')];
}

/**
 * Extended key usage nests: relying parties that read it in an authority's certificate accept
 * below it only the purposes that it names. OCSPSigning there is a purpose of the authority's own
 * key (V2G roots may carry it, ISO 15118-2 Annex F) and constrains nothing; and a responder is
 * trusted because its issuer made it one (RFC 6960 4.2.2.2).
 */
function checkPurposes(profile: Profile, issuer: IssuerFacts): readonly Violation[] {
  const limits =
    issuer.extendedKeyUsage?.purposes.filter((purpose) => purpose !== 'OCSPSigning') ?? [];
  if (limits.length === 0 || limits.includes('anyExtendedKeyUsage')) return [];
  if (profile.kind === 'ocsp-responder') return [];
  const purposes = profile.extensions.extendedKeyUsage?.purposes ?? ['any purpose'];
  const outside = purposes.filter((purpose) => !limits.includes(purpose));
  if (outside.length === 0) return [];
  const message = `The issuer may certify for ${limits.join(', ')}, not for ${outside.join(', ')}.`;
  return [violation('issuer-not-allowed', message, 'extensions.extendedKeyUsage')];
}

/**
 * RFC 5280 4.2.1.10, for DNS names. Under an issuer that constrains names of other kinds nothing
 * is issued: such constraints, on the subject too, would be left to relying parties to find.
 */
export function checkNameConstraints(
  names: readonly GeneralName[],
  issuer: IssuerFacts | 'self',
): readonly Violation[] {
  const constraints = issuer === 'self' ? undefined : issuer.nameConstraints;
  if (constraints === undefined) return [];
  const outside = names
    .filter(({ kind, value }) => kind === 'dns' && !isPermittedDns(value, constraints))
    .map(({ value }) => {
      const message = `${quote(value)} is outside the name constraints of the issuer.`;
      return violation('name-constraint', message, 'extensions.subjectAltName');
    });
  const { permittedOther = [], excludedOther = [] } = constraints;
  if (permittedOther.length + excludedOther.length === 0) return outside;
  const message = 'The issuer constrains names of kinds that evpki cannot compare.';
  return [...outside, violation('name-constraint', message, 'issuer')];
}
