/**
 * Enrolment: a certification request comes in through some front door and a certificate, or every
 * reason why there is none, goes out. Front doors bring the requester and the wire format; all
 * that decides is here, in `request-issuing.ts` and in `pki/policy`.
 */

import { readCertificate } from '../pki/certificate.ts';
import { type CertificationRequest, readRequest } from '../pki/request.ts';
import type { Authority } from './authority-records.ts';
import {
  chooseAuthority,
  enrollableProfile,
  namedStation,
  requireApproval,
  requireRegistered,
} from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import { answerOnRecord, type EnrolmentAnswer, RequestUnanswered } from './request-answers.ts';
import { type EnrolmentParts, issueForRequest } from './request-issuing.ts';
import {
  type EnrolmentCommand,
  newRequest,
  refusedRequest,
  requestRefused,
} from './request-making.ts';

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
  const profile = enrollableProfile(parts, command.profile);
  requireApproval(parts, principal, profile);
  const authority = await chooseAuthority(parts, principal, profile, command.authority);
  const station = command.station ?? (await namedStation(parts, authority, command.stationId));
  requireRegistered(parts, principal, profile, station);
  const request = await readableRequest(parts, command, authority);
  const record = newRequest(
    parts,
    { ...command, ...(station ? { station } : {}) },
    authority,
    profile,
    request,
  );
  const result = await issueForRequest(parts, {
    record,
    request,
    profile,
    authority,
    station,
    notAfter: command.notAfter,
    actor: principal.actor,
  });
  switch (result.outcome) {
    case 'issued':
      return {
        requestId: record.id,
        certificateId: result.certificateId,
        certificate: readCertificate(result.der),
        chain: result.chain,
        repeated: false,
      };
    case 'repeat':
      return answerOnRecord(parts, result.request);
    case 'issuer-not-active':
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
