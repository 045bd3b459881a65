/** The stores, made from the database, and the parts of the services, made from the stores. */

import { contractKeys } from '../keystore/contract-keys.ts';
import { generateDeviceKey } from '../keystore/device-keys.ts';
import { exportedKeys } from '../keystore/exported-keys.ts';
import { vaultKeyring } from '../keystore/keyring.ts';
import type { Vault } from '../keystore/vault.ts';
import { webhookSecrets } from '../keystore/webhook-secrets.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { KeyList } from '../pki/key-list.ts';
import type { Profile } from '../pki/profile.ts';
import type { AccessParts } from '../services/access.ts';
import type { AccessPolicy, ProposableAction } from '../services/access-policy.ts';
import { createActiveDeclarations } from '../services/active-declarations.ts';
import { authenticateCertificate } from '../services/certificate-login.ts';
import type { CertificateStore } from '../services/certificate-records.ts';
import type { Clock } from '../services/clock.ts';
import { endContractsOf } from '../services/contracts.ts';
import { createCpsMemory } from '../services/cps-memory.ts';
import { type CpsQuestion, openCps, visibleCps } from '../services/cps-signers.ts';
import type { EstDeclarations } from '../services/est-declarations.ts';
import { createForeignIssuers } from '../services/foreign-issuers.ts';
import { createForeignStatus } from '../services/foreign-status.ts';
import { createKeyLimit } from '../services/idempotency-limit.ts';
import type { InstallationParts } from '../services/installation-records.ts';
import { createIssuers } from '../services/issuers.ts';
import type { Logger } from '../services/logger.ts';
import { createOcspResponder } from '../services/ocsp-responder.ts';
import type { AskOutbound } from '../services/outbound.ts';
import { createParsedCertificates } from '../services/parsed-certificates.ts';
import type { EndContracts } from '../services/provisioning.ts';
import type { ValidateChain } from '../services/provisioning-registration.ts';
import { createRefusalLog } from '../services/refusals.ts';
import type { RandomBytes } from '../services/serial-numbers.ts';
import { createSigningTime } from '../services/signing-time.ts';
import type { Monotonic } from '../services/status-confirmation.ts';
import { createTokenKeys } from '../services/token-keys.ts';
import { validateChain } from '../services/validation.ts';
import { accessStore } from '../storage/access.ts';
import { activeDeclarationsStore } from '../storage/active-declarations.ts';
import { apiClientStore } from '../storage/api-clients.ts';
import { auditStore } from '../storage/audit.ts';
import { checkpointStore } from '../storage/audit-checkpoints.ts';
import { authorityStore } from '../storage/authorities.ts';
import { authorityGrantStore } from '../storage/authority-grants.ts';
import { certificateStore } from '../storage/certificates.ts';
import { clientCertificateStore } from '../storage/client-certificates.ts';
import { clockMarkStore } from '../storage/clock-mark.ts';
import { contractStore } from '../storage/contracts.ts';
import { cpsSignerStore } from '../storage/cps-signers.ts';
import { crlStore } from '../storage/crls.ts';
import type { Database } from '../storage/database.ts';
import { enrolmentSecretStore } from '../storage/enrolment-secrets.ts';
import { exportStore } from '../storage/exports.ts';
import { idempotencyStore } from '../storage/idempotency.ts';
import { installationSessionStore } from '../storage/installation-sessions.ts';
import { issuanceStore } from '../storage/issuance.ts';
import { issuerEndStore } from '../storage/issuer-ends.ts';
import { jobStore } from '../storage/jobs.ts';
import { ocspSignerStore } from '../storage/ocsp-signers.ts';
import { organizationStore } from '../storage/organizations.ts';
import { pathFactStore } from '../storage/path-facts.ts';
import { proposalStore } from '../storage/proposals.ts';
import { provisioningStore } from '../storage/provisioning.ts';
import { requestStore } from '../storage/requests.ts';
import { revocationStore } from '../storage/revocations.ts';
import { rootEndStore } from '../storage/root-ends.ts';
import { rootPoolStore } from '../storage/root-pool.ts';
import { stationStore } from '../storage/stations.ts';
import { statusStore } from '../storage/statuses.ts';
import { tokenKeyStore } from '../storage/token-keys.ts';
import { trustAnchorStore } from '../storage/trust-anchors.ts';
import { webhookStore } from '../storage/webhooks.ts';
import {
  measuredAudit,
  measuredContracts,
  measuredExports,
  measuredForeignStatus,
  measuredIssuance,
  measuredOcsp,
  measuredRevocations,
} from './measured.ts';

/** What the parts are made from. */
export interface Foundation {
  readonly database: Database;
  readonly vault: Vault;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  readonly secondPerson: ReadonlySet<ProposableAction>;
  readonly est: EstDeclarations;
  readonly publicUrl: string;
  /** Under which clients reach the API. */
  readonly apiUrl: () => string;
  /** Keys that are never certified, beside those that the database knows. */
  readonly blockedKeys: KeyList;
  readonly clock: Clock;
  readonly monotonic: Monotonic;
  readonly random: RandomBytes;
  readonly logger: Logger;
  readonly processId: string;
  readonly metrics: Metrics;
  readonly askOutbound: AskOutbound;
  /** Idempotency-Keys of one client; 0 for any number. */
  readonly clientKeys: number;
}

export type Parts = ReturnType<typeof createParts>;

/** Each service takes of these what it needs. */
export function createParts({ database, vault, metrics, ...rest }: Foundation) {
  const authorities = authorityStore(database);
  const organizations = organizationStore(database);
  const keyring = vaultKeyring(vault);
  const idempotency = idempotencyStore(database);
  const audit = measuredAudit(auditStore(database), rest.profiles, metrics);
  const clockMark = clockMarkStore(database);
  const tokenKeyParts = { ...rest, tokenKeyStore: tokenKeyStore(database), keyring };
  const paths = pathFactStore(database);
  const parsed = createParsedCertificates();
  const certificates = withBlockedKeys(certificateStore(database), rest.blockedKeys);
  const loginParts = { ...rest, store: accessStore(database), paths, parsed, certificates };
  const accessParts: AccessParts = {
    ...loginParts,
    organizations,
    tokenKeys: createTokenKeys(tokenKeyParts),
    certificateLogin: (chain) => authenticateCertificate(loginParts, chain),
  };
  const parts = {
    ...tokenKeyParts,
    accessParts,
    clockMark,
    signingTime: createSigningTime({ ...rest, clockMark }),
    clients: apiClientStore(database),
    clientCertificates: clientCertificateStore(database),
    store: measuredIssuance(issuanceStore(database), metrics),
    certificates,
    requests: requestStore(database),
    audit,
    checkpoints: checkpointStore(database),
    refusals: createRefusalLog({ ...rest, audit }),
    authorities,
    grants: authorityGrantStore(database),
    organizations,
    declarations: createActiveDeclarations({
      ...rest,
      declarationStore: activeDeclarationsStore(database),
    }),
    stations: stationStore(database),
    secrets: enrolmentSecretStore(database),
    generateDeviceKey,
    generateExportedKey: exportedKeys(vault),
    exports: measuredExports(exportStore(database), metrics),
    provisioning: provisioningStore(database),
    contracts: measuredContracts(contractStore(database), metrics),
    contractKeys: contractKeys(),
    anchors: trustAnchorStore(database),
    proposals: proposalStore(database),
    webhooks: webhookStore(database),
    webhookSecrets: webhookSecrets(vault),
    rootPool: rootPoolStore(database),
    rootEnds: rootEndStore(database),
    paths,
    parsed,
    revocations: measuredRevocations(revocationStore(database), metrics),
    crls: crlStore(database),
    issuerEnds: issuerEndStore(database),
    idempotency,
    keyLimit: createKeyLimit(idempotency, rest.clientKeys, rest.monotonic),
    jobs: jobStore(database),
    signers: ocspSignerStore(database),
    cpsSigners: cpsSignerStore(database),
    cpsMemory: createCpsMemory(),
    status: statusStore(database),
    issuers: createIssuers(authorities, keyring, rest.profiles),
  };
  const ocsp = measuredOcsp(createOcspResponder(parts), metrics);
  const statusChanged = (issuerId: string, serial: string, sequence?: number) =>
    ocsp.changed(issuerId, serial, sequence);
  const endContracts: EndContracts = async ({ pcid, standard, actor }) => {
    const reason = 'the provisioning certificate was deleted';
    await endContractsOf({ ...parts, statusChanged }, { pcid, standard }, { actor, reason });
  };
  const installation: InstallationParts = {
    ...parts,
    statusChanged,
    sessions: installationSessionStore(database),
    validateChain: (question) => validateChain(parts, question),
    openCps: (question) => openCps(parts, question),
  };
  return {
    ...parts,
    ocsp,
    installation,
    askForeignStatus: measuredForeignStatus(createForeignStatus(parts), metrics),
    findForeignIssuer: createForeignIssuers(parts),
    validateChain: vehicleChains(parts),
    endContracts,
    openCps: (question: CpsQuestion) => openCps(parts, question),
    listCps: () => visibleCps(parts),
    statusChanged,
    issuerActivated: () => ocsp.issuerActivated(),
  };
}

const vehicleChains =
  (parts: Parameters<typeof validateChain>[0]): ValidateChain =>
  async (question) => {
    const verdict = await validateChain(parts, question);
    return verdict.ok ? { ok: true, path: verdict.path.map(({ der }) => der) } : verdict;
  };

/** The list does not change while the process runs: to ask it once, before the row, is enough. */
const withBlockedKeys = (store: CertificateStore, list: KeyList): CertificateStore => ({
  ...store,
  isBlockedKey: async (spkiSha256) => list.has(spkiSha256) || store.isBlockedKey(spkiSha256),
});
