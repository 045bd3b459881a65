/**
 * Audit entries for what is refused at the door of EST before there is a request on record. Those
 * who could not prove who they are are not in it: the door counts them (`refusals.ts`), so that a
 * million of them are not a million entries.
 */

import type { AuditWriter } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import {
  certificateActor,
  type EstIdentity,
  organizationIdOf,
  secretActor,
} from './est-callers.ts';
import type { EstLabel } from './est-labels.ts';
import type { EstApplicant } from './est-proofs.ts';
import { NotAuthenticated } from './refusals.ts';
import { RequestUnanswered } from './request-answers.ts';

export interface RefusalParts {
  readonly audit: AuditWriter;
  readonly clock: Clock;
}

/** What becomes known along the way. */
interface Notes {
  readonly label: (meant: EstLabel) => EstLabel;
  readonly applicant: (proven: EstApplicant) => EstApplicant;
}

/**
 * Carries something out; what it refuses is put on record.
 * @param work says which label is meant, and who asks, once that is known
 */
export async function recordingRefusals<T>(
  parts: RefusalParts,
  identity: EstIdentity,
  work: (note: Notes) => Promise<T>,
): Promise<T> {
  let label: EstLabel | undefined;
  let actor: string | undefined;
  try {
    return await work({
      label(meant) {
        label = meant;
        return meant;
      },
      applicant(proven) {
        actor = proven.principal.actor;
        return proven;
      },
    });
  } catch (error) {
    if (error instanceof ServiceError && !isOnRecord(error)) {
      const organizationId = organizationIdOf(identity) ?? label?.organizationId;
      if (organizationId !== undefined) {
        await parts.audit.recordAudit({
          at: parts.clock(),
          organizationId,
          actor: actor ?? actorOf(identity),
          action: 'request.refused',
          subject: '-',
          details: {
            // What a path says may be anything; what it means is a name of ours.
            label: label?.name ?? '-',
            channel: 'est',
            violations:
              error.violations.length > 0 ? error.violations.map(({ code }) => code) : [error.code],
          },
        });
      }
    }
    throw error;
  }
}

/**
 * What policy has refused is on record as a request, what could not be read has its entry, and
 * whose roles do not permit it the door counts as well.
 */
const isOnRecord = (error: ServiceError): boolean =>
  error instanceof NotAuthenticated ||
  error instanceof RequestUnanswered ||
  error.code === 'csr-unreadable' ||
  error.code === 'not-permitted';

function actorOf(identity: EstIdentity): string {
  switch (identity.kind) {
    case 'api-client':
      return identity.principal.actor;
    case 'enrolment-secret':
      return secretActor(identity.secret);
    case 'current-certificate':
      return certificateActor(identity.record);
    case 'factory-certificate':
      return 'factory-certificate';
    default:
      return 'unknown';
  }
}
