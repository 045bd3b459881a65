/**
 * Audit entries for calls that were turned away before anything was done: unknown or expired
 * credentials, and roles that do not permit. Whoever sends a million of them must not write a
 * million entries: the first of a kind is written at once, the rest of its minute is counted and
 * becomes one entry more.
 */

import { INSTANCE_ORGANIZATION } from './access-policy.ts';
import type { AuditEvent, AuditWriter } from './audit.ts';
import type { CertificateFault } from './certificate-standing.ts';
import type { Clock } from './clock.ts';
import { type ErrorCode, ServiceError } from './errors.ts';
import type { Logger } from './logger.ts';

export type RefusalReason =
  | 'no-credentials'
  | 'token-unknown'
  /** Or ended with the secret that it was given for. */
  | 'token-expired'
  /** It counts with its certificate alone (RFC 8705), which is not there or not good any more. */
  | 'token-certificate-missing'
  | 'client-unknown'
  /** Disabled, or its time is over. */
  | 'client-ended'
  | 'secret-wrong'
  | 'bootstrap-secret-wrong'
  /** Whatever it was: there is none any more that would be right. */
  | 'bootstrap-secret-spent'
  /** A one-time enrolment secret: used or withdrawn before, out of time, for somebody else. */
  | 'secret-unknown'
  | 'secret-used'
  | 'secret-withdrawn'
  | 'secret-expired'
  | 'secret-of-other'
  /** A certificate that holds, of nobody that is registered. */
  | 'station-unknown'
  /** What was shown is none of the ways that its label of EST takes. */
  | 'credentials-not-taken'
  /** No API client has registered the certificate, or not the one that is named beside it. */
  | 'certificate-unknown'
  | CertificateFault
  /** Somebody who is no proxy has passed on a client certificate. */
  | 'proxy-not-trusted'
  /** A proxy has, whose own certificate does not hold (any more). */
  | 'proxy-ended'
  /** A path of EST whose segments or query name what there is not. */
  | 'path-unknown'
  | Forbidden;

/** What is forbidden, by the code of the error that says so. */
type Forbidden = 'not-permitted' | 'web-page-refused';

/** Whether the error is that something is forbidden. */
export const isForbidden = (error: unknown): error is ServiceError & { readonly code: Forbidden } =>
  error instanceof ServiceError &&
  (error.code === 'not-permitted' || error.code === 'web-page-refused');

/** Somebody who was turned away. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** `client:<id>` where credentials, wrong or right, were those of a client that exists. */
  readonly actor?: string;
  readonly organizationId?: string;
  /** The operation, for one that its caller may not do. */
  readonly operation?: string;
  /** The codes of everything that was wrong with a chain. */
  readonly violations?: readonly string[];
  /** Where the call came from. */
  readonly address?: string;
}

export interface RefusalLog {
  note(refusal: Refusal): void;
  /** Writes what has been counted in minutes that are over, or in all of them. */
  flush(everything?: 'everything'): Promise<void>;
}

/** An error to be written down, with what is known about who was turned away. */
export class TurnedAway extends ServiceError {
  readonly refusal: Refusal;
  /**
   * The reason as far as the caller may know it; undefined for not at all. Where one answer stands
   * for several reasons it is the same for all of them.
   */
  readonly told: RefusalReason | undefined;

  constructor(code: ErrorCode, message: string, refusal: Refusal, told?: RefusalReason) {
    super(code, message);
    this.refusal = refusal;
    this.told = told;
  }
}

/** `not-authenticated`. */
export class NotAuthenticated extends TurnedAway {
  constructor(message: string, refusal: Refusal, told?: RefusalReason) {
    super('not-authenticated', message, refusal, told);
  }
}

/**
 * One answer, whatever was wrong with the secret; the audit log knows better. What has become of it
 * is for its holder to know, who has the name and the label, too; not for whoever has found one.
 */
export const secretRefused = (reason: SecretReason, who: Omit<Refusal, 'reason'>) =>
  new NotAuthenticated(
    'the user name and enrolment secret are not accepted',
    { reason, ...who },
    reason === 'secret-of-other' ? 'secret-unknown' : reason,
  );
type SecretReason = Extract<
  RefusalReason,
  `secret-${'used' | 'withdrawn' | 'expired' | 'of-other'}`
>;

/** An unknown somebody, as audit entries name it. */
const UNKNOWN = 'unknown';
const MINUTE = 60_000;
/** Kinds of refusals in a minute; all beyond are counted as one kind. */
export const MAX_KINDS = 50;
const MAX_ADDRESSES = 5;

interface Counted {
  readonly refusal: Refusal;
  readonly since: Date;
  /** Those after the first, which has its own entry. */
  more: number;
  last: Date;
  readonly addresses: Set<string>;
}

interface RefusalParts {
  readonly audit: AuditWriter;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createRefusalLog({ audit, clock, logger }: RefusalParts): RefusalLog {
  const kinds = new Map<string, Counted>();
  const writing = new Set<Promise<void>>();

  // A caller is turned away whether or not it can be written down.
  const write = (event: AuditEvent) => {
    const written = audit
      .recordAudit(event)
      .catch((error: unknown) => logger.error('refusal-not-recorded', { error }))
      .finally(() => writing.delete(written));
    writing.add(written);
  };

  const endKind = (key: string, counted: Counted) => {
    kinds.delete(key);
    if (counted.more === 0) return;
    write(
      eventOf(counted.refusal, counted.last, {
        count: counted.more,
        since: counted.since.toISOString(),
        addresses: [...counted.addresses],
      }),
    );
  };

  return {
    note(refusal) {
      const now = clock();
      const [key, kept] = kindOf(refusal, kinds);
      let counted = kinds.get(key);
      if (counted && now.getTime() - counted.since.getTime() >= MINUTE) {
        endKind(key, counted);
        counted = undefined;
      }
      if (!counted) {
        const addresses = refusal.address === undefined ? [] : [refusal.address];
        write(eventOf(kept, now, { count: 1, addresses }));
        kinds.set(key, { refusal: kept, since: now, more: 0, last: now, addresses: new Set() });
        return;
      }
      counted.more += 1;
      counted.last = now;
      if (refusal.address !== undefined && counted.addresses.size < MAX_ADDRESSES) {
        counted.addresses.add(refusal.address);
      }
    },

    async flush(everything) {
      const now = clock().getTime();
      for (const [key, counted] of kinds) {
        if (everything || now - counted.since.getTime() >= MINUTE) endKind(key, counted);
      }
      while (writing.size > 0) await Promise.all(writing);
    },
  };
}

/** What a refusal is counted with, and what is kept of it: names that a caller made up are not. */
function kindOf(refusal: Refusal, kinds: ReadonlyMap<string, Counted>): [string, Refusal] {
  const { reason, actor = UNKNOWN, operation = '' } = refusal;
  const key = JSON.stringify([reason, actor, operation]);
  if (kinds.has(key) || kinds.size < MAX_KINDS) return [key, refusal];
  return [reason, { reason }];
}

const eventOf = (refusal: Refusal, at: Date, details: AuditEvent['details']): AuditEvent => ({
  at,
  organizationId: refusal.organizationId ?? INSTANCE_ORGANIZATION,
  actor: refusal.actor ?? UNKNOWN,
  action: 'access.refused',
  subject: refusal.operation ?? '-',
  details: {
    reason: refusal.reason,
    ...(refusal.violations ? { violations: refusal.violations } : {}),
    ...details,
  },
});
