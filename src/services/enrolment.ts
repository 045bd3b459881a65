/**
 * Enrolment: a certification request comes in through some front door and a certificate, or every
 * reason why there is none, goes out. Front doors bring the requester and the wire format; all
 * that decides is here and in `pki/policy`.
 */

import { createHash } from 'node:crypto';
import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { nameText } from '../pki/names.ts';
import { buildSubject, type Facts } from '../pki/policy/subject.ts';
import type { Profile } from '../pki/profile.ts';
import { type CertificationRequest, readRequest } from '../pki/request.ts';
import type { Checked, Violation } from '../pki/violations.ts';
import { type AccessPolicy, type Principal, permits, reaches } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type { CertificateStore, EnrolmentRequest } from './certificate-records.ts';
import { issuerChain } from './chains.ts';
import { ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import type { Issuers } from './issuers.ts';
import { type IssuingParts, issueCertificate } from './issuing.ts';
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

export interface EnrolmentCommand {
  readonly principal: Principal;
  /** The front door: `rest`, `ocpp`, `est`. */
  readonly channel: string;
  /** The request in DER, or why the text that should have been one is none. */
  readonly csr: Checked<Uint8Array>;
  readonly profile: string;
  /** Needed only where several authorities could issue the profile. */
  readonly authority?: string;
  readonly notAfter?: Date;
  /** The station that the certificate is for, where the front door knows it. */
  readonly station?: Station;
  /** The same by its id, in the organization of the authority. */
  readonly stationId?: string;
}

/** A request that is on record and has no certificate: refused, or still being worked on. */
export class RequestUnanswered extends ServiceError {
  readonly requestId: string;

  constructor(requestId: string, ...error: ConstructorParameters<typeof ServiceError>) {
    super(...error);
    this.requestId = requestId;
  }
}

export interface EnrolmentAnswer {
  readonly requestId: string;
  readonly certificateId: string;
  readonly certificate: Certificate;
  /** The certificates above it, nearest first, without the root. */
  readonly chain: readonly Uint8Array[];
  /** Whether this is what the same request was given before. */
  readonly repeated: boolean;
}

/** The action of those who may have profiles with `approval: true` issued. */
const APPROVE = 'requests:approve';

/** How long to wait for another call that is issuing for the very same request. */
const REPEAT_POLLS = 100;
const REPEAT_POLL_MILLISECONDS = 50;

/**
 * Turns a certification request into a certificate.
 * @throws ServiceError `csr-unreadable` with every violation, `profile-unknown`,
 *   `authority-unknown`, `authority-ambiguous`, `authority-not-active`
 * @throws RequestUnanswered `csr-refused` with every violation, `not-ready`
 */
export async function enrol(
  parts: EnrolmentParts,
  command: EnrolmentCommand,
): Promise<EnrolmentAnswer> {
  const { principal } = command;
  const profile = parts.profiles.get(command.profile);
  // Whoever holds an OCSP responder's key can call revoked certificates good: evpki makes those
  // for itself only (`ocsp-signers.ts`), and so it is with authorities.
  if (
    !profile ||
    profile.extensions.basicConstraints?.ca ||
    profile.extensions.extendedKeyUsage?.purposes.includes('OCSPSigning')
  ) {
    throw new ServiceError('profile-unknown', `no end-entity profile is called ${command.profile}`);
  }
  if (profile.request.approval && !permits(parts.access, principal, APPROVE)) {
    throw new ServiceError(
      'not-permitted',
      `${profile.name} is issued only to those whose role permits ${APPROVE}`,
    );
  }
  const authority = await chooseAuthority(parts, principal, profile, command.authority);
  const station = command.station ?? (await namedStation(parts, authority, command.stationId));
  requireRegistered(parts, principal, profile, station);
  const request = await readableRequest(parts, command, authority);
  const issuer = await parts.issuers.current(authority);
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not active`);

  const organization = await organizationOf(parts, authority);
  const facts = registeredFacts(organization, station);
  const stationName =
    station && nameQuestion(parts.profiles, organization, station, profile, request);
  const nameTaken =
    stationName && (await parts.stations.isNameOfOther({ ...stationName, now: parts.clock() }));
  const record = newRequest(
    parts,
    { ...command, ...(station ? { station } : {}) },
    authority,
    profile,
    request,
  );
  const result = await issueCertificate(parts, {
    input: {
      request,
      profile,
      issuer: issuer.facts,
      facts,
      keyHistory: await keyHistory(parts, request, profile, facts),
      ...(command.notAfter ? { notAfter: command.notAfter } : {}),
      ...(nameTaken ? { nameTaken } : {}),
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: authority.organizationId,
    actor: principal.actor,
    request: record,
    ...(station ? { stationId: station.id } : {}),
    ...(stationName ? { stationName } : {}),
  });

  switch (result.outcome) {
    case 'issued':
      return {
        requestId: record.id,
        certificateId: result.certificateId,
        certificate: readCertificate(result.der),
        chain: issuer.chain,
        repeated: false,
      };
    case 'repeat':
      return repeated(parts, result.request);
    case 'issuer-not-active':
    case 'not-granted':
      throw new ServiceError('authority-not-active', `${authority.id} has stopped signing`);
    case 'refused':
      await parts.store.recordRefused({
        request: refusedRequest(record, result.violations),
        audit: requestRefused(parts, command, authority, record.id, result.violations),
      });
      throw new RequestUnanswered(
        record.id,
        'csr-refused',
        `the profile ${profile.name} does not allow this request`,
        result.violations,
      );
  }
}

async function namedStation(
  parts: EnrolmentParts,
  authority: Authority,
  stationId: string | undefined,
): Promise<Station | undefined> {
  if (stationId === undefined) return undefined;
  const station = await parts.stations.findStation(authority.organizationId, stationId);
  if (!station) throw new ServiceError('not-found', `there is no station ${stationId}`);
  return station;
}

/**
 * A name that can be held against nothing registered is for those to vouch for who may approve
 * requests; everybody else has to say which station it is of (C7).
 */
function requireRegistered(
  parts: EnrolmentParts,
  principal: Principal,
  profile: Profile,
  station: Station | undefined,
): void {
  if (station || permits(parts.access, principal, APPROVE)) return;
  const unheld = profile.subject.find(({ source }) => source.from === 'request');
  if (unheld) {
    throw new ServiceError(
      'not-permitted',
      `the ${unheld.attribute} of ${profile.name} can be held against nothing registered: ` +
        `name a station, or ask somebody whose role permits ${APPROVE}`,
    );
  }
}

/** The authority named, or the only one that the caller could mean. */
async function chooseAuthority(
  parts: EnrolmentParts,
  principal: Principal,
  profile: Profile,
  named: string | undefined,
): Promise<Authority> {
  const issues = ({ profile: own }: Authority) =>
    profile.issuedBy.length === 0 || profile.issuedBy.includes(own);
  const visible = (authority: Authority) =>
    reaches(parts.access, principal, authority.organizationId);

  if (named !== undefined) {
    const authority = await parts.authorities.findAuthority(named);
    if (!authority || !visible(authority)) {
      throw new ServiceError('authority-unknown', `there is no authority ${named}`);
    }
    return authority;
  }
  const fitting = (await parts.authorities.listAuthorities()).filter(
    (authority) => visible(authority) && issues(authority),
  );
  const [only, ...others] = fitting;
  if (!only) {
    throw new ServiceError('authority-unknown', `no authority of yours issues ${profile.name}`);
  }
  if (others.length > 0) {
    const ids = fitting.map(({ id }) => id).join(', ');
    throw new ServiceError('authority-ambiguous', `${profile.name} is issued by ${ids}`);
  }
  return only;
}

/** Reads the request; one that cannot be read leaves an audit entry and no row. */
async function readableRequest(
  parts: EnrolmentParts,
  command: EnrolmentCommand,
  authority: Authority,
): Promise<CertificationRequest> {
  const checked = command.csr.ok ? readRequest(command.csr.value) : command.csr;
  if (checked.ok) return checked.value;
  const { violations } = checked;
  await parts.audit.recordAudit(requestRefused(parts, command, authority, '-', violations));
  throw new ServiceError('csr-unreadable', 'the certification request is refused', violations);
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

function newRequest(
  parts: EnrolmentParts,
  command: EnrolmentCommand,
  authority: Authority,
  profile: Profile,
  request: CertificationRequest,
): EnrolmentRequest {
  const now = parts.clock();
  const repeats = profile.request.repeatWindow > 0;
  return {
    id: newId('req', parts.random),
    organizationId: authority.organizationId,
    authorityId: authority.id,
    profile: profile.name,
    requester: command.principal.actor,
    channel: command.channel,
    csr: request.der,
    state: 'issuing',
    createdAt: now,
    ...(command.station ? { stationId: command.station.id } : {}),
    ...(repeats
      ? {
          repeatKey: repeatKey(command, authority, request),
          repeatUntil: new Date(now.getTime() + profile.request.repeatWindow),
        }
      : {}),
  };
}

/** Equal for the same request by the same requester for the same station, and for nothing else. */
function repeatKey(
  command: EnrolmentCommand,
  authority: Authority,
  request: CertificationRequest,
): string {
  const hash = createHash('sha256');
  const parts = [
    command.principal.actor,
    authority.id,
    command.profile,
    // Not as ISO 8601: a leap second is no date, and policy is to say so.
    String(command.notAfter?.getTime() ?? ''),
    command.station?.id ?? '',
  ];
  for (const part of parts) hash.update(`${part.length}:${part};`);
  return hash.update(request.der).digest('hex');
}

/** What the same request was given; waits while another call is still issuing for it. */
async function repeated(parts: EnrolmentParts, first: EnrolmentRequest): Promise<EnrolmentAnswer> {
  let request: EnrolmentRequest | undefined = first;
  for (let poll = 0; request?.state === 'issuing' && poll < REPEAT_POLLS; poll++) {
    await new Promise((resolve) => setTimeout(resolve, REPEAT_POLL_MILLISECONDS));
    request = await parts.certificates.findRequest(first.id);
  }
  const certificate =
    request?.state === 'issued' && request.certificateId !== undefined
      ? await parts.certificates.findCertificate(request.certificateId)
      : undefined;
  const issuer =
    certificate?.issuerId === undefined
      ? undefined
      : await parts.authorities.findIssuer(certificate.issuerId);
  if (!request || !certificate?.der || !issuer) {
    throw new RequestUnanswered(
      first.id,
      'not-ready',
      'the same request is being worked on; send it again later',
    );
  }
  return {
    requestId: request.id,
    certificateId: certificate.id,
    certificate: readCertificate(certificate.der),
    chain: await issuerChain(parts.authorities, issuer),
    repeated: true,
  };
}

function refusedRequest(
  record: EnrolmentRequest,
  violations: readonly Violation[],
): EnrolmentRequest {
  const { repeatKey: _, repeatUntil: __, ...rest } = record;
  return { ...rest, state: 'refused', violations };
}

const requestRefused = (
  parts: EnrolmentParts,
  command: EnrolmentCommand,
  authority: Authority,
  requestId: string,
  violations: readonly Violation[],
) => ({
  at: parts.clock(),
  organizationId: authority.organizationId,
  actor: command.principal.actor,
  action: 'request.refused',
  subject: requestId,
  details: {
    authority: authority.id,
    profile: command.profile,
    channel: command.channel,
    ...(command.station ? { station: command.station.id } : {}),
    violations: violations.map(({ code }) => code),
  },
});
