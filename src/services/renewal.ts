/**
 * Renewal: another certificate for the same name, by the same authority, with a new key. The one
 * that is renewed vouches for the names (C7): they have to be the same, and need not be approved
 * again unless the profile wants a second person for every certificate. It stays valid until it
 * ends or is revoked, so that whoever uses it can change over.
 */

import type { Profile } from '../pki/profile.ts';
import { type Principal, reaches, requireKind } from './access-policy.ts';
import type { Authority } from './authority-records.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { type Submission, submit } from './enrolment.ts';
import { isEnrollable, namedStation } from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import type { EnrolmentAnswer } from './request-answers.ts';
import type { EnrolmentParts } from './request-issuing.ts';

/**
 * Renews a certificate.
 * @throws ServiceError `not-found`, `not-permitted`, `certificate-not-renewable`; and as `enrol`
 * @throws RequestUnanswered as `enrol`
 */
export async function renew(
  parts: EnrolmentParts,
  certificateId: string,
  submission: Submission,
): Promise<EnrolmentAnswer> {
  const { principal } = submission;
  const renewed = await visibleCertificate(parts, principal, certificateId);
  const profile = renewableProfile(parts, renewed);
  requireKind(parts.access, principal, submission.action, profile.kind);
  const authority = await authorityOf(parts, renewed);
  const station = await namedStation(parts, authority, renewed.stationId);
  const waits = profile.request.approval;
  return submit(parts, submission, { profile, authority, station, renewed, waits });
}

async function visibleCertificate(
  parts: EnrolmentParts,
  principal: Principal,
  id: string,
): Promise<CertificateRecord> {
  const record = await parts.certificates.findCertificate(id);
  if (!record || !reaches(parts.access, principal, record.organizationId)) {
    throw new ServiceError('not-found', `there is no certificate ${id}`);
  }
  return record;
}

function renewableProfile(parts: EnrolmentParts, record: CertificateRecord): Profile {
  const { id, state, notAfter } = record;
  const refuse = (why: string) => new ServiceError('certificate-not-renewable', `${id} ${why}`);
  const profile = parts.profiles.get(record.profile);
  if (!profile) throw refuse(`is of the profile ${record.profile}, which there is no more`);
  if (!isEnrollable(profile)) throw refuse('is not one that is issued for requests');
  if (state !== 'issued') throw refuse(`is ${state}`);
  const untimely = untimelyRenewal(profile, notAfter, parts.clock());
  if (untimely !== undefined) throw refuse(untimely);
  return profile;
}

/** Why a certificate of this profile that ends then cannot be renewed now, if so. */
export function untimelyRenewal(profile: Profile, notAfter: Date, now: Date): string | undefined {
  const { window, grace } = profile.request.renewal;
  const end = notAfter.getTime();
  if (end + grace < now.getTime()) return 'ended too long ago';
  if (window === undefined || end - window <= now.getTime()) return undefined;
  return `can be renewed from ${new Date(end - window).toISOString()} on`;
}

/** The authority as people speak of it: its current issuer signs, whichever signed before. */
async function authorityOf(parts: EnrolmentParts, record: CertificateRecord): Promise<Authority> {
  const issuer =
    record.issuerId === undefined ? undefined : await parts.authorities.findIssuer(record.issuerId);
  const authority = issuer && (await parts.authorities.findAuthority(issuer.authorityId));
  if (!authority) {
    throw new ServiceError('certificate-not-renewable', `${record.id} was not issued here`);
  }
  return authority;
}
