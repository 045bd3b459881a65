/**
 * Cross-certification: an authority of ours certifies the key of another root, so that whoever
 * trusts ours reaches what is below theirs. What is brought is that root's own certificate. That
 * it is self-signed proves that the key is its holder's; everything else about it is checked as
 * for an activation, and every reason against it is named at once.
 */

import { type Certificate, fingerprint } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { nameText } from '../pki/names.ts';
import type { Profile } from '../pki/profile.ts';
import type { Violation } from '../pki/violations.ts';
import {
  type AccessPolicy,
  type Principal,
  type ProposableAction,
  requireKind,
} from './access-policy.ts';
import type { Authority } from './authority-records.ts';
import type { CertificateStore } from './certificate-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import {
  type IssueCommand,
  type IssuingParts,
  issueCertificate,
  objectionsTo,
  objectionsToBytes,
} from './issuing.ts';
import type { ProposalApproval } from './proposal-records.ts';
import { readRootCertificate, rootFault, rootFaults, rootRefused } from './root-certificates.ts';

export const CROSS_CERTIFY = 'authorities:cross-certify' as const satisfies ProposableAction;

export interface CrossCertificationParts extends IssuingParts {
  readonly certificates: Pick<CertificateStore, 'isBlockedKey' | 'isCertifiedForOther'>;
  readonly issuers: Issuers;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
}

/** A cross-certificate that nothing speaks against. */
export interface CrossCertification {
  readonly root: Certificate;
  readonly profile: Profile;
  readonly issuer: ReadyIssuer;
  readonly input: IssueCommand['input'];
}

/**
 * Looks whether another root can be certified by an authority that the caller reaches.
 * @param pem the other root's own certificate
 * @throws ServiceError `root-refused` with every reason, `not-permitted` naming the kind of
 *   certificates, `authority-not-active`, `declarations-superseded`
 */
export async function crossCertification(
  parts: CrossCertificationParts,
  principal: Principal,
  authority: Authority,
  pem: string,
): Promise<CrossCertification> {
  requireKind(parts.access, principal, CROSS_CERTIFY, 'cross-ca');
  const profile = crossProfile(parts.profiles, authority);
  await parts.declarations.requireActive();
  const issuer = await parts.issuers.current(authority);
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not active`);

  const root = readRootCertificate(pem);
  const input = await policyInput(parts, root, profile, issuer);
  const violations = [
    ...crossFaults(root, profile, parts.clock()),
    ...(input ? objectionsTo(parts, input) : []),
  ];
  if (violations.length > 0 || !input) throw refused(violations);
  const { signer, lint: lintIssuer } = issuer;
  const objections = objectionsToBytes(parts, { input, signer, lintIssuer });
  if (objections.length > 0) throw refused(objections);
  return { root, profile, issuer, input };
}

/**
 * Issues a cross-certificate. It asks no second person: that is for `crossCertifyOrPropose`, and
 * what that one has agreed to comes as an approval.
 * @returns the id of the cross-certificate; `not-waiting`, and nothing done, when its approval is
 *   for what waits no more
 * @throws ServiceError `root-refused`, `authority-not-active`, and as `issueCertificate`
 */
export async function crossCertify(
  parts: CrossCertificationParts,
  principal: Principal,
  authority: Authority,
  { issuer, input }: CrossCertification,
  proposal?: ProposalApproval,
): Promise<{ readonly certificateId: string } | 'not-waiting'> {
  const result = await issueCertificate(parts, {
    input,
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: authority.organizationId,
    actor: principal.actor,
    ...(proposal ? { proposal } : {}),
  });
  if (result.outcome === 'refused') throw refused(result.violations);
  if (result.outcome === 'not-waiting') return result.outcome;
  if (result.outcome !== 'issued') {
    throw new ServiceError('authority-not-active', `${authority.id} has stopped signing`);
  }
  return { certificateId: result.certificateId };
}

/** The profile by which an authority of this profile certifies other roots. */
function crossProfile(
  profiles: ReadonlyMap<string, Profile>,
  authority: Pick<Authority, 'id' | 'profile'>,
): Profile {
  const profile = [...profiles.values()].find(
    ({ kind, issuedBy }) => kind === 'cross-ca' && issuedBy.includes(authority.profile),
  );
  if (profile) return profile;
  const message = `${authority.id} is of ${authority.profile}, which certifies no other roots.`;
  throw refused([{ code: 'issuer-not-allowed', message, field: 'issuer' }]);
}

/** What policy decides on; undefined where there is no key or identifier that could be certified. */
async function policyInput(
  parts: CrossCertificationParts,
  root: Certificate,
  profile: Profile,
  issuer: ReadyIssuer,
): Promise<IssueCommand['input'] | undefined> {
  const { publicKey, spki, subject, subjectDer, extensions } = root;
  const keyIdentifier = extensions.subjectKeyIdentifier?.value;
  if (!publicKey || !keyIdentifier) return undefined;
  const hash = spkiFingerprint(spki);
  const now = parts.clock();
  const [blocked, certifiedForOther] = await Promise.all([
    parts.certificates.isBlockedKey(hash),
    parts.certificates.isCertifiedForOther(hash, nameText(subject), now),
  ]);
  // Beyond the end of the other root nothing below it holds anyway.
  const end = Math.min(now.getTime() + profile.validity.default, issuer.facts.notAfter.getTime());
  return {
    request: { subject, publicKey, extensions: [] },
    profile,
    issuer: issuer.facts,
    facts: {},
    // Authorities are what is certified here, of whatever evpki.
    keyHistory: { blocked, ofAuthority: false, certifiedForOther },
    certified: { subject, subjectDer, spki, keyIdentifier, sha256: fingerprint(root.der) },
    ...(root.notAfter.getTime() < end ? { notAfter: root.notAfter } : {}),
  };
}

/** For what the certificate that the other root has given itself cannot be cross-certified. */
function crossFaults(
  root: Certificate,
  profile: Profile,
  now: Date,
): (FieldViolation | Violation)[] {
  const { subjectKeyIdentifier, extendedKeyUsage, nameConstraints, basicConstraints } =
    root.extensions;
  const wantedPath = profile.extensions.basicConstraints?.pathLength;
  const grantedPath = basicConstraints?.pathLength;
  const purposes = extendedKeyUsage?.purposes.filter((purpose) => purpose !== 'OCSPSigning') ?? [];
  return [
    ...rootFaults(root, now),
    ...rootFault(
      grantedPath !== undefined && (wantedPath === undefined || grantedPath < wantedPath),
      'root-path-length',
      `its path length is ${grantedPath}; ${profile.name} would grant ${wantedPath ?? 'any'}`,
    ),
    ...rootFault(
      purposes.length > 0,
      'root-extended-key-usage',
      `it limits itself to ${purposes.join(', ')}, which the cross-certificate would not say`,
    ),
    ...rootFault(
      nameConstraints !== undefined,
      'root-name-constraints',
      'it limits itself by name constraints, which the cross-certificate would not say',
    ),
    ...rootFault(
      subjectKeyIdentifier === undefined,
      'root-key-identifier',
      'there is no subject key identifier to repeat (RFC 5280 4.2.1.2)',
    ),
  ];
}

const refused = (violations: readonly (FieldViolation | Violation)[]): ServiceError =>
  rootRefused('the other root cannot be cross-certified', violations);
