/**
 * The composition root: the one file (with its folder) that knows every part. It makes the parts,
 * hands each what it needs, starts them in order and stops them in the opposite one.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { apiHosts, apiIdentity } from './app/api-identity.ts';
import { loadBlockedKeys } from './app/blocked-keys.ts';
import { drain, every } from './app/lifecycle.ts';
import { measuredJobs } from './app/measured.ts';
import { createParts, type Parts } from './app/parts.ts';
import { StartError } from './app/start-error.ts';
import { unlockVault } from './app/vault.ts';
import { keepBootstrapSecret, removeBootstrapSecret } from './bootstrap-secret.ts';
import type { Config } from './config/settings.ts';
import { loadApiDocument, loadApiText, loadHierarchy, loadPolicies } from './declarations.ts';
import { missingForHierarchy, neededUnlessDemo } from './hierarchy-settings.ts';
import { accessHandlers, isBootstrapSecret, tokenHandlers } from './http/api/access.ts';
import { auditHandlers } from './http/api/audit.ts';
import { authorityHandlers } from './http/api/authorities.ts';
import { certificateHandlers } from './http/api/certificates.ts';
import { grantHandlers } from './http/api/grants.ts';
import { hierarchyHandlers } from './http/api/hierarchies.ts';
import { certificateStatusHandlers, ocppSigningHandlers } from './http/api/ocpp.ts';
import type { Handlers } from './http/api/operations.ts';
import { organizationHandlers } from './http/api/organizations.ts';
import { profileHandlers } from './http/api/profiles.ts';
import { createRateLimits } from './http/api/rate-limits.ts';
import { requestHandlers } from './http/api/requests.ts';
import { type ApiParts, createApi } from './http/api/server.ts';
import { stationHandlers } from './http/api/stations.ts';
import { type Listener, listen } from './http/listener.ts';
import { type PublicParts, publicHandler } from './http/public/server.ts';
import { runDueJobs } from './jobs/runner.ts';
import { createMetrics, MAX_ISSUERS, type Metrics } from './observe/metrics.ts';
import { metricsHandler } from './observe/metrics-endpoint.ts';
import {
  type AccessParts,
  authenticateBootstrap,
  authenticateToken,
  prepareBootstrap,
} from './services/access.ts';
import { INSTANCE_ORGANIZATION, type Principal } from './services/access-policy.ts';
import { ensureInstanceAuthority } from './services/api-certificate.ts';
import { applyHierarchy } from './services/apply-hierarchy.ts';
import { CHECKPOINT_JOB, checkpointJob, makeCheckpoint } from './services/audit-checkpoints.ts';
import type { Clock } from './services/clock.ts';
import { buildCrl } from './services/crls.ts';
import type { Hierarchy } from './services/hierarchies.ts';
import type { InstancePurpose } from './services/hierarchy-requests.ts';
import { warnOfIssuerEnds } from './services/issuer-ends.ts';
import type { Logger } from './services/logger.ts';
import { renewResponder } from './services/ocsp-signers.ts';
import type { RandomBytes } from './services/serial-numbers.ts';
import { checkClock } from './services/signing-time.ts';
import { POLL_MILLISECONDS } from './services/status-confirmation.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { observationStore } from './storage/observations.ts';
import { vaultStore } from './storage/vault.ts';

const RECOVERY_MILLISECONDS = 30_000;
const CLEANING_MILLISECONDS = 600_000;
const JOBS_MILLISECONDS = 500;
const ENDS_MILLISECONDS = 86_400_000;
const REFUSALS_MILLISECONDS = 10_000;
/** Metrics are nobody's business but the operator's: they stay on this machine. */
const METRICS_HOST = '127.0.0.1';

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  /** Checks answers against openapi.yaml; for tests. */
  readonly validateResponses?: boolean;
}

export interface App {
  readonly publicUrl: string;
  readonly apiUrl: string;
  /** PEM file of the root above the API's certificate; undefined when evpki does not know it. */
  readonly apiAuthorityFile: string | undefined;
  /** Whether a bootstrap secret waits in the data directory. */
  readonly awaitsAdministrator: boolean;
  readonly hierarchy: Hierarchy;
  /** Stops accepting, finishes what runs, closes the database. */
  stop(): Promise<void>;
}

/** What is running, in the order in which it was started: each function ends one thing. */
type Running = (() => Promise<void>)[];

/** Starts evpki. What was started is stopped again when a later step fails. */
export async function startApp(options: AppOptions): Promise<App> {
  const running: Running = [];
  const stop = async () => {
    for (const end of running.splice(0).reverse()) await end();
  };
  try {
    return { ...(await start(options, running)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: AppOptions, running: Running): Promise<Omit<App, 'stop'>> {
  const { config, logger, clock = () => new Date(), random = randomBytes } = options;
  const { profiles, access } = loadPolicies();
  const hierarchy = loadHierarchy(config.hierarchy, profiles);
  const missing = missingForHierarchy(config, hierarchy);
  if (missing !== undefined) throw new StartError(missing);
  const blockedKeys = await loadBlockedKeys(config.blockedKeys);
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });

  const processId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  // What it watches in the database is there once that is open.
  const metrics: Metrics = createMetrics(
    () => observationStore(database).observe(MAX_ISSUERS),
    clock,
  );
  const { commit: committed } = metrics;
  const database = await openDatabase(config.databaseUrl, { clock, processId, logger, committed });
  running.push(() => database.close());
  const vault = await unlockVault(config, vaultStore(database), clock);

  // Listening comes first: the demo's URL is part of every certificate, and its port may be any.
  const door: { parts?: PublicParts; isStopping?: true } = {};
  const publicListener = await listen({
    host: config.host,
    port: config.publicPort,
    setting: 'EVPKI_PUBLIC_PORT',
    handle: publicHandler(() => door.parts, logger),
  });
  running.push(() => drain(publicListener, logger));
  const publicUrl = config.publicUrl ?? `http://localhost:${publicListener.address.port}`;

  const parts = createParts({
    ...{ database, vault, profiles, access, publicUrl, blockedKeys },
    ...{ clock, random, logger, processId, metrics },
    monotonic: () => performance.now(),
  });
  await checkClock(parts, INSTANCE_ORGANIZATION, config.clockPutBack);
  await parts.declarations.activate();
  await abandonExpired(parts);
  await ensureInstanceAuthority(parts);
  await applyHierarchy(parts, hierarchy, { actor: 'evpki' });
  await warnOfIssuerEnds(parts);
  running.push(() => concludeAudit(parts), ...backgroundWork(parts, metrics));
  await parts.jobs.schedule(CHECKPOINT_JOB, clock());
  const awaitsAdministrator = await offerBootstrap(config.dataDir, parts.accessParts);
  const server = await apiIdentity(parts, config);
  const apiAuthorityFile = await keepApiRoot(config.dataDir, server.root);
  const apiListener = await listen({
    host: config.host,
    port: config.apiPort,
    setting: 'EVPKI_API_PORT',
    tls: server.identity,
    handle: createApi({
      document: loadApiDocument() as ApiParts['document'],
      documentText: loadApiText(),
      handlers: handlersOf(parts, config.dataDir, {
        demo: hierarchy.demo,
        missingSettings: neededUnlessDemo(config),
      }),
      publicHandlers: tokenHandlers(parts.accessParts),
      authenticate: (token) => authenticate(parts.accessParts, token),
      access,
      limits: createRateLimits(
        { perClient: config.clientRate, perAddress: config.addressRate },
        parts.monotonic,
      ),
      idempotency: parts,
      measure: metrics.request,
      refusals: parts.refusals,
      logger,
      validateResponses: options.validateResponses ?? false,
    }),
  });
  // Both at once, or their times would add up.
  running.push(async () => {
    door.isStopping = true;
    await Promise.all([drain(apiListener, logger), drain(publicListener, logger)]);
  });
  running.push(server.keepFresh(apiListener));

  const metricsListener =
    config.metricsPort === 'off'
      ? undefined
      : await listen({
          host: METRICS_HOST,
          port: config.metricsPort,
          setting: 'EVPKI_METRICS_PORT',
          handle: metricsHandler(metrics, logger),
        });
  if (metricsListener) running.push(() => drain(metricsListener, logger));

  // Ready means all of it: whoever waits for that goes on to the API.
  door.parts = {
    ...publicParts(parts),
    trouble: async () => (door.isStopping ? 'stopping' : databaseTrouble(database)),
  };
  running.push(async () => {
    delete door.parts;
  });

  const apiUrl = config.apiUrl ?? `https://${apiHosts(config)[0]}:${apiListener.address.port}`;
  logger.info('listening', {
    publicUrl,
    apiUrl,
    hierarchy: hierarchy.id,
    // Where it listens by itself, whatever its clients call it.
    addresses: {
      public: addressOf(publicListener),
      api: addressOf(apiListener),
      ...(metricsListener ? { metrics: addressOf(metricsListener) } : {}),
    },
  });
  return { publicUrl, apiUrl, apiAuthorityFile, awaitsAdministrator, hierarchy };
}

/** Leaves the root for the clients of this machine. */
async function keepApiRoot(dataDir: string, root: string | undefined): Promise<string | undefined> {
  const file = join(dataDir, 'api-ca.pem');
  if (root === undefined) {
    await rm(file, { force: true });
    return undefined;
  }
  await writeFile(file, root, { mode: 0o644 });
  return file;
}

const addressOf = ({ address: { address, family, port } }: Listener): string =>
  family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;

const handlersOf = (parts: Parts, dataDir: string, instance: InstancePurpose): Handlers => ({
  ...accessHandlers(parts.accessParts, parts, () => removeBootstrapSecret(dataDir)),
  ...auditHandlers(parts),
  ...certificateHandlers(parts),
  ...requestHandlers(parts),
  ...authorityHandlers({ ...parts, instance }),
  ...grantHandlers(parts),
  ...hierarchyHandlers({ ...parts, instance }),
  ...organizationHandlers(parts),
  ...profileHandlers(parts.profiles),
  ...stationHandlers(parts),
  ...ocppSigningHandlers(parts),
  ...certificateStatusHandlers(parts),
});

const publicParts = (parts: Parts): Omit<PublicParts, 'trouble'> => ({
  answer: (request) => parts.ocsp.answer(request),
  findCrl: (issuerId) => parts.crls.findCrl(issuerId),
  readChunk: (issuerId, number, chunk) => parts.crls.readChunk(issuerId, number, chunk),
  isIssuer: async (issuerId) => (await parts.authorities.findIssuer(issuerId)) !== undefined,
  issuerCertificate: async (issuerId) =>
    (await parts.authorities.findIssuer(issuerId))?.certificate,
  clock: parts.clock,
});

/** What is done again and again; each function ends one of it. */
function backgroundWork(parts: Parts, metrics: Metrics): Running {
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
        [CHECKPOINT_JOB]: () => checkpointJob(parts),
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
    every(JOBS_MILLISECONDS, runJobs, logger),
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
async function concludeAudit(parts: Parts): Promise<void> {
  try {
    await parts.refusals.flush('everything');
    await makeCheckpoint(parts);
  } catch (error) {
    // The database is away: what is in it stands, and the next start covers it.
    parts.logger.warn('audit-not-concluded', { error });
  }
}

async function abandonExpired(parts: Parts): Promise<void> {
  const count = await parts.store.abandonExpired(parts.clock());
  if (count > 0) parts.logger.warn('pending-certificates-abandoned', { count });
}

async function deleteExpired(parts: Parts): Promise<void> {
  const now = parts.clock();
  await parts.accessParts.store.deleteExpiredTokens(now);
  await parts.idempotency.deleteExpiredKeys(now);
}

async function offerBootstrap(dataDir: string, parts: AccessParts): Promise<boolean> {
  await prepareBootstrap(parts, (secret) => keepBootstrapSecret(dataDir, secret));
  return (await parts.store.findBootstrap()) !== 'used';
}

const authenticate = (parts: AccessParts, bearerToken: string): Promise<Principal> =>
  isBootstrapSecret(bearerToken)
    ? authenticateBootstrap(parts, bearerToken)
    : authenticateToken(parts, bearerToken);

async function databaseTrouble(database: Database): Promise<string | undefined> {
  try {
    await database.reader.select(database.reader.raw('1'));
    return undefined;
  } catch {
    return 'the database does not answer';
  }
}
