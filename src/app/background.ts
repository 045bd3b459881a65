/** What a running evpki does by itself, again and again and at its end. */

import { runDueJobs } from '../jobs/runner.ts';
import type { Metrics } from '../observe/metrics.ts';
import { CHECKPOINT_JOB, checkpointJob, makeCheckpoint } from '../services/audit-checkpoints.ts';
import { CPS_SIGNERS_JOB } from '../services/cps-records.ts';
import { renewCpsSigners } from '../services/cps-renewal.ts';
import { buildCrl } from '../services/crls.ts';
import { warnOfIssuerEnds } from '../services/issuer-ends.ts';
import { renewResponder } from '../services/ocsp-signers.ts';
import { noteRootEnds, ROOT_ENDS_JOB } from '../services/root-ends.ts';
import { POLL_MILLISECONDS } from '../services/status-confirmation.ts';
import { TOKEN_KEYS_JOB } from '../services/token-key-records.ts';
import { renewTokenKeys } from '../services/token-keys.ts';
import { deliverWebhooks, WEBHOOKS_JOB } from '../services/webhook-deliveries.ts';
import { every } from './lifecycle.ts';
import { measuredJobs } from './measured.ts';
import type { Parts } from './parts.ts';

const RECOVERY_MILLISECONDS = 30_000;
const CLEANING_MILLISECONDS = 600_000;
const JOBS_MILLISECONDS = 500;
/** A job that waits for a server of others holds up one of them, and no CRL. */
const JOB_LANES = 2;
const ENDS_MILLISECONDS = 86_400_000;
const REFUSALS_MILLISECONDS = 10_000;

/** What is done again and again; each function ends one of it. */
export function backgroundWork(parts: Parts, metrics: Metrics): (() => Promise<void>)[] {
  const { logger } = parts;
  const jobs = {
    store: parts.jobs,
    clock: parts.clock,
    processId: parts.processId,
    logger,
    handlers: measuredJobs(
      {
        crl: (issuerId: string) => buildCrl(parts, issuerId),
        'ocsp-signer': (issuerId: string) => renewResponder(parts, issuerId),
        [CPS_SIGNERS_JOB]: () => renewCpsSigners(parts),
        [CHECKPOINT_JOB]: () => checkpointJob(parts),
        [WEBHOOKS_JOB]: () => deliverWebhooks(parts),
        [TOKEN_KEYS_JOB]: () => renewTokenKeys(parts),
        [ROOT_ENDS_JOB]: () => noteRootEnds(parts),
      },
      metrics,
    ),
  };
  let isStopping = false;
  const runJobs = async () => {
    while (!isStopping && (await runDueJobs(jobs)) > 0);
  };
  return [
    every(RECOVERY_MILLISECONDS, () => abandonExpired(parts), logger),
    every(CLEANING_MILLISECONDS, () => deleteExpired(parts), logger),
    ...Array.from({ length: JOB_LANES }, () => every(JOBS_MILLISECONDS, runJobs, logger)),
    every(ENDS_MILLISECONDS, async () => void (await warnOfIssuerEnds(parts)), logger),
    every(POLL_MILLISECONDS, () => parts.ocsp.poll(), logger),
    every(POLL_MILLISECONDS, () => parts.declarations.poll(), logger),
    every(REFUSALS_MILLISECONDS, () => parts.refusals.flush(), logger),
    async () => {
      isStopping = true;
    },
  ];
}

/** The last words of this process, and a checkpoint over them. */
export async function concludeAudit(parts: Parts): Promise<void> {
  try {
    await parts.refusals.flush('everything');
    await makeCheckpoint(parts);
  } catch (error) {
    // The database is away: what is in it stands, and the next start covers it.
    parts.logger.warn('audit-not-concluded', { error });
  }
}

export async function abandonExpired(parts: Parts): Promise<void> {
  const count = await parts.store.abandonExpired(parts.clock());
  if (count > 0) parts.logger.warn('pending-certificates-abandoned', { count });
}

async function deleteExpired(parts: Parts): Promise<void> {
  const now = parts.clock();
  await parts.idempotency.deleteExpiredKeys(now);
}
