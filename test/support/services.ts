/** The services over a database, put together as `src/app.ts` does it, but open for decoration. */

import { createSecretKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keepBootstrapSecret } from '../../src/bootstrap-secret.ts';
import { runDueJobs } from '../../src/jobs/runner.ts';
import { contractKeys } from '../../src/keystore/contract-keys.ts';
import { generateDeviceKey } from '../../src/keystore/device-keys.ts';
import { openEnvelope, sealEnvelope } from '../../src/keystore/envelope.ts';
import { exportedKeys } from '../../src/keystore/exported-keys.ts';
import { vaultKeyring } from '../../src/keystore/keyring.ts';
import { demoPassphrase } from '../../src/keystore/passphrase.ts';
import { purposeKey } from '../../src/keystore/sealing.ts';
import { createVault, openVault, type Vault } from '../../src/keystore/vault.ts';
import { prepareBootstrap } from '../../src/services/access.ts';
import { createActiveDeclarations } from '../../src/services/active-declarations.ts';
import { ensureInstanceAuthority } from '../../src/services/api-certificate.ts';
import { applyHierarchy } from '../../src/services/apply-hierarchy.ts';
import { CHECKPOINT_JOB, checkpointJob } from '../../src/services/audit-checkpoints.ts';
import type { Clock } from '../../src/services/clock.ts';
import { createCpsMemory } from '../../src/services/cps-memory.ts';
import { CPS_SIGNERS_JOB } from '../../src/services/cps-records.ts';
import { renewCpsSigners } from '../../src/services/cps-renewal.ts';
import { buildCrl } from '../../src/services/crls.ts';
import { createIssuers } from '../../src/services/issuers.ts';
import type { Logger } from '../../src/services/logger.ts';
import { createOcspResponder } from '../../src/services/ocsp-responder.ts';
import { renewResponder } from '../../src/services/ocsp-signers.ts';
import { createParsedCertificates } from '../../src/services/parsed-certificates.ts';
import { checkClock, createSigningTime } from '../../src/services/signing-time.ts';
import { TOKEN_KEYS_JOB } from '../../src/services/token-key-records.ts';
import { createTokenKeys, renewTokenKeys } from '../../src/services/token-keys.ts';
import type { VaultStore } from '../../src/services/vault-records.ts';
import { accessStore } from '../../src/storage/access.ts';
import { activeDeclarationsStore } from '../../src/storage/active-declarations.ts';
import { apiClientStore } from '../../src/storage/api-clients.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { checkpointStore } from '../../src/storage/audit-checkpoints.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { authorityGrantStore } from '../../src/storage/authority-grants.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { clockMarkStore } from '../../src/storage/clock-mark.ts';
import { contractStore } from '../../src/storage/contracts.ts';
import { cpsSignerStore } from '../../src/storage/cps-signers.ts';
import { crlStore } from '../../src/storage/crls.ts';
import type { Database } from '../../src/storage/database.ts';
import { enrolmentSecretStore } from '../../src/storage/enrolment-secrets.ts';
import { exportStore } from '../../src/storage/exports.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { jobStore } from '../../src/storage/jobs.ts';
import { ocspSignerStore } from '../../src/storage/ocsp-signers.ts';
import { organizationStore } from '../../src/storage/organizations.ts';
import { pathFactStore } from '../../src/storage/path-facts.ts';
import { proposalStore } from '../../src/storage/proposals.ts';
import { provisioningStore } from '../../src/storage/provisioning.ts';
import { requestStore } from '../../src/storage/requests.ts';
import { revocationStore } from '../../src/storage/revocations.ts';
import { stationStore } from '../../src/storage/stations.ts';
import { statusStore } from '../../src/storage/statuses.ts';
import { tokenKeyStore as tokenKeys } from '../../src/storage/token-keys.ts';
import { trustAnchorStore } from '../../src/storage/trust-anchors.ts';
import { vaultStore } from '../../src/storage/vault.ts';
import type { Declarations } from './declarations.ts';
import {
  decorate,
  decorateContractKeys,
  decorateDatabase,
  decorateKeyring,
  type Pass,
} from './faults.ts';

const nothing = () => undefined;
const silent: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silent,
};

/**
 * `real` costs a scrypt per start, which is longer than everything else that a test process does;
 * `known` has a key-encryption key that everybody knows, and is the same vault otherwise.
 */
export type VaultKind = 'real' | 'known';

const knownKey = createSecretKey(Buffer.alloc(32, 7));
const knownVault: Vault = {
  seal: (pkcs8, ids) => sealEnvelope(knownKey, pkcs8, ids),
  open: (envelope, ids) => openEnvelope(knownKey, envelope, ids),
  derive: (purpose, id) => purposeKey(knownKey, `${purpose} ${id}`),
};
const vaultCreated = {
  at: new Date(),
  organizationId: 'instance',
  actor: 'evpki',
  action: 'vault.created',
  subject: 'vault',
  details: {},
};
const knownRecord = {
  salt: new Uint8Array(16),
  costN: 1,
  blockSize: 8,
  parallelization: 1,
  check: new Uint8Array(1),
};

export interface ServicesOptions {
  readonly declarations: Declarations;
  readonly dataDir: string;
  readonly vault: VaultKind;
  /** The one that the database was opened with. */
  readonly processId: string;
  readonly clock?: Clock;
  readonly pass?: Pass;
  /** Is told what is about to be signed. */
  readonly signing?: (message: Uint8Array) => void;
}

/** Opens the vault, or makes it at the first start. */
async function unlockVault(store: VaultStore, options: ServicesOptions): Promise<Vault> {
  if (options.vault === 'known') {
    if (!(await store.findVault())) await store.createVault(knownRecord, vaultCreated);
    return knownVault;
  }
  const passphrase = await demoPassphrase(join(options.dataDir, 'demo-passphrase'));
  const existing = await store.findVault();
  if (existing) return openVault(passphrase, existing);
  const { record, vault } = await createVault(passphrase);
  await store.createVault(record, vaultCreated);
  return vault;
}

export type Services = Awaited<ReturnType<typeof servicesOver>>;

/** The stores, the vault and the parts of every service. */
export async function servicesOver(plain: Database, options: ServicesOptions) {
  const { dataDir, processId, clock = () => new Date(), pass = nothing, signing } = options;
  const database = decorateDatabase(plain, pass);
  const vault = await unlockVault(decorate(vaultStore(database), pass), options);
  const { profiles, access, secondPerson, est, hierarchy } = options.declarations;
  const authorities = decorate(authorityStore(database), pass);
  const organizations = decorate(organizationStore(database), pass);
  const keyring = decorateKeyring(vaultKeyring(vault), pass, signing);
  const random = randomBytes;
  const monotonic = () => performance.now();
  // The transactions of these have points of their own: `crl-COMMIT:before` and so on.
  const marked = (mark: string): Database =>
    decorateDatabase(plain, (point) => pass(`${mark}-${point}`));
  const { keep } = decorate(
    { keep: (secret: string) => keepBootstrapSecret(dataDir, secret) },
    pass,
  );
  const tokenKeyStore = decorate(tokenKeys(marked('token-key')), pass);
  const apiUrl = () => 'https://pki.example:8543';
  const clockMark = decorate(clockMarkStore(database), pass);
  const parts = {
    database,
    profiles,
    access,
    est,
    hierarchy,
    authorities,
    grants: decorate(authorityGrantStore(database), pass),
    organizations,
    declarations: createActiveDeclarations({
      declarationStore: decorate(activeDeclarationsStore(database), pass),
      ...{ profiles, access, secondPerson, est, processId, clock, monotonic, logger: silent },
    }),
    keyring,
    clock,
    clockMark,
    signingTime: createSigningTime({ clockMark, clock, logger: silent }),
    random,
    processId,
    keep,
    clients: apiClientStore(database),
    logger: silent,
    publicUrl: 'http://pki.example',
    store: decorate(issuanceStore(database), pass),
    certificates: decorate(certificateStore(database), pass),
    requests: decorate(requestStore(database), pass),
    audit: decorate(auditStore(database), pass),
    checkpoints: decorate(checkpointStore(marked('checkpoint')), pass),
    stations: stationStore(database),
    secrets: decorate(enrolmentSecretStore(database), pass),
    generateDeviceKey,
    generateExportedKey: exportedKeys(vault),
    exports: decorate(exportStore(database), pass),
    provisioning: decorate(provisioningStore(database), pass),
    contracts: decorate(contractStore(database), pass),
    contractKeys: decorateContractKeys(contractKeys(), pass),
    anchors: decorate(trustAnchorStore(database), pass),
    proposals: decorate(proposalStore(database), pass),
    secondPerson,
    paths: pathFactStore(database),
    parsed: createParsedCertificates(),
    issuers: createIssuers(authorities, keyring, profiles),
    revocations: decorate(revocationStore(marked('status')), pass),
    crls: decorate(crlStore(marked('crl')), pass),
    signers: decorate(ocspSignerStore(marked('signer')), pass),
    cpsSigners: decorate(cpsSignerStore(marked('cps')), pass),
    cpsMemory: createCpsMemory(),
    jobs: decorate(jobStore(database), pass),
    status: decorate(statusStore(database), pass),
    monotonic,
    apiUrl,
    tokenKeyStore,
    accessParts: {
      store: decorate(accessStore(database), pass),
      organizations,
      tokenKeys: createTokenKeys({ tokenKeyStore, keyring, clock, logger: silent }),
      certificateLogin: async () => undefined,
      apiUrl,
      clock,
      random,
    },
  };
  const ocsp = createOcspResponder(parts);
  const { changed: statusChanged, issuerActivated } = ocsp;
  return { ...parts, ocsp, statusChanged, issuerActivated };
}

/**
 * Does the jobs that are due.
 * @returns how many
 */
export const doJobs = (services: Services): Promise<number> =>
  runDueJobs({
    ...services,
    store: services.jobs,
    handlers: {
      crl: (issuerId) => buildCrl(services, issuerId),
      'ocsp-signer': (issuerId) => renewResponder(services, issuerId),
      [CPS_SIGNERS_JOB]: () => renewCpsSigners(services),
      [CHECKPOINT_JOB]: () => checkpointJob(services),
      [TOKEN_KEYS_JOB]: () => renewTokenKeys(services),
    },
  });

/** What a start does with the database until the hierarchy is there, in its order. */
export async function startAuthorities(services: Services): Promise<void> {
  await checkClock(services, 'evpki');
  await services.declarations.activate();
  await services.store.abandonExpired(services.clock());
  await ensureInstanceAuthority(services);
  await applyHierarchy(services, services.hierarchy, { actor: 'evpki' });
}

/** What makes a database one that people can work with. */
export async function start(services: Services): Promise<void> {
  await startAuthorities(services);
  await prepareBootstrap(services.accessParts, services.keep);
}
