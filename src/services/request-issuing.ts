/**
 * Issuing for an enrolment request: everything that policy needs to know is looked up anew, and
 * what it allows is signed. The same for a request that has just come in and for one that waited.
 */

import { readCertificate } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { attributeValue, type DistinguishedName, nameText } from '../pki/names.ts';
import type { RenewedFacts } from '../pki/policy/renewal.ts';
import { buildSubject } from '../pki/policy/subject.ts';
import type { Profile } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import type { Violation } from '../pki/violations.ts';
import type { AccessPolicy } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type {
  Approval,
  CertificateRecord,
  CertificateStore,
  EnrolmentRequest,
  NameQuestion,
} from './certificate-records.ts';
import { ServiceError } from './errors.ts';
import { isOfStation } from './est-stations.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import {
  type BundleOutcome,
  type IssueCommand,
  type IssueResult,
  type IssuingParts,
  issueCertificate,
  objectionsTo,
} from './issuing.ts';
import { foreignOperator, namesEvse } from './operators.ts';
import type { Organization, OrganizationStore } from './organizations.ts';
import type { RequestStore } from './request-records.ts';
import { nameQuestion, registeredFacts } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';

export interface EnrolmentParts extends IssuingParts {
  readonly certificates: CertificateStore;
  readonly requests: RequestStore;
  readonly authorities: AuthorityStore;
  readonly organizations: OrganizationStore;
  readonly stations: Pick<StationStore, 'findStation' | 'findStationNamed' | 'isNameOfOther'>;
  readonly issuers: Issuers;
  readonly audit: AuditWriter;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
}

/** What is to certify a request, and for whom. */
export interface Target {
  readonly profile: Profile;
  readonly authority: Authority;
  readonly station: Station | undefined;
  /** The certificate that is to be renewed. */
  readonly renewed?: CertificateRecord;
}

/** A request with all that it names. */
export interface RequestToIssue extends Target {
  readonly request: CertificationRequest;
  readonly notAfter: Date | undefined;
}

export type RequestResult =
  | Exclude<IssueResult, { outcome: 'issued' | BundleOutcome }>
  | (Extract<IssueResult, { outcome: 'issued' }> & { readonly chain: readonly Uint8Array[] });

/**
 * Decides on a request and has it signed.
 * @param how the request on record, who has it signed, and whether that approves it
 * @throws ServiceError `authority-not-active`
 */
export async function issueForRequest(
  parts: EnrolmentParts,
  wanted: RequestToIssue,
  how: {
    readonly record: EnrolmentRequest;
    readonly actor: string;
    readonly approval?: Approval;
    readonly secretId?: string;
  },
): Promise<RequestResult> {
  const { issuer, input, stationName } = await circumstances(parts, wanted);
  const { record, actor, approval, secretId } = how;
  const result = await issueCertificate(parts, {
    input,
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: wanted.authority.organizationId,
    actor,
    request: record,
    ...(approval ? { approval } : {}),
    ...(secretId ? { secretId } : {}),
    ...(wanted.station ? { stationId: wanted.station.id } : {}),
    ...(stationName ? { stationName } : {}),
  });
  switch (result.outcome) {
    case 'issued':
      return { ...result, chain: issuer.chain };
    case 'contract-exists':
    case 'contract-not-active':
    case 'bundle-outrun':
    case 'vehicle-changed':
    case 'car-full':
      throw new Error('a request is for no bundle of a contract');
    default:
      return result;
  }
}

/**
 * What speaks against a request now, before somebody is asked to look at it.
 * @throws ServiceError `authority-not-active`
 */
export async function objectionsToRequest(
  parts: EnrolmentParts,
  wanted: RequestToIssue,
): Promise<readonly Violation[]> {
  return objectionsTo(parts, (await circumstances(parts, wanted)).input);
}

interface Circumstances {
  readonly issuer: ReadyIssuer;
  readonly input: IssueCommand['input'];
  readonly stationName: NameQuestion | undefined;
}

/** All that policy is to know about a request at this moment. */
async function circumstances(
  parts: EnrolmentParts,
  { request, profile, authority, station, notAfter, renewed }: RequestToIssue,
): Promise<Circumstances> {
  const issuer = await parts.issuers.current(authority);
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not active`);
  const organization = await organizationOf(parts, authority);
  const facts = registeredFacts(organization, station);
  const stationName =
    station && nameQuestion(parts.profiles, organization, station, profile, request);
  const nameTaken =
    stationName && (await parts.stations.isNameOfOther({ ...stationName, now: parts.clock() }));
  const { subject } = buildSubject(profile.subject, request.subject, facts);
  const [history, operator] = await Promise.all([
    keyHistory(parts, request, subject),
    namesEvse(profile.kind)
      ? foreignOperator(parts.organizations, organization, certifiedName(subject, request))
      : undefined,
  ]);
  const input = {
    request,
    profile,
    issuer: issuer.facts,
    facts,
    keyHistory: history,
    ...(notAfter ? { notAfter } : {}),
    ...(nameTaken ? { nameTaken } : {}),
    ...((await isRefused(parts, organization.id, {
      station,
      profile,
      name: certifiedName(subject, request),
    }))
      ? { stationRefused: true }
      : {}),
    ...(operator === undefined ? {} : { foreignOperator: operator }),
    ...(renewed?.der ? { renewed: renewedFacts(renewed.der) } : {}),
  };
  return { issuer, input, stationName };
}

/**
 * Whether the station gets nothing: the one that is named, or else the one that is called so. What
 * was issued before it was registered is renewed without anybody naming it.
 */
async function isRefused(
  { stations }: Pick<EnrolmentParts, 'stations'>,
  organizationId: string,
  {
    station,
    profile,
    name,
  }: Pick<RequestToIssue, 'station' | 'profile'> & { readonly name: string },
): Promise<boolean> {
  const isCalledSo = !station && name !== '' && isOfStation(profile.kind);
  const meant = isCalledSo ? await stations.findStationNamed(organizationId, name) : station;
  return meant?.enrolment === 'refused';
}

/** Where the subject cannot be built, the name that was asked for: everything is said at once. */
const certifiedName = (subject: DistinguishedName, request: CertificationRequest): string =>
  attributeValue(subject, 'CN') ?? attributeValue(request.subject, 'CN') ?? '';

function renewedFacts(der: Uint8Array): RenewedFacts {
  const { subject, extensions, spki } = readCertificate(der);
  return { subject, names: extensions.subjectAltName?.names ?? [], spki };
}

async function organizationOf(parts: EnrolmentParts, authority: Authority): Promise<Organization> {
  const organization = await parts.organizations.findOrganization(authority.organizationId);
  if (!organization) throw new Error(`${authority.id} belongs to an organization that is missing`);
  return organization;
}

async function keyHistory(
  parts: EnrolmentParts,
  request: CertificationRequest,
  subject: DistinguishedName,
): Promise<{ blocked: boolean; ofAuthority: boolean; certifiedForOther: boolean }> {
  const fingerprint = spkiFingerprint(request.publicKey.spki);
  const [blocked, ofAuthority, certifiedForOther] = await Promise.all([
    parts.certificates.isBlockedKey(fingerprint),
    parts.authorities.isAuthorityKey(fingerprint),
    parts.certificates.isCertifiedForOther(fingerprint, nameText(subject), parts.clock()),
  ]);
  return { blocked, ofAuthority, certifiedForOther };
}
