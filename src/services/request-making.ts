/** Enrolment requests as they are put on record. */

import { createHash } from 'node:crypto';
import type { Profile } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import type { Checked, Violation } from '../pki/violations.ts';
import type { Principal } from './access-policy.ts';
import type { Authority } from './authority-records.ts';
import type { EnrolmentRequest } from './certificate-records.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';
import type { RandomBytes } from './serial-numbers.ts';
import type { Station } from './station-records.ts';

export interface MakingParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
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

/** A request that is about to be issued. */
export function newRequest(
  parts: MakingParts,
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

/** The same request with what speaks against it; it answers no repeats. */
export function refusedRequest(
  record: EnrolmentRequest,
  violations: readonly Violation[],
): EnrolmentRequest {
  const { repeatKey: _, repeatUntil: __, ...rest } = record;
  return { ...rest, state: 'refused', violations };
}

/** The audit entry of a refusal. */
export const requestRefused = (
  parts: MakingParts,
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
