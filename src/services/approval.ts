/**
 * Approval: a second person decides on a request that waits, or the first one takes it back.
 * Everything that policy decides on is looked up again at that moment, and the certificate takes
 * the same way as any other. Of any number of decisions at once, the database lets one stand.
 */

import { readCertificate } from '../pki/certificate.ts';
import { type Violation, violation } from '../pki/violations.ts';
import { isEnabled } from './access.ts';
import { type Principal, requireKind } from './access-policy.ts';
import type { ApiClientStore } from './access-records.ts';
import type { Approval, EnrolmentRequest } from './certificate-records.ts';
import { stoppedError } from './enrolment.ts';
import { enrollableProfile } from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import { answerOnRecord, type IssuedAnswer, RequestUnanswered } from './request-answers.ts';
import {
  type EnrolmentParts,
  issueForRequest,
  objectionsToRequest,
  type RequestToIssue,
} from './request-issuing.ts';
import { codesOf, pickUpUntil, requestAudit } from './request-making.ts';
import { type RequestState, requestStateAt } from './request-records.ts';
import { requestIn, visibleRequest } from './requests.ts';

export interface ApprovalParts extends EnrolmentParts {
  readonly clients: Pick<ApiClientStore, 'findClient'>;
}

/** One may approve certificates of the kinds only that one's role is for. */
const APPROVE = 'requests:approve';
/** What the requester hears who asks the same again. */
const WITHDRAWN = 'taken back by its requester';
/** How often somebody else may decide, and lose it again, while we do. */
const ATTEMPTS = 5;

/**
 * Approves a request and has its certificate issued; the same again gets the same certificate.
 * @throws ServiceError `not-found`; `not-permitted`; `approval-own-request` for one's own; `conflict` for what does
 *   not wait; `authority-not-active`, `certificate-not-renewable` and `profile-unknown` for what
 *   goes on waiting
 * @throws RequestUnanswered `csr-refused` with every violation: that ends the request; `not-ready`
 */
export async function approve(
  parts: ApprovalParts,
  principal: Principal,
  requestId: string,
): Promise<IssuedAnswer> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const record = await decidable(parts, principal, requestId);
    if (record.requester === principal.actor) {
      throw new ServiceError('approval-own-request', `${requestId} is a request of your own`);
    }
    const state = requestStateAt(record, parts.clock());
    if (state === 'waiting-for-approval') {
      const answer = await approveWaiting(parts, principal, record);
      if (answer) return answer;
    } else if ((state === 'issued' || state === 'issuing') && record.approveUntil) {
      const answer = await answerOnRecord(parts, record);
      if (answer.outcome === 'issued') return answer;
    } else throw new ServiceError('conflict', `${requestId} ${sentences[state]}`);
    // Somebody else has decided in between, or did not come to an end: look again.
  }
  throw new ServiceError('conflict', `others keep deciding on ${requestId}`);
}

/** A request that the principal's role lets it decide on. */
async function decidable(
  parts: EnrolmentParts,
  principal: Principal,
  requestId: string,
): Promise<EnrolmentRequest> {
  const record = await visibleRequest(parts, principal, requestId);
  requireKind(parts.access, principal, APPROVE, parts.profiles.get(record.profile)?.kind);
  return record;
}

/** @returns undefined when the request does not wait any more */
async function approveWaiting(
  parts: ApprovalParts,
  principal: Principal,
  record: EnrolmentRequest,
): Promise<IssuedAnswer | undefined> {
  const { actor } = principal;
  const wanted = await wantedBy(parts, record);
  if (await requesterHasEnded(parts, record)) {
    const message = `${record.requester}, which asked, has been disabled or has expired.`;
    return refuse(parts, principal, record, [
      violation('requester-ended', message, 'requester'),
      ...(await objectionsToRequest(parts, wanted)),
    ]);
  }
  const at = parts.clock();
  const approval: Approval = {
    by: actor,
    at,
    repeatUntil: pickUpUntil(wanted.profile, at),
    audit: requestAudit(record, { at, actor, action: 'request.approved' }),
  };
  const result = await issueForRequest(parts, wanted, { record, actor, approval });
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
    case 'refused':
      return refuse(parts, principal, record, result.violations);
    case 'not-waiting':
    case 'repeat':
      return undefined;
    case 'secret-spent':
    case 'secret-in-use':
      throw new Error('a request that waited has come with a one-time secret');
    default:
      throw stoppedError(result.outcome, record.authorityId, wanted.renewed);
  }
}

/**
 * Ends a request with what speaks against it now.
 * @returns undefined when it does not wait any more
 */
async function refuse(
  parts: EnrolmentParts,
  { actor }: Principal,
  record: EnrolmentRequest,
  violations: readonly Violation[],
): Promise<undefined> {
  const entry = { at: parts.clock(), actor, action: 'request.refused' };
  const ended = await parts.requests.recordRefusal({
    requestId: record.id,
    violations,
    at: entry.at,
    audit: requestAudit(record, entry, { violations: codesOf(violations) }),
  });
  if (ended === 'not-waiting') return undefined;
  throw new RequestUnanswered(
    record.id,
    'csr-refused',
    'this request is not allowed any more',
    violations,
  );
}

/** Whoever was shut out, perhaps for what it asked for, gets nothing by having asked before. */
async function requesterHasEnded(
  { clients, clock }: ApprovalParts,
  { requester }: EnrolmentRequest,
): Promise<boolean> {
  const [kind, id] = requester.split(':', 2);
  if (kind !== 'client' || id === undefined) return false;
  const client = await clients.findClient(id);
  return !client || !isEnabled(client, clock());
}

/** What a request on record asks for, as things are now. */
async function wantedBy(parts: EnrolmentParts, record: EnrolmentRequest): Promise<RequestToIssue> {
  const { stationId, renews, notAfter } = record;
  const profile = enrollableProfile(parts, record.profile);
  const authority = await parts.authorities.findAuthority(record.authorityId);
  if (!authority) throw new Error(`the authority of ${record.id} is missing`);
  const station =
    stationId === undefined
      ? undefined
      : await parts.stations.findStation(record.organizationId, stationId);
  if (stationId !== undefined && !station) {
    throw new ServiceError('conflict', `the station ${stationId} is not registered any more`);
  }
  const renewed =
    renews === undefined ? undefined : await parts.certificates.findCertificate(renews);
  if (renewed && renewed.state !== 'issued') {
    throw stoppedError('not-renewable', record.authorityId, renewed);
  }
  const request = requestIn(record);
  return { profile, authority, station, request, notAfter, ...(renewed ? { renewed } : {}) };
}

/**
 * Rejects a request for good. It may be one's own: nobody else has to agree to take back a request.
 * @throws ServiceError `not-found`; `not-permitted`; `conflict` for what does not wait, but for a request that was
 *   rejected for the same reason
 */
export async function reject(
  parts: EnrolmentParts,
  principal: Principal,
  requestId: string,
  reason: string,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const record = await decidable(parts, principal, requestId);
    if (record.state === 'rejected' && record.rejectionReason === reason) return;
    requireWaiting(parts, record);
    if (await endRequest(parts, principal, record, 'request.rejected', reason)) return;
  }
  throw new ServiceError('conflict', `others keep deciding on ${requestId}`);
}

/**
 * Takes back a request of one's own: it is rejected by its requester, for good.
 * @throws ServiceError `not-found`; `conflict` for what does not wait, but for a request that was
 *   taken back before; `not-permitted` for somebody else's
 */
export async function withdraw(
  parts: EnrolmentParts,
  principal: Principal,
  requestId: string,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const record = await visibleRequest(parts, principal, requestId);
    const isOwn = record.requester === principal.actor;
    if (isOwn && record.state === 'rejected' && record.decidedBy === principal.actor) return;
    requireWaiting(parts, record);
    if (!isOwn) {
      throw new ServiceError('not-permitted', `${requestId} is a request of somebody else`);
    }
    if (await endRequest(parts, principal, record, 'request.withdrawn', WITHDRAWN)) return;
  }
  throw new ServiceError('conflict', `others keep deciding on ${requestId}`);
}

function requireWaiting(parts: EnrolmentParts, record: EnrolmentRequest): void {
  const state = requestStateAt(record, parts.clock());
  if (state !== 'waiting-for-approval') {
    throw new ServiceError('conflict', `${record.id} ${sentences[state]}`);
  }
}

/** @returns whether it was still waiting */
async function endRequest(
  parts: EnrolmentParts,
  { actor }: Principal,
  record: EnrolmentRequest,
  action: 'request.rejected' | 'request.withdrawn',
  reason: string,
): Promise<boolean> {
  const at = parts.clock();
  const audit = requestAudit(record, { at, actor, action }, { reason });
  const command = { requestId: record.id, by: actor, at, reason, audit };
  return (await parts.requests.recordRejected(command)) === 'rejected';
}

/** Why there is nothing to decide on. */
const sentences: Readonly<Record<Exclude<RequestState, 'waiting-for-approval'>, string>> = {
  issuing: 'is being issued',
  issued: 'is issued',
  refused: 'was refused by policy',
  rejected: 'was rejected',
  abandoned: 'was abandoned',
  expired: 'has waited too long',
};
