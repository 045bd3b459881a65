/**
 * Enrolment: a certification request comes in through some front door and a certificate, or every
 * reason why there is none, goes out; or it waits for somebody to approve it. Front doors bring
 * the requester and the wire format; all that decides is here, in `enrolment-target.ts` and in
 * `pki/policy`.
 */

import { readCertificate } from '../pki/certificate.ts';
import { type CertificationRequest, readRequest } from '../pki/request.ts';
import type { Checked, Violation } from '../pki/violations.ts';
import { type Principal, requireKind } from './access-policy.ts';
import type { CertificateRecord, EnrolmentRequest } from './certificate-records.ts';
import {
  chooseAuthority,
  enrollableProfile,
  namedStation,
  needsApproval,
} from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import { secretRefused } from './refusals.ts';
import { answerOnRecord, type EnrolmentAnswer, RequestUnanswered } from './request-answers.ts';
import {
  type EnrolmentParts,
  issueForRequest,
  objectionsToRequest,
  type RequestToIssue,
  type Target,
} from './request-issuing.ts';
import {
  codesOf,
  newRequest,
  type RequestDetails,
  refusedRequest,
  requestAudit,
  waitingRequest,
} from './request-making.ts';
import type { Station } from './station-records.ts';

/** A certification request as it comes in. */
export interface Submission {
  readonly principal: Principal;
  /** What the principal does: its role has to permit it for certificates of the profile's kind. */
  readonly action: string;
  /** The front door: `rest`, `ocpp`, `est`. */
  readonly channel: string;
  /** The request in DER, or why the text that should have been one is none. */
  readonly csr: Checked<Uint8Array>;
  readonly notAfter?: Date;
  /** The one-time secret that proves who asks: it is used up by what is issued. */
  readonly secretId?: string;
}

export interface EnrolmentCommand extends Submission {
  readonly profile: string;
  /** Needed only where several authorities could issue the profile. */
  readonly authority?: string;
  /** The station that the certificate is for, where the front door knows it. */
  readonly station?: Station;
  /** The same by its id, in the organization of the authority. */
  readonly stationId?: string;
}

/**
 * Turns a certification request into a certificate, or has it wait for somebody's approval.
 * @throws ServiceError `csr-unreadable` with every violation, `profile-unknown`,
 *   `authority-unknown`, `authority-ambiguous`, `authority-not-active`, `not-found`,
 *   `not-permitted` naming the kind of certificates that no role of the caller's is for
 * @throws RequestUnanswered `csr-refused` with every violation, `request-rejected`, `not-ready`
 */
export async function enrol(
  parts: EnrolmentParts,
  command: EnrolmentCommand,
): Promise<EnrolmentAnswer> {
  const { principal } = command;
  const profile = enrollableProfile(parts, command.profile);
  requireKind(parts.access, principal, command.action, profile.kind);
  const authority = await chooseAuthority(parts, principal, profile, command.authority);
  const station = command.station ?? (await namedStation(parts, authority, command.stationId));
  const waits = needsApproval(parts, principal, profile, station);
  return submit(parts, command, { profile, authority, station, waits });
}

/**
 * See `enrol`; with what it is to be certified by decided.
 * @throws also NotAuthenticated for a secret that was used before, `not-ready` while it is in use
 */
export async function submit(
  parts: EnrolmentParts,
  submission: Submission,
  { waits, ...target }: Target & { readonly waits: boolean },
): Promise<EnrolmentAnswer> {
  const { principal, channel, notAfter, secretId } = submission;
  const request = await readableRequest(parts, submission, target);
  const requester = principal.actor;
  const { renewed, ...where } = target;
  const details: RequestDetails = {
    ...where,
    ...{ requester, channel, request, notAfter },
    renews: renewed?.id,
  };
  if (waits) return waitForApproval(parts, { ...target, request, notAfter }, details);

  const record = newRequest(parts, details);
  const result = await issueForRequest(
    parts,
    { ...target, request, notAfter },
    { record, actor: requester, ...(secretId === undefined ? {} : { secretId }) },
  );
  switch (result.outcome) {
    case 'issued':
      return {
        outcome: 'issued',
        requestId: record.id,
        certificateId: result.certificateId,
        certificate: readCertificate(result.der),
        chain: result.chain,
        repeated: false,
      };
    case 'repeat':
      return answerOnRecord(parts, result.request);
    case 'refused':
      return refuse(parts, record, result.violations);
    case 'not-waiting':
      throw new Error('a request that nobody approved was not waiting');
    case 'secret-in-use':
      throw new ServiceError('not-ready', 'another request is being made with this secret');
    case 'secret-spent':
      throw secretRefused('secret-used', {
        actor: requester,
        organizationId: record.organizationId,
      });
    default:
      throw stoppedError(result.outcome, target.authority.id, renewed);
  }
}

/** Why something that was fine when policy looked at it was not when it was to be recorded. */
export function stoppedError(
  outcome: 'issuer-not-active' | 'not-granted' | 'not-renewable',
  authorityId: string,
  renewed: CertificateRecord | undefined,
): ServiceError {
  return outcome === 'not-renewable'
    ? new ServiceError('certificate-not-renewable', `${renewed?.id} is not issued any more`)
    : new ServiceError('authority-not-active', `${authorityId} has stopped signing`);
}

/** What is hopeless is refused at once; nobody has to look at it. */
async function waitForApproval(
  parts: EnrolmentParts,
  wanted: RequestToIssue,
  details: RequestDetails,
): Promise<EnrolmentAnswer> {
  const record = waitingRequest(parts, details);
  const violations = await objectionsToRequest(parts, wanted);
  if (violations.length > 0) return refuse(parts, record, violations);
  const { requester: actor } = record;
  const result = await parts.requests.recordWaiting({
    request: record,
    audit: requestAudit(record, { at: record.createdAt, actor, action: 'request.waiting' }),
  });
  return result.outcome === 'repeat'
    ? answerOnRecord(parts, result.request)
    : { outcome: 'waiting', requestId: record.id };
}

async function refuse(
  parts: EnrolmentParts,
  record: EnrolmentRequest,
  violations: readonly Violation[],
): Promise<never> {
  const entry = { at: parts.clock(), actor: record.requester, action: 'request.refused' };
  await parts.store.recordRefused({
    request: refusedRequest(record, violations),
    audit: requestAudit(record, entry, { violations: codesOf(violations) }),
  });
  throw new RequestUnanswered(
    record.id,
    'csr-refused',
    `the profile ${record.profile} does not allow this request`,
    violations,
  );
}

/** Reads the request; one that cannot be read leaves an audit entry and no row. */
async function readableRequest(
  parts: EnrolmentParts,
  { csr, principal, channel }: Submission,
  { authority, profile, station }: Target,
): Promise<CertificationRequest> {
  const checked = csr.ok ? readRequest(csr.value) : csr;
  if (checked.ok) return checked.value;
  const { violations } = checked;
  await parts.audit.recordAudit({
    at: parts.clock(),
    organizationId: authority.organizationId,
    actor: principal.actor,
    action: 'request.refused',
    subject: '-',
    details: {
      ...{ authority: authority.id, profile: profile.name, channel },
      ...(station ? { station: station.id } : {}),
      violations: codesOf(violations),
    },
  });
  throw new ServiceError('csr-unreadable', 'the certification request is refused', violations);
}
