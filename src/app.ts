/**
 * The composition root: the one file that knows every part. It makes the parts, hands each what
 * it needs, starts them in order and stops them in the opposite one.
 */

import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { keepBootstrapSecret, removeBootstrapSecret } from './bootstrap-secret.ts';
import type { Config } from './config/settings.ts';
import { loadApiDocument, loadHierarchy, loadPolicies } from './declarations.ts';
import { accessHandlers, isBootstrapSecret, tokenHandlers } from './http/api/access.ts';
import { authorityHandlers } from './http/api/authorities.ts';
import { certificateHandlers } from './http/api/certificates.ts';
import type { ApiDocument } from './http/api/operations.ts';
import { profileHandlers } from './http/api/profiles.ts';
import { createApi } from './http/api/server.ts';
import { type Listener, listen, type TlsIdentity } from './http/listener.ts';
import { publicHandler } from './http/public/server.ts';
import { generateKey } from './keystore/generate.ts';
import { vaultKeyring } from './keystore/keyring.ts';
import { demoPassphrase } from './keystore/passphrase.ts';
import { createVault, openVault, type Vault } from './keystore/vault.ts';
import { toPem } from './pki/pem.ts';
import { type AccessParts, authenticateToken, prepareBootstrap } from './services/access.ts';
import { INSTANCE_ORGANIZATION, type Principal } from './services/access-policy.ts';
import { ensureInstanceAuthority, issueApiCertificate } from './services/api-certificate.ts';
import { applyHierarchy } from './services/apply-hierarchy.ts';
import type { AuthorityParts } from './services/authorities.ts';
import type { Clock } from './services/clock.ts';
import type { EnrolmentParts } from './services/enrolment.ts';
import type { Hierarchy } from './services/hierarchies.ts';
import { createIssuers } from './services/issuers.ts';
import type { Logger } from './services/logger.ts';
import type { RandomBytes } from './services/serial-numbers.ts';
import type { VaultStore } from './services/vault-records.ts';
import { accessStore } from './storage/access.ts';
import { auditStore } from './storage/audit.ts';
import { authorityStore } from './storage/authorities.ts';
import { certificateStore } from './storage/certificates.ts';
import { type Database, openDatabase } from './storage/database.ts';
import { issuanceStore } from './storage/issuance.ts';
import { organizationStore } from './storage/organizations.ts';
import { vaultStore } from './storage/vault.ts';

const RECOVERY_MILLISECONDS = 30_000;
/** The API certificate is replaced when a third of its life is left; looked at this often. */
const RENEWAL_CHECK_MILLISECONDS = 3_600_000;
const DRAIN_MILLISECONDS = 8_000;

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

/** Starts evpki. What was started is stopped again when a later step fails. */
export async function startApp(options: AppOptions): Promise<App> {
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    return await start(options, started, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  options: AppOptions,
  started: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<App> {
  const { config, logger, clock = () => new Date(), random = randomBytes } = options;
  const { profiles, access } = loadPolicies();
  const hierarchy = loadHierarchy(config.hierarchy, profiles);
  requireProductionSettings(config, hierarchy);
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });

  const processId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const database = await openDatabase(config.databaseUrl, {
    clock,
    processId,
    logger,
  });
  started.push(() => database.close());
  const vault = await unlockVault(config, vaultStore(database));

  let ready = false;
  const authorities = authorityStore(database);
  const publicListener = await listen({
    host: config.host,
    port: config.publicPort,
    setting: 'EVPKI_PUBLIC_PORT',
    handle: publicHandler({
      issuerCertificate: async (id) => (await authorities.findIssuer(id))?.certificate,
      unready: async () => (ready ? databaseTrouble(database) : 'starting or stopping'),
      logger,
    }),
  });
  started.push(() => drain(publicListener, logger));

  const publicUrl = config.publicUrl ?? `http://localhost:${publicListener.address.port}`;
  const parts = serviceParts({
    database,
    vault,
    profiles,
    access,
    publicUrl,
    clock,
    random,
    logger,
    processId,
  });
  await abandonExpired(parts, logger);
  started.push(every(RECOVERY_MILLISECONDS, () => abandonExpired(parts, logger), logger));

  await ensureInstanceAuthority(parts);
  await applyHierarchy(parts, hierarchy, 'evpki');
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
      handlers: {
        ...accessHandlers(parts.accessParts, () => removeBootstrapSecret(config.dataDir)),
        ...certificateHandlers(parts),
        ...authorityHandlers(parts),
        ...profileHandlers(profiles),
      },
      publicHandlers: tokenHandlers(parts.accessParts),
      authenticate: (token) => authenticate(parts.accessParts, token),
      access,
      logger,
      validateResponses: options.validateResponses ?? false,
    }),
  });
  started.push(() => drain(apiListener, logger));
  started.push(renewApiIdentity(parts, hosts, server.notAfter, apiListener, clock, logger));
  started.push(async () => {
    ready = false;
  });
  ready = true;

  const apiUrl = config.apiUrl ?? `https://${hosts[0]}:${apiListener.address.port}`;
  logger.info('listening', { publicUrl, apiUrl, hierarchy: hierarchy.id });
  return { publicUrl, apiUrl, apiAuthorityFile, awaitsAdministrator, hierarchy, stop };
}

/** Only a demo may run with a passphrase that lies beside its keys, and under a made-up URL. */
function requireProductionSettings(config: Config, hierarchy: Hierarchy): void {
  if (hierarchy.demo) return;
  const missing = [
    ...(config.keyPassphrase === undefined ? ['EVPKI_KEY_PASSPHRASE (or _FILE)'] : []),
    ...(config.publicUrl === undefined ? ['EVPKI_PUBLIC_URL'] : []),
  ];
  if (missing.length > 0) {
    const names = missing.join(' and ');
    throw new StartError(`hierarchy ${hierarchy.id} is not marked \`demo: true\`: set ${names}`);
  }
}

async function unlockVault(config: Config, store: VaultStore): Promise<Vault> {
  const passphrase =
    config.keyPassphrase ?? (await demoPassphrase(join(config.dataDir, 'demo-passphrase')));
  const existing = await store.findVault();
  if (existing) return openVault(passphrase, existing);
  const { record, vault } = await createVault(passphrase);
  const kept = await store.createVault(record);
  // Another process may have been faster; its vault counts then.
  return Buffer.compare(kept.salt, record.salt) === 0 ? vault : openVault(passphrase, kept);
}

interface Wiring
  extends Pick<
      AuthorityParts,
      'profiles' | 'publicUrl' | 'clock' | 'random' | 'logger' | 'processId'
    >,
    Pick<EnrolmentParts, 'access'> {
  readonly database: Database;
  readonly vault: Vault;
}

/** The stores and the services' parts, made from the adapters. */
function serviceParts({ database, vault, ...rest }: Wiring) {
  const authorities = authorityStore(database);
  const organizations = organizationStore(database);
  const keyring = vaultKeyring(vault);
  const { access: policy, clock, random } = rest;
  const accessParts: AccessParts = {
    store: accessStore(database),
    organizations,
    policy,
    clock,
    random,
  };
  return {
    ...rest,
    store: issuanceStore(database),
    certificates: certificateStore(database),
    audit: auditStore(database),
    authorities,
    organizations,
    keyring,
    issuers: createIssuers(authorities, keyring, rest.profiles),
    accessParts,
  };
}

async function abandonExpired(
  parts: Pick<AuthorityParts, 'store' | 'clock'>,
  logger: Logger,
): Promise<void> {
  const count = await parts.store.abandonExpired(parts.clock());
  if (count > 0) logger.warn('pending-certificates-abandoned', { count });
}

/** Runs a task again and again until the returned function is called. */
function every(
  milliseconds: number,
  task: () => Promise<void>,
  logger: Logger,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = task().catch((error: unknown) => logger.error('task-failed', { error }));
  }, milliseconds);
  return async () => {
    clearInterval(timer);
    await running;
  };
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

/** The names under which clients reach the API: from its URL, or those of this machine. */
function apiHosts(config: Config): readonly [string, ...string[]] {
  const local = ['localhost', '127.0.0.1', '::1'] as const;
  if (config.apiUrl !== undefined) {
    return [new URL(config.apiUrl).hostname.replace(/^\[|\]$/g, ''), ...local];
  }
  return local;
}

async function newApiIdentity(
  parts: AuthorityParts,
  hosts: readonly [string, ...string[]],
): Promise<{ identity: TlsIdentity; authority: Uint8Array; notAfter: Date }> {
  const { spki, pkcs8 } = await generateKey('P-256');
  const { certificate, authority, notAfter } = await issueApiCertificate(parts, spki, hosts);
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  return {
    identity: {
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      chain: toPem('CERTIFICATE', certificate),
    },
    authority,
    notAfter,
  };
}

function renewApiIdentity(
  parts: AuthorityParts,
  hosts: readonly [string, ...string[]],
  firstNotAfter: Date,
  listener: Listener,
  clock: Clock,
  logger: Logger,
): () => Promise<void> {
  let notAfter = firstNotAfter;
  let lifetime = notAfter.getTime() - clock().getTime();
  return every(
    RENEWAL_CHECK_MILLISECONDS,
    async () => {
      if (notAfter.getTime() - clock().getTime() > lifetime / 3) return;
      const renewed = await newApiIdentity(parts, hosts);
      listener.present(renewed.identity);
      notAfter = renewed.notAfter;
      lifetime = notAfter.getTime() - clock().getTime();
      logger.info('api-certificate-renewed', { notAfter: notAfter.toISOString() });
    },
    logger,
  );
}

async function databaseTrouble(database: Database): Promise<string | undefined> {
  try {
    await database.reader.select(database.reader.raw('1'));
    return undefined;
  } catch {
    return 'the database does not answer';
  }
}

/** Closes a listener; what has not finished when the time is up is ended. */
async function drain(listener: Listener, logger: Logger): Promise<void> {
  const deadline = setTimeout(() => {
    logger.warn('requests-cut-off', { port: listener.address.port });
    listener.abort();
  }, DRAIN_MILLISECONDS);
  await listener.close();
  clearTimeout(deadline);
}
