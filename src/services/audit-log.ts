/** Reading the audit log, and who may; reading it leaves an entry in it. */

import type { ChainedEntry } from '../pki/ledger.ts';
import { type AccessPolicy, type Principal, reachesEveryOrganization } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import {
  type CheckpointParts,
  type KeptCheckpoint,
  latestCheckpoint,
  makeCheckpoint,
} from './audit-checkpoints.ts';
import type { AuditFilter, AuditStore } from './audit-records.ts';
import { type AuditVerdict, type VerificationParts, verifyAuditLog } from './audit-verification.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { findOrganization, type OrganizationStore } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';

export interface AuditLogParts extends CheckpointParts, VerificationParts {
  readonly audit: AuditStore & AuditWriter;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

export interface AuditQuestion extends Omit<AuditFilter, 'organizationId'>, PageWanted {
  readonly organization?: string;
}

/**
 * A page of entries, newest first: those of the caller's organization, or of every one for those
 * who reach all and name none.
 * @throws ServiceError `not-found` for an organization out of reach, `request-malformed` for a
 *   cursor that no listing returned
 */
export async function listAuditEntries(
  parts: AuditLogParts,
  principal: Principal,
  question: AuditQuestion,
): Promise<Page<ChainedEntry>> {
  const { organization, limit, cursor, ...rest } = question;
  // Looking leaves an entry: nobody is to write into the log of an organization yet to be made.
  if (organization !== undefined) await findOrganization(parts, principal, organization);
  const everywhere = reachesEveryOrganization(parts.access, principal);
  const organizationId = organization ?? (everywhere ? undefined : principal.organizationId);
  const filter = { ...rest, ...(organizationId === undefined ? {} : { organizationId }) };
  const page = await readPage({ limit, cursor }, (position) =>
    parts.audit.listEntries(filter, position),
  );
  // Written before the answer is given: nobody reads and is not seen reading.
  const { actor } = principal;
  const event = { at: parts.clock(), actor, action: 'audit.read', subject: 'audit' };
  const details = { ...plain(filter), entries: page.items.length };
  await parts.audit.recordAudit({ ...event, organizationId: principal.organizationId, details });
  if (organization !== undefined && organization !== principal.organizationId) {
    await parts.audit.recordAudit({ ...event, organizationId: organization, details });
  }
  return page;
}

const plain = ({ since, until, organizationId, ...rest }: AuditFilter) => ({
  ...rest,
  ...(organizationId === undefined ? {} : { organization: organizationId }),
  ...(since === undefined ? {} : { since: since.toISOString() }),
  ...(until === undefined ? {} : { until: until.toISOString() }),
});

/**
 * The latest checkpoint.
 * @throws ServiceError `not-permitted` for those who do not reach every organization, all of which
 *   it speaks of; `not-found` before there is one
 */
export async function findCheckpoint(
  parts: AuditLogParts,
  principal: Principal,
): Promise<KeptCheckpoint> {
  requireReachOfAll(parts.access, principal);
  const checkpoint = await latestCheckpoint(parts);
  if (!checkpoint) throw new ServiceError('not-found', 'there is no checkpoint yet');
  return checkpoint;
}

/**
 * A checkpoint that covers everything up to now: a new one where something has been written.
 * @throws ServiceError `not-permitted`, as `findCheckpoint`
 */
export async function takeCheckpoint(
  parts: AuditLogParts,
  principal: Principal,
): Promise<{ readonly checkpoint: KeptCheckpoint; readonly isNew: boolean }> {
  requireReachOfAll(parts.access, principal);
  const isNew = await makeCheckpoint(parts);
  return { checkpoint: await findCheckpoint(parts, principal), isNew };
}

export interface AuditVerifier {
  /**
   * Verifies the whole log, and against a checkpoint that was kept.
   * @throws ServiceError `not-permitted` for those who do not reach every organization; `conflict`
   *   while this process is at it already; `kept-checkpoint-invalid` as `verifyAuditLog`
   */
  verify(
    principal: Principal,
    kept: KeptCheckpoint | undefined,
    signal: AbortSignal,
  ): Promise<AuditVerdict>;
}

export function createAuditVerifier(parts: AuditLogParts): AuditVerifier {
  let isRunning = false;
  return {
    async verify(principal, kept, signal) {
      requireReachOfAll(parts.access, principal);
      if (isRunning) throw new ServiceError('conflict', 'a verification is running already');
      isRunning = true;
      try {
        const verdict = await verifyAuditLog(parts, kept, signal);
        await recordVerification(parts, principal, kept, verdict);
        return verdict;
      } catch (error) {
        // Somebody may have been at the copies; the log is none the worse for it.
        if (error instanceof ServiceError && error.code === 'kept-checkpoint-invalid') {
          parts.logger.warn(error.code, { checkpoint: kept?.number, actor: principal.actor });
        }
        throw error;
      } finally {
        isRunning = false;
      }
    },
  };
}

async function recordVerification(
  { audit, clock, logger }: AuditLogParts,
  { actor, organizationId }: Principal,
  kept: KeptCheckpoint | undefined,
  { findings, ...counts }: AuditVerdict,
): Promise<void> {
  if (!counts.ok) logger.error('audit-log-not-intact', { findings });
  await audit.recordAudit({
    at: clock(),
    organizationId,
    actor,
    action: 'audit.verified',
    subject: 'audit',
    details: {
      ...counts,
      findings: findings.length,
      ...(kept === undefined ? {} : { keptCheckpoint: kept.number }),
    },
  });
}

function requireReachOfAll(policy: AccessPolicy, principal: Principal): void {
  if (reachesEveryOrganization(policy, principal)) return;
  throw new ServiceError(
    'not-permitted',
    'checkpoints cover every organization, and your roles do not reach all of them',
  );
}
