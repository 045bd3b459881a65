/**
 * Issuing for an enrolment request: everything that policy needs to know is looked up anew, and
 * what it allows is signed. The same for a request that has just come in and for one that waited.
 */

import { spkiFingerprint } from '../pki/key-identifier.ts';
import { nameText } from '../pki/names.ts';
import { buildSubject, type Facts } from '../pki/policy/subject.ts';
import type { Profile } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import type { AccessPolicy } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type { CertificateStore, EnrolmentRequest } from './certificate-records.ts';
import { ServiceError } from './errors.ts';
import type { Issuers } from './issuers.ts';
import { type IssueResult, type IssuingParts, issueCertificate } from './issuing.ts';
import type { Organization, OrganizationStore } from './organizations.ts';
import { nameQuestion, registeredFacts } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';

export interface EnrolmentParts extends IssuingParts {
  readonly certificates: CertificateStore;
  readonly authorities: AuthorityStore;
  readonly organizations: OrganizationStore;
  readonly stations: Pick<StationStore, 'findStation' | 'isNameOfOther'>;
  readonly issuers: Issuers;
  readonly audit: AuditWriter;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
}

/** A request with all that it names. */
export interface RequestToIssue {
  readonly record: EnrolmentRequest;
  readonly request: CertificationRequest;
  readonly profile: Profile;
  readonly authority: Authority;
  readonly station: Station | undefined;
  readonly notAfter: Date | undefined;
  /** On whose behalf, for the audit entry. */
  readonly actor: string;
}

export type RequestResult =
  | Exclude<IssueResult, { outcome: 'issued' }>
  | (Extract<IssueResult, { outcome: 'issued' }> & { readonly chain: readonly Uint8Array[] });

/**
 * Decides on a request and has it signed.
 * @throws ServiceError `authority-not-active`
 */
export async function issueForRequest(
  parts: EnrolmentParts,
  { record, request, profile, authority, station, notAfter, actor }: RequestToIssue,
): Promise<RequestResult> {
  const issuer = await parts.issuers.current(authority);
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not active`);
  const organization = await organizationOf(parts, authority);
  const facts = registeredFacts(organization, station);
  const stationName =
    station && nameQuestion(parts.profiles, organization, station, profile, request);
  const nameTaken =
    stationName && (await parts.stations.isNameOfOther({ ...stationName, now: parts.clock() }));
  const result = await issueCertificate(parts, {
    input: {
      request,
      profile,
      issuer: issuer.facts,
      facts,
      keyHistory: await keyHistory(parts, request, profile, facts),
      ...(notAfter ? { notAfter } : {}),
      ...(nameTaken ? { nameTaken } : {}),
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: authority.organizationId,
    actor,
    request: record,
    ...(station ? { stationId: station.id } : {}),
    ...(stationName ? { stationName } : {}),
  });
  return result.outcome === 'issued' ? { ...result, chain: issuer.chain } : result;
}

async function organizationOf(parts: EnrolmentParts, authority: Authority): Promise<Organization> {
  const organization = await parts.organizations.findOrganization(authority.organizationId);
  if (!organization) throw new Error(`${authority.id} belongs to an organization that is missing`);
  return organization;
}

async function keyHistory(
  parts: EnrolmentParts,
  request: CertificationRequest,
  profile: Profile,
  facts: Facts,
): Promise<{ blocked: boolean; ofAuthority: boolean; certifiedForOther: boolean }> {
  const fingerprint = spkiFingerprint(request.publicKey.spki);
  const { subject } = buildSubject(profile.subject, request.subject, facts);
  const [blocked, ofAuthority, certifiedForOther] = await Promise.all([
    parts.certificates.isBlockedKey(fingerprint),
    parts.authorities.isAuthorityKey(fingerprint),
    parts.certificates.isCertifiedForOther(fingerprint, nameText(subject), parts.clock()),
  ]);
  return { blocked, ofAuthority, certifiedForOther };
}
