/** Enrolment requests as they are put on record. */

import { createHash } from 'node:crypto';
import { nameText } from '../pki/names.ts';
import type { Profile } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import type { Violation } from '../pki/violations.ts';
import type { AuditEvent } from './audit.ts';
import type { Authority } from './authority-records.ts';
import type { EnrolmentRequest } from './certificate-records.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';
import type { RandomBytes } from './serial-numbers.ts';
import type { Station } from './station-records.ts';

const DAY = 24 * 60 * 60 * 1000;
/** How long a request waits for somebody to decide on it. */
const APPROVAL_MILLISECONDS = 30 * DAY;
/**
 * Whoever was told to wait asks again, with the same request, and gets the certificate at least so
 * long, whatever the profile's repeat window.
 */
const PICK_UP_MILLISECONDS = 7 * DAY;

export interface MakingParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** What a request is made of. */
export interface RequestDetails {
  readonly requester: string;
  /** The front door: `rest`, `ocpp`, `est`. */
  readonly channel: string;
  readonly request: CertificationRequest;
  readonly profile: Profile;
  readonly authority: Authority;
  readonly station: Station | undefined;
  readonly notAfter: Date | undefined;
  /** The id of the certificate that it is to renew. */
  readonly renews: string | undefined;
}

/** A request that is about to be issued. */
export function newRequest(parts: MakingParts, details: RequestDetails): EnrolmentRequest {
  const { request, profile, authority, station, notAfter, renews } = details;
  const now = parts.clock();
  return {
    id: newId('req', parts.random),
    organizationId: authority.organizationId,
    authorityId: authority.id,
    profile: profile.name,
    requester: details.requester,
    channel: details.channel,
    csr: request.der,
    subject: nameText(request.subject),
    state: 'issuing',
    createdAt: now,
    ...(station ? { stationId: station.id } : {}),
    // A leap second is no date: policy refuses it, and the request has none.
    ...(notAfter && !Number.isNaN(notAfter.getTime()) ? { notAfter } : {}),
    ...(renews === undefined ? {} : { renews }),
    ...(profile.request.repeatWindow > 0
      ? {
          repeatKey: repeatKey(details),
          repeatUntil: new Date(now.getTime() + profile.request.repeatWindow),
        }
      : {}),
  };
}

/** A request that waits for somebody: it is repeated as long as that lasts. */
export function waitingRequest(parts: MakingParts, details: RequestDetails): EnrolmentRequest {
  const { repeatUntil: _, ...made } = newRequest(parts, details);
  return {
    ...made,
    state: 'waiting-for-approval',
    repeatKey: repeatKey(details),
    approveUntil: new Date(made.createdAt.getTime() + APPROVAL_MILLISECONDS),
  };
}

/** Until when a request that is approved now is repeated. */
export const pickUpUntil = (profile: Profile, now: Date): Date =>
  new Date(now.getTime() + Math.max(profile.request.repeatWindow, PICK_UP_MILLISECONDS));

/** Equal for the same request by the same requester for the same station, and for nothing else. */
function repeatKey(details: RequestDetails): string {
  const hash = createHash('sha256');
  const parts = [
    details.requester,
    details.authority.id,
    details.profile.name,
    // Not as ISO 8601: a leap second is no date, and policy is to say so.
    String(details.notAfter?.getTime() ?? ''),
    details.station?.id ?? '',
    details.renews ?? '',
  ];
  for (const part of parts) hash.update(`${part.length}:${part};`);
  return hash.update(details.request.der).digest('hex');
}

/** The same request with what speaks against it; it answers no repeats. */
export function refusedRequest(
  record: EnrolmentRequest,
  violations: readonly Violation[],
): EnrolmentRequest {
  const { repeatKey: _, repeatUntil: __, approveUntil: ___, ...rest } = record;
  return { ...rest, state: 'refused', violations };
}

/** An audit entry about a request on record. */
export const requestAudit = (
  record: EnrolmentRequest,
  entry: Pick<AuditEvent, 'at' | 'actor' | 'action'>,
  details: AuditEvent['details'] = {},
): AuditEvent => ({
  ...entry,
  organizationId: record.organizationId,
  subject: record.id,
  details: {
    authority: record.authorityId,
    profile: record.profile,
    channel: record.channel,
    ...(record.stationId === undefined ? {} : { station: record.stationId }),
    ...(record.renews === undefined ? {} : { renews: record.renews }),
    // Where somebody else has decided, both are named.
    ...(entry.actor === record.requester ? {} : { requester: record.requester }),
    ...details,
  },
});

export const codesOf = (violations: readonly Violation[]): string[] =>
  violations.map(({ code }) => code);
