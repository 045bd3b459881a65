/**
 * The composition root: the one file (with its folder) that knows every part. It makes the parts,
 * hands each what it needs, starts them in order and stops them in the opposite one.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { apiHosts, apiIdentity, keepApiRoot } from './app/api-identity.ts';
import { abandonExpired, backgroundWork, concludeAudit } from './app/background.ts';
import { loadBlockedKeys } from './app/blocked-keys.ts';
import { estBefore } from './app/est.ts';
import { handlersOf, publicParts } from './app/handlers.ts';
import { drain } from './app/lifecycle.ts';
import { outboundFetcher } from './app/outbound.ts';
import { createParts, type Parts } from './app/parts.ts';
import { knownProxies } from './app/proxy-certificates.ts';
import { StartError } from './app/start-error.ts';
import { unlockVault } from './app/vault.ts';
import { keepBootstrapSecret } from './bootstrap-secret.ts';
import type { Config } from './config/settings.ts';
import { loadApiDocument, loadApiText, loadHierarchy, loadPolicies } from './declarations.ts';
import { missingForHierarchy, missingSettings } from './hierarchy-settings.ts';
import { isBootstrapSecret } from './http/api/access.ts';
import { oauthError } from './http/api/oauth-errors.ts';
import { createRateLimits } from './http/api/rate-limits.ts';
import { type ApiParts, createApi, type PresentedCredentials } from './http/api/server.ts';
import { tokenHandlers } from './http/api/tokens.ts';
import { type ApiValidator, apiValidator } from './http/api/validator.ts';
import { clientCertificates } from './http/client-certificate.ts';
import { type Listener, listen } from './http/listener.ts';
import { pncError } from './http/pnc/errors.ts';
import { type PublicParts, publicHandler } from './http/public/server.ts';
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
import { CHECKPOINT_JOB } from './services/audit-checkpoints.ts';
import { authenticateCertificate, requireCertificate } from './services/certificate-login.ts';
import type { Clock } from './services/clock.ts';
import { CPS_SIGNERS_JOB } from './services/cps-records.ts';
import { estActions } from './services/est.ts';
import type { Hierarchy } from './services/hierarchies.ts';
import { warnOfIssuerEnds } from './services/issuer-ends.ts';
import type { Logger } from './services/logger.ts';
import { NotAuthenticated } from './services/refusals.ts';
import { ROOT_ENDS_JOB } from './services/root-ends.ts';
import type { RandomBytes } from './services/serial-numbers.ts';
import { checkClock } from './services/signing-time.ts';
import { authenticateStation } from './services/station-login.ts';
import { TOKEN_KEYS_JOB } from './services/token-key-records.ts';
import { renewTokenKeys } from './services/token-keys.ts';
import { WEBHOOKS_JOB } from './services/webhook-deliveries.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { observationStore } from './storage/observations.ts';
import { vaultStore } from './storage/vault.ts';

/** Metrics are nobody's business but the operator's: they stay on this machine. */
const METRICS_HOST = '127.0.0.1';

export interface AppOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  /** For tests: one that checks answers, too, and that is made once for many starts. */
  readonly validator?: ApiValidator;
}

export interface App {
  readonly publicUrl: string;
  readonly apiUrl: string;
  /** PEM file of the root above the API's certificate; undefined when evpki does not know it. */
  readonly apiAuthorityFile: string | undefined;
  /** Whether a bootstrap secret waits in the data directory. */
  readonly awaitsAdministrator: boolean;
  readonly hierarchy: Hierarchy;
  /**
   * Reads again at once the files that are read again while it runs: the TLS certificate and key,
   * the certificates of proxies.
   * @returns their names
   * @throws StartError when they do not fit; then what was presented before still is
   */
  reload(): Promise<readonly string[]>;
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
  const { profiles, access, secondPerson, est } = loadPolicies(config.policies);
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
    perAddress: config.addressConnections,
    refused: (limit) => metrics.refusedConnection('public', limit),
  });
  running.push(() => drain(publicListener, logger));
  const publicUrl = config.publicUrl ?? `http://localhost:${publicListener.address.port}`;

  // Known once it listens, and nobody asks before.
  const place = { apiUrl: config.apiUrl ?? '' };
  const parts = createParts({
    apiUrl: () => place.apiUrl,
    ...{ database, vault, profiles, access, secondPerson, est, publicUrl, blockedKeys },
    ...{ clock, random, logger, processId, metrics },
    monotonic: () => performance.now(),
    askOutbound: await outboundFetcher(config),
    clientKeys: config.clientKeys,
  });
  await checkClock(parts, INSTANCE_ORGANIZATION, config.clockPutBack);
  await parts.declarations.activate();
  await abandonExpired(parts);
  await ensureInstanceAuthority(parts);
  await applyHierarchy(parts, hierarchy, { actor: 'evpki' });
  await warnOfIssuerEnds(parts);
  running.push(() => concludeAudit(parts), ...backgroundWork(parts, metrics));
  await parts.jobs.schedule(CHECKPOINT_JOB, clock());
  await parts.jobs.schedule(CPS_SIGNERS_JOB, clock());
  await parts.jobs.schedule(WEBHOOKS_JOB, clock());
  await parts.jobs.schedule(ROOT_ENDS_JOB, clock());
  await parts.jobs.schedule(TOKEN_KEYS_JOB, await renewTokenKeys(parts));
  const awaitsAdministrator = await offerBootstrap(config.dataDir, parts.accessParts);
  const server = await apiIdentity(parts, config);
  const apiAuthorityFile = await keepApiRoot(config.dataDir, server.root);
  const proxies = await knownProxies(parts, config);
  const shared = {
    authenticate: (presented: PresentedCredentials) => authenticate(parts, presented),
    clientCertificate: clientCertificates(proxies),
    limits: createRateLimits(
      { perClient: config.clientRate, perAddress: config.addressRate },
      parts.monotonic,
    ),
    measure: metrics.request,
  };
  const document = loadApiDocument() as ApiParts['document'];
  const rest = createApi({
    ...shared,
    document,
    documentText: loadApiText(),
    handlers: handlersOf(parts, config.dataDir, {
      demo: hierarchy.demo,
      missingSettings: missingSettings(config),
    }),
    publicHandlers: tokenHandlers(parts.accessParts, shared.clientCertificate),
    errorForms: { oauth: oauthError, opcp: pncError },
    access,
    actionsElsewhere: estActions,
    idempotency: parts,
    refusals: parts.refusals,
    logger,
    validator: options.validator ?? apiValidator(document),
  });
  const apiListener = await listen({
    host: config.host,
    port: config.apiPort,
    setting: 'EVPKI_API_PORT',
    tls: server.identity,
    perAddress: config.addressConnections,
    refused: (limit) => metrics.refusedConnection('api', limit),
    asksForCertificate: true,
    handle: estBefore(parts, shared, rest),
  });
  // Both at once, or their times would add up.
  running.push(async () => {
    door.isStopping = true;
    await Promise.all([drain(apiListener, logger), drain(publicListener, logger)]);
  });
  running.push(server.keepFresh(apiListener), proxies.keepFresh());

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
    hexRequests: config.ocspHex === 'on',
    trouble: async () => (door.isStopping ? 'stopping' : databaseTrouble(database)),
  };
  running.push(async () => {
    delete door.parts;
  });

  place.apiUrl ||= `https://${apiHosts(config)[0]}:${apiListener.address.port}`;
  const { apiUrl } = place;
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
  const reload = async () => {
    await server.refresh(apiListener);
    await proxies.refresh();
    return [...server.files, ...proxies.files];
  };
  return { publicUrl, apiUrl, apiAuthorityFile, awaitsAdministrator, hierarchy, reload };
}

const addressOf = ({ address: { address, family, port } }: Listener): string =>
  family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;

async function offerBootstrap(dataDir: string, parts: AccessParts): Promise<boolean> {
  await prepareBootstrap(parts, (secret) => keepBootstrapSecret(dataDir, secret));
  return (await parts.store.findBootstrap()) !== 'used';
}

/** A token alone says who calls; without one the certificate does. */
async function authenticate(
  parts: Parts,
  { bearerToken, certificates }: PresentedCredentials,
): Promise<Principal> {
  const { accessParts, paths, parsed, certificates: records } = parts;
  if (bearerToken !== undefined) {
    return isBootstrapSecret(bearerToken)
      ? authenticateBootstrap(accessParts, bearerToken)
      : authenticateToken(accessParts, bearerToken, certificates);
  }
  if (certificates) {
    const login = { ...accessParts, paths, parsed, certificates: records };
    return (
      (await authenticateCertificate(login, certificates)) ??
      (await authenticateStation(parts, certificates)) ??
      requireCertificate(login, certificates)
    );
  }
  throw new NotAuthenticated('the request carries no bearer token and no client certificate', {
    reason: 'no-credentials',
  });
}

async function databaseTrouble(database: Database): Promise<string | undefined> {
  try {
    await database.reader.select(database.reader.raw('1'));
    return undefined;
  } catch {
    return 'the database does not answer';
  }
}
