/**
 * Policy: whether something is certified, and what the certificate will say. The only place where
 * that is decided; what comes in at any door goes through `decide`, and what comes out is bytes
 * after `build-certificate.ts` and nothing else. It reads no clock and no database: everything
 * that it needs to know is in its input.
 */

import { sameBytes } from './byte-order.ts';
import { attributeValue, type DistinguishedName, sameName, writeName } from './names.ts';
import { decideNames } from './policy/alternative-names.ts';
import { type CertifiedRoot, certifiedSubject } from './policy/certified.ts';
import { checkCommonName } from './policy/common-name.ts';
import { checkAddresses, grantedExtensions } from './policy/granted-extensions.ts';
import { checkIssuer, checkNameConstraints, type IssuerFacts } from './policy/issuer.ts';
import { checkRenewal, type RenewedFacts } from './policy/renewal.ts';
import { checkRequestedExtensions } from './policy/requested-extensions.ts';
import { buildSubject, type Facts } from './policy/subject.ts';
import { decideValidity } from './policy/validity.ts';
import type { Profile } from './profile.ts';
import type { CertificationRequest } from './request.ts';
import { signatureAlgorithmFor } from './signature-algorithm.ts';
import type { CertificateTemplate, GeneralName } from './template.ts';
import { accepted, type Checked, refused, type Violation, violation } from './violations.ts';

export type { IssuerFacts } from './policy/issuer.ts';

export interface PolicyInput {
  /** A request whose signature has been verified, or what evpki asks of itself. */
  readonly request: Pick<CertificationRequest, 'subject' | 'publicKey' | 'extensions'>;
  readonly profile: Profile;
  /** `self` for a root, which signs itself. */
  readonly issuer: IssuerFacts | 'self';
  readonly facts: Facts;
  readonly keyHistory: {
    /** On the block list, or revoked as compromised. */
    readonly blocked: boolean;
    /** The key of an authority, of whatever organization. */
    readonly ofAuthority: boolean;
    readonly certifiedForOther: boolean;
  };
  readonly now: Date;
  /** 1 to 20 octets, the first between 0x01 and 0x7f (RFC 5280 4.1.2.2). */
  readonly serialNumber: Uint8Array;
  /** The end that was asked for; the profile's default without. */
  readonly notAfter?: Date;
  /** The subject key is that of an authority of evpki, made for this certificate. */
  readonly authorityKeys?: boolean;
  /**
   * The hosts (DNS names and IP addresses) that the requester may have as alternative names.
   * Without it, names are checked for their form only.
   */
  readonly hosts?: readonly string[];
  /** The common name is that of another station: one must not be taken for the other. */
  readonly nameTaken?: boolean;
  /** Nothing is to be certified for the station that it is for. */
  readonly stationRefused?: boolean;
  /** The common name is an EVSE or SECC id of this operator, which the organization may not use. */
  readonly foreignOperator?: string;
  /** The certificate that this one renews. */
  readonly renewed?: RenewedFacts;
  /** The root that a cross-certificate is for; `request` has nothing but its key. */
  readonly certified?: CertifiedRoot;
}

/**
 * A template of the certificate, or every reason against it. Throws only on what no request can
 * cause, such as a fixed value in a profile that no name can hold.
 */
export function decide(input: PolicyInput): Checked<CertificateTemplate> {
  const { request, profile, issuer, now } = input;
  const key = request.publicKey;
  const subject = input.certified
    ? certifiedSubject(profile.subject, input.certified)
    : buildSubject(profile.subject, request.subject, input.facts);
  const requested = checkRequestedExtensions(request.extensions, profile, key.algorithm);
  const commonName = attributeValue(subject.subject, 'CN');
  const alternativeNames = decideNames({
    rules: profile.extensions.subjectAltName,
    requested: requested.alternativeNames,
    commonName,
    hosts: input.hosts,
  });
  const validity = decideValidity({
    rules: profile.validity,
    now,
    issuer: issuer === 'self' ? undefined : issuer,
    requestedEnd: input.notAfter,
  });
  const violations = [
    ...checkKey(input),
    ...checkCertified(input),
    ...subject.violations,
    ...(input.nameTaken ? [nameTaken] : []),
    ...(input.stationRefused ? [stationRefused] : []),
    ...(input.foreignOperator ? [operatorNotAllowed(input.foreignOperator, 'subject.CN')] : []),
    ...checkDistinctFromIssuer(subject.subject, input),
    ...requested.violations,
    ...alternativeNames.violations,
    ...(alternativeNames.violations.length > 0
      ? []
      : checkCommonName(profile, commonName, alternativeNames.names)),
    ...validity.violations,
    ...checkIssuer(profile, issuer, now),
    ...checkNameConstraints(alternativeNames.names, issuer),
    ...checkAddresses(profile, issuer),
    ...checkRenewed(input, subject.subject, alternativeNames.names),
  ];
  if (violations.length > 0) return refused(...violations);

  const issuerKey = issuer === 'self' ? key : issuer.publicKey;
  return accepted({
    serialNumber: input.serialNumber,
    signatureAlgorithm: signatureAlgorithmFor(issuerKey.algorithm),
    issuerName: issuer === 'self' ? writeName(subject.subject) : issuer.subjectDer,
    notBefore: validity.period.notBefore,
    notAfter: validity.period.notAfter,
    subject: subject.subject,
    subjectDer: input.certified?.subjectDer,
    keyAlgorithm: key.algorithm,
    spki: key.spki,
    extensions: grantedExtensions({
      profile,
      issuer,
      key,
      names: alternativeNames.names,
      keyIdentifier: input.certified?.keyIdentifier,
    }),
  });
}

/** Reasons that may come up after the decision, too: somebody else was faster. */
export const nameTaken = violation(
  'station-name-taken',
  'The common name is that of another station.',
  'subject.CN',
);
const stationRefused = violation(
  'station-refused',
  'The enrolment of the station is refused; whoever registers stations may allow it.',
  'station',
);
export const keyBlocked = violation(
  'key-blocked',
  'The key is on the block list, or was revoked as compromised.',
  'publicKey',
);
export const keyInUse = violation(
  'key-in-use',
  'The key is already certified for another subject.',
  'publicKey',
);

export const operatorNotAllowed = (operator: string, field: string): Violation =>
  violation(
    'operator-not-allowed',
    `It is an EVSE or SECC id of the operator ${operator}, which is none of the organization's.`,
    field,
  );

/**
 * A cross-certificate with a subject of ours would be one more certificate of an authority; and no
 * other kind takes the name and the key of somebody else as they are.
 */
function checkCertified({ profile, certified }: PolicyInput): readonly Violation[] {
  if ((profile.kind === 'cross-ca') === (certified !== undefined)) return [];
  const message = certified
    ? `${profile.name} is a profile of kind ${profile.kind}, not of cross-certificates.`
    : `${profile.name} is a profile of cross-certificates, and no root is given to certify.`;
  return [violation('certified-root', message, 'certified')];
}

/**
 * Chains are built by name, so nobody below an authority may carry its name, or one that differs
 * in case and spaces only (RFC 5280 7.1).
 */
function checkDistinctFromIssuer(
  subject: DistinguishedName,
  { issuer }: PolicyInput,
): readonly Violation[] {
  if (issuer === 'self') return [];
  if (!sameName(subject, issuer.subject)) return [];
  return [violation('subject-of-issuer', 'The subject is the name of the issuer.', 'subject')];
}

const checkRenewed = (
  { renewed, profile, request }: PolicyInput,
  subject: DistinguishedName,
  names: readonly GeneralName[],
): readonly Violation[] =>
  renewed ? checkRenewal({ renewed, profile, subject, names, spki: request.publicKey.spki }) : [];

/** Whether this key may be certified at all, and under this profile. */
function checkKey({
  request,
  profile,
  issuer,
  keyHistory,
  authorityKeys,
}: PolicyInput): readonly Violation[] {
  const { publicKey } = request;
  const violations: Violation[] = [];
  const refuse = (code: Violation['code'], message: string) =>
    violations.push(violation(code, message, 'publicKey'));
  if (!profile.keys.includes(publicKey.algorithm)) {
    const allowed = profile.keys.join(', ');
    refuse('key-type', `The key is ${publicKey.algorithm}; ${profile.name} allows ${allowed}.`);
  }
  if (keyHistory.blocked) violations.push(keyBlocked);
  const isIssuers = issuer !== 'self' && sameBytes(publicKey.spki, issuer.publicKey.spki);
  // An authority's new key is on record as such before its certificate exists. That of its own
  // issuer is never right: the two would answer for each other.
  if (isIssuers || (keyHistory.ofAuthority && !authorityKeys)) {
    refuse('key-of-authority', 'The key belongs to a certification authority.');
  }
  if (keyHistory.certifiedForOther) violations.push(keyInUse);
  return violations;
}
