/**
 * The composition root: the one file (with its folder) that knows every part. It makes the parts,
 * hands each what it needs, starts them in order and stops them in the opposite one.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { apiHosts, newApiIdentity, renewApiIdentity } from './app/api-identity.ts';
import { drain, every } from './app/lifecycle.ts';
import { createParts, type Parts } from './app/parts.ts';
import { unlockVault } from './app/vault.ts';
import { keepBootstrapSecret, removeBootstrapSecret } from './bootstrap-secret.ts';
import type { Config } from './config/settings.ts';
import { loadApiDocument, loadHierarchy, loadPolicies } from './declarations.ts';
import { accessHandlers, isBootstrapSecret, tokenHandlers } from './http/api/access.ts';
import { authorityHandlers } from './http/api/authorities.ts';
import { certificateHandlers } from './http/api/certificates.ts';
import { certificateStatusHandlers, ocppSigningHandlers } from './http/api/ocpp.ts';
import type { ApiDocument, Handlers } from './http/api/operations.ts';
import { profileHandlers } from './http/api/profiles.ts';
import { createApi } from './http/api/server.ts';
import { stationHandlers } from './http/api/stations.ts';
import { type Listener, listen } from './http/listener.ts';
import { type PublicParts, publicHandler } from './http/public/server.ts';
import { runDueJobs } from './jobs/runner.ts';
import { toPem } from './pki/pem.ts';
import { type AccessParts, authenticateToken, prepareBootstrap } from './services/access.ts';
import { INSTANCE_ORGANIZATION, type Principal } from './services/access-policy.ts';
import { ensureInstanceAuthority } from './services/api-certificate.ts';
import { applyHierarchy } from './services/apply-hierarchy.ts';
import type { Clock } from './services/clock.ts';
import { buildCrl } from './services/crls.ts';
import type { Hierarchy } from './services/hierarchies.ts';
import type { Logger } from './services/logger.ts';
import { renewResponder } from './services/ocsp-signers.ts';
import type { RandomBytes } from './services/serial-numbers.ts';
import { checkClock } from './services/signing-time.ts';
import { POLL_MILLISECONDS } from './services/status-confirmation.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { vaultStore } from './storage/vault.ts';

const RECOVERY_MILLISECONDS = 30_000;
const CLEANING_MILLISECONDS = 600_000;
const JOBS_MILLISECONDS = 500;

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
  /** PEM file of the CA that the API's certificate is from. */
  readonly apiAuthorityFile: string;
  /** Whether a bootstrap secret waits in the data directory. */
  readonly awaitsAdministrator: boolean;
  readonly hierarchy: Hierarchy;
  /** Stops accepting, finishes what runs, closes the database. */
  stop(): Promise<void>;
}

/** A configuration that evpki does not start with; the message says what to set. */
export class StartError extends Error {
  override readonly name = 'StartError';
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
  requireProductionSettings(config, hierarchy);
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });

  const processId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const database = await openDatabase(config.databaseUrl, { clock, processId, logger });
  running.push(() => database.close());
  const vault = await unlockVault(config, vaultStore(database));

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
    ...{ database, vault, profiles, access, publicUrl, clock, random, logger, processId },
    monotonic: () => performance.now(),
  });
  await checkClock(parts, INSTANCE_ORGANIZATION, config.clockPutBack);
  await abandonExpired(parts);
  await ensureInstanceAuthority(parts);
  await applyHierarchy(parts, hierarchy, 'evpki');
  running.push(...backgroundWork(parts));
  const awaitsAdministrator = await offerBootstrap(config.dataDir, parts.accessParts);
  const hosts = apiHosts(config);
  const server = await newApiIdentity(parts, hosts);
  const apiAuthorityFile = join(config.dataDir, 'api-ca.pem');
  await writeFile(apiAuthorityFile, toPem('CERTIFICATE', server.authority), { mode: 0o644 });
  const apiListener = await listen({
    host: config.host,
    port: config.apiPort,
    setting: 'EVPKI_API_PORT',
    tls: server.identity,
    handle: createApi({
      document: loadApiDocument() as ApiDocument,
      handlers: handlersOf(parts, config.dataDir),
      publicHandlers: tokenHandlers(parts.accessParts),
      authenticate: (token) => authenticate(parts.accessParts, token),
      access,
      logger,
      validateResponses: options.validateResponses ?? false,
    }),
  });
  // Both at once, or their times would add up.
  running.push(async () => {
    door.isStopping = true;
    await Promise.all([drain(apiListener, logger), drain(publicListener, logger)]);
  });
  running.push(renewApiIdentity(parts, hosts, server.notAfter, apiListener, clock, logger));

  // Ready means all of it: whoever waits for that goes on to the API.
  door.parts = {
    ...publicParts(parts),
    trouble: async () => (door.isStopping ? 'stopping' : databaseTrouble(database)),
  };
  running.push(async () => {
    delete door.parts;
  });

  const apiUrl = config.apiUrl ?? `https://${hosts[0]}:${apiListener.address.port}`;
  logger.info('listening', {
    publicUrl,
    apiUrl,
    hierarchy: hierarchy.id,
    // Where it listens by itself, whatever its clients call it.
    addresses: { public: addressOf(publicListener), api: addressOf(apiListener) },
  });
  return { publicUrl, apiUrl, apiAuthorityFile, awaitsAdministrator, hierarchy };
}

const addressOf = ({ address: { address, family, port } }: Listener): string =>
  family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;

/** Only a demo may run with a passphrase that lies beside its keys, and under a made-up URL. */
function requireProductionSettings(config: Config, hierarchy: Hierarchy): void {
  if (hierarchy.demo) {
    if (config.keyPassphrase === undefined && !isLoopback(config.host)) {
      throw new StartError(
        `a demo's keys lie beside their passphrase: set EVPKI_KEY_PASSPHRASE to listen on ${config.host}`,
      );
    }
    return;
  }
  const missing = [
    ...(config.keyPassphrase === undefined ? ['EVPKI_KEY_PASSPHRASE (or _FILE)'] : []),
    ...(config.publicUrl === undefined ? ['EVPKI_PUBLIC_URL'] : []),
  ];
  if (missing.length > 0) {
    const names = missing.join(' and ');
    throw new StartError(`hierarchy ${hierarchy.id} is not marked \`demo: true\`: set ${names}`);
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');

const handlersOf = (parts: Parts, dataDir: string): Handlers => ({
  ...accessHandlers(parts.accessParts, () => removeBootstrapSecret(dataDir)),
  ...certificateHandlers(parts),
  ...authorityHandlers(parts),
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
function backgroundWork(parts: Parts): Running {
  const { logger } = parts;
  const jobs = {
    store: parts.jobs,
    clock: parts.clock,
    processId: parts.processId,
    logger,
    handlers: {
      crl: (issuerId: string) => buildCrl(parts, issuerId),
      'ocsp-signer': (issuerId: string) => renewResponder(parts, issuerId),
    },
  };
  let isStopping = false;
  const runJobs = async () => {
    while (!isStopping && (await runDueJobs(jobs)) > 0);
  };
  return [
    every(RECOVERY_MILLISECONDS, () => abandonExpired(parts), logger),
    every(CLEANING_MILLISECONDS, () => deleteExpiredTokens(parts), logger),
    every(JOBS_MILLISECONDS, runJobs, logger),
    every(POLL_MILLISECONDS, () => parts.ocsp.poll(), logger),
    async () => {
      isStopping = true;
    },
  ];
}

async function abandonExpired(parts: Parts): Promise<void> {
  const count = await parts.store.abandonExpired(parts.clock());
  if (count > 0) parts.logger.warn('pending-certificates-abandoned', { count });
}

async function deleteExpiredTokens(parts: Parts): Promise<void> {
  await parts.accessParts.store.deleteExpiredTokens(parts.clock());
}

async function offerBootstrap(dataDir: string, parts: AccessParts): Promise<boolean> {
  await prepareBootstrap(parts, (secret) => keepBootstrapSecret(dataDir, secret));
  return (await parts.store.findBootstrap()) !== 'used';
}

async function authenticate(parts: AccessParts, bearerToken: string): Promise<Principal> {
  if (!isBootstrapSecret(bearerToken)) return authenticateToken(parts, bearerToken);
  // The one operation that the role permits checks the secret itself.
  return { actor: 'bootstrap', organizationId: INSTANCE_ORGANIZATION, roles: ['bootstrap'] };
}

async function databaseTrouble(database: Database): Promise<string | undefined> {
  try {
    await database.reader.select(database.reader.raw('1'));
    return undefined;
  } catch {
    return 'the database does not answer';
  }
}
