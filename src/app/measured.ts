/** Ports that count what passes through them: services do not know that they are watched. */

import type { JobHandler } from '../jobs/runner.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { AuditWriter } from '../services/audit.ts';
import type { IssuanceStore } from '../services/certificate-records.ts';
import type { ContractStore } from '../services/contract-store.ts';
import type { ExportStore } from '../services/export-records.ts';
import type { AskForeignStatus } from '../services/foreign-status.ts';
import type { OcspReply, OcspResponder } from '../services/ocsp-responder.ts';
import type { RevocationStore } from '../services/revocation-records.ts';

/** Certificates that evpki makes for itself come through no door. */
const NO_CHANNEL = 'internal';

export function measuredIssuance(store: IssuanceStore, metrics: Metrics): IssuanceStore {
  /** What is between pending and issued in this process. */
  const pending = new Map<string, { readonly profile: string; readonly channel: string }>();
  return {
    ...store,
    async recordPending(command) {
      const result = await store.recordPending(command);
      if (result.outcome === 'recorded') {
        const { id, profile } = command.certificate;
        pending.set(id, { profile, channel: command.request?.channel ?? NO_CHANNEL });
      }
      return result;
    },
    async recordIssued(command) {
      const certificate = pending.get(command.certificateId);
      pending.delete(command.certificateId);
      const result = await store.recordIssued(command);
      if (result === 'issued' && certificate) {
        metrics.enrolment('issued', certificate.profile, certificate.channel);
      }
      return result;
    },
    async recordAbandoned(command) {
      pending.delete(command.certificateId);
      await store.recordAbandoned(command);
      metrics.abandoned(1);
    },
    async recordRefused(command) {
      await store.recordRefused(command);
      metrics.enrolment('refused', command.request.profile, command.request.channel);
    },
    async abandonExpired(now) {
      const count = await store.abandonExpired(now);
      metrics.abandoned(count);
      return count;
    },
  };
}

/**
 * Requests that were refused before there was a row for them are known by their audit entry.
 * @param profiles the names that may become labels
 */
export function measuredAudit<T extends AuditWriter>(
  audit: T,
  profiles: ReadonlyMap<string, unknown>,
  metrics: Metrics,
): T {
  return {
    ...audit,
    async recordAudit(event) {
      await audit.recordAudit(event);
      if (event.action !== 'request.refused') return;
      const profile = String(event.details.profile ?? '');
      metrics.enrolment(
        'refused',
        profiles.has(profile) ? profile : 'none',
        String(event.details.channel ?? NO_CHANNEL),
      );
    },
  };
}

export const measuredRevocations = (store: RevocationStore, metrics: Metrics): RevocationStore => ({
  ...store,
  async recordStatusChange(command) {
    const result = await store.recordStatusChange(command);
    if (result.outcome === 'changed') {
      const { state, reason } = command.to;
      metrics.statusChange(state === 'issued' ? 'released' : state, reason ?? 'none');
    }
    return result;
  },
});

export const measuredExports = (store: ExportStore, metrics: Metrics): ExportStore => ({
  ...store,
  async createExported(command) {
    const result = await store.createExported(command);
    if (result === 'created') metrics.exported();
    return result;
  },
  async revokeUnseen(command) {
    const result = await store.revokeUnseen(command);
    if (result.outcome === 'revoked') metrics.statusChange('revoked', command.to.reason ?? 'none');
    return result;
  },
});

export const measuredContracts = (store: ContractStore, metrics: Metrics): ContractStore => ({
  ...store,
  async changeState(command) {
    const result = await store.changeState(command);
    const [state, reason] = {
      ...{ active: ['released', 'none'] as const, suspended: ['held', 'certificateHold'] as const },
      ended: ['revoked', 'cessationOfOperation'] as const,
    }[command.to];
    const changed = result.outcome === 'changed' ? result.statuses : [];
    for (const _ of changed) metrics.statusChange(state, reason);
    return result;
  },
});

export function measuredOcsp(responder: OcspResponder, metrics: Metrics): OcspResponder {
  const count = (reply: OcspReply): OcspReply => {
    if (reply.kind === 'error') metrics.ocspAnswer(reply.status, 'demand');
    else metrics.ocspAnswer(reply.says, reply.ready ? 'ready' : 'demand');
    return reply;
  };
  return {
    ...responder,
    answer(request) {
      const reply = responder.answer(request);
      return 'then' in reply ? reply.then(count) : count(reply);
    },
  };
}

export const measuredForeignStatus =
  (ask: AskForeignStatus, metrics: Metrics): AskForeignStatus =>
  async (question) => {
    const answer = await ask(question);
    metrics.foreignStatus(answer.known ? answer.status.kind : answer.reason);
    return answer;
  };

export const measuredJobs = (
  handlers: Readonly<Record<string, JobHandler>>,
  metrics: Metrics,
): Readonly<Record<string, JobHandler>> =>
  Object.fromEntries(
    Object.entries(handlers).map(([kind, handle]) => [
      kind,
      async (subject: string) => {
        try {
          const next = await handle(subject);
          metrics.job(kind, 'done');
          return next;
        } catch (error) {
          metrics.job(kind, 'failed');
          throw error;
        }
      },
    ]),
  );
