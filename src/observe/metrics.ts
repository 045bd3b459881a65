/**
 * What is counted, as Prometheus reads it. Labels come from short lists that evpki itself has
 * (profiles, codes, operations): no serial numbers, no clients, nothing that a caller could make up.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../services/clock.ts';
import type { Observation } from '../services/observations.ts';

/** Issuers that have time series of their own; beyond them the ones that are worst off count. */
export const MAX_ISSUERS = 100;
const DAY_SECONDS = 86_400;

export type Metrics = ReturnType<typeof createMetrics>;

/** @param observe reads what is in the database; when it fails, the rest is shown without it */
export function createMetrics(observe: () => Promise<Observation>, clock: Clock) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const requests = new Histogram({
    name: 'evpki_http_request_duration_seconds',
    help: 'Requests to the API by operationId and status',
    labelNames: ['operation', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const enrolments = new Counter({
    name: 'evpki_certificates_total',
    help: 'Certificates by outcome (issued, refused), profile and channel',
    labelNames: ['outcome', 'profile', 'channel'] as const,
    registers,
  });
  const abandoned = new Counter({
    name: 'evpki_certificates_abandoned_total',
    help: 'Pending certificates that were given up',
    registers,
  });
  const statusChanges = new Counter({
    name: 'evpki_status_changes_total',
    help: 'Certificates revoked, held and released, by reason',
    labelNames: ['to', 'reason'] as const,
    registers,
  });
  const exports = new Counter({
    name: 'evpki_authority_exports_total',
    help: 'Authorities whose key was handed out',
    registers,
  });
  const ocsp = new Counter({
    name: 'evpki_ocsp_answers_total',
    help: 'OCSP answers by what they say and whether they were ready or signed on demand',
    labelNames: ['says', 'from'] as const,
    registers,
  });
  const foreignStatus = new Counter({
    name: 'evpki_foreign_status_total',
    help: 'Statuses of certificates of others by what was heard, or why it is not known',
    labelNames: ['outcome'] as const,
    registers,
  });
  const jobs = new Counter({
    name: 'evpki_jobs_total',
    help: 'Jobs by kind and outcome (done, failed)',
    labelNames: ['kind', 'outcome'] as const,
    registers,
  });
  const refused = new Counter({
    name: 'evpki_connections_refused_total',
    help: 'Connections that were too many, by listener (api, public) and limit (address, all)',
    labelNames: ['listener', 'limit'] as const,
    registers,
  });
  const batches = new Histogram({
    name: 'evpki_commit_works',
    help: 'Works that shared a transaction',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  });

  const observed = gaugesOf(registers);
  return {
    contentType: registry.contentType,
    /** Everything as text, read anew. */
    async text(): Promise<string> {
      observed.set(await observe().catch(() => undefined), clock());
      return registry.metrics();
    },
    request: (operation: string, status: string, seconds: number) =>
      requests.observe({ operation, status }, seconds),
    enrolment: (outcome: 'issued' | 'refused', profile: string, channel: string) =>
      enrolments.inc({ outcome, profile, channel }),
    abandoned: (count: number) => abandoned.inc(count),
    statusChange: (to: string, reason: string) => statusChanges.inc({ to, reason }),
    exported: () => exports.inc(),
    ocspAnswer: (says: string, from: 'ready' | 'demand') => ocsp.inc({ says, from }),
    foreignStatus: (outcome: string) => foreignStatus.inc({ outcome }),
    job: (kind: string, outcome: 'done' | 'failed') => jobs.inc({ kind, outcome }),
    refusedConnection: (listener: 'api' | 'public', limit: 'address' | 'all') =>
      refused.inc({ listener, limit }),
    commit: (works: number) => batches.observe(works),
  };
}

/** What is not counted but looked at, all of one moment. */
function gaugesOf(registers: Registry[]) {
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const up = gauge('evpki_database_up', 'Whether the database answered the last time it was asked');
  const pending = gauge('evpki_certificates_pending', 'Certificates that are being made');
  const crlNumber = gauge('evpki_crl_number', 'Number of the published CRL', ['issuer']);
  const crlAge = gauge('evpki_crl_age_seconds', 'Time since thisUpdate of the CRL', ['issuer']);
  const crlLeft = gauge('evpki_crl_left_seconds', 'Time until nextUpdate of the CRL', ['issuer']);
  const issuerLeft = gauge(
    'evpki_first_issuer_end_days',
    'Days until the first of the issuers that sign ends',
  );
  return {
    set(observation: Observation | undefined, now: Date): void {
      for (const one of [pending, crlNumber, crlAge, crlLeft, issuerLeft]) one.reset();
      up.set(observation ? 1 : 0);
      if (!observation) return;
      const secondsUntil = (time: Date) => (time.getTime() - now.getTime()) / 1000;
      pending.set(observation.pendingCertificates);
      for (const { issuerId: issuer, number, thisUpdate, nextUpdate } of observation.crls) {
        crlNumber.set({ issuer }, number);
        crlAge.set({ issuer }, -secondsUntil(thisUpdate));
        crlLeft.set({ issuer }, secondsUntil(nextUpdate));
      }
      const { firstIssuerEnd: end } = observation;
      if (end) issuerLeft.set(secondsUntil(end) / DAY_SECONDS);
    },
  };
}
