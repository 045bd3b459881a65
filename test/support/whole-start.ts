/** A start to its end as `src/app.ts` does it, but for the listeners. */

import { type ApiIdentity, apiIdentity, keepApiRoot } from '../../src/app/api-identity.ts';
import { prepareBootstrap } from '../../src/services/access.ts';
import { CHECKPOINT_JOB } from '../../src/services/audit-checkpoints.ts';
import { CPS_SIGNERS_JOB } from '../../src/services/cps-records.ts';
import { TOKEN_KEYS_JOB } from '../../src/services/token-key-records.ts';
import { renewTokenKeys } from '../../src/services/token-keys.ts';
import { doJobs, type Services, startAuthorities } from './services.ts';

const apiConfig = {
  apiTlsAuthority: 'instance-ca',
  apiUrl: undefined,
  apiTlsCertificate: undefined,
  apiTlsKey: undefined,
};

/** @returns what the API listener would present */
export async function startWhole(services: Services, dataDir: string): Promise<ApiIdentity> {
  await startAuthorities(services);
  await services.jobs.schedule(CHECKPOINT_JOB, services.clock());
  await services.jobs.schedule(CPS_SIGNERS_JOB, services.clock());
  await services.jobs.schedule(TOKEN_KEYS_JOB, await renewTokenKeys(services));
  await prepareBootstrap(services.accessParts, services.keep);
  const api = await apiIdentity(services, apiConfig);
  await keepApiRoot(dataDir, api.root);
  return api;
}

/** Does the checkpoint job and no other: those of issuers are done while others are revoking. */
export async function doCheckpointJob(services: Services): Promise<void> {
  await services.database.write(({ knex }) =>
    knex('jobs').whereNot('name', CHECKPOINT_JOB).update({ due_at: '2100-01-01T00:00:00.000Z' }),
  );
  while ((await doJobs(services)) > 0);
}
