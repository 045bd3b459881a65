/** The stores, made from the database, and the parts of the services, made from the stores. */

import { vaultKeyring } from '../keystore/keyring.ts';
import type { Vault } from '../keystore/vault.ts';
import type { Profile } from '../pki/profile.ts';
import type { AccessParts } from '../services/access.ts';
import type { AccessPolicy } from '../services/access-policy.ts';
import type { Clock } from '../services/clock.ts';
import { createIssuers } from '../services/issuers.ts';
import type { Logger } from '../services/logger.ts';
import { createOcspResponder } from '../services/ocsp-responder.ts';
import type { RandomBytes } from '../services/serial-numbers.ts';
import { createSigningTime } from '../services/signing-time.ts';
import type { Monotonic } from '../services/status-confirmation.ts';
import { accessStore } from '../storage/access.ts';
import { auditStore } from '../storage/audit.ts';
import { authorityStore } from '../storage/authorities.ts';
import { certificateStore } from '../storage/certificates.ts';
import { clockMarkStore } from '../storage/clock-mark.ts';
import { crlStore } from '../storage/crls.ts';
import type { Database } from '../storage/database.ts';
import { issuanceStore } from '../storage/issuance.ts';
import { jobStore } from '../storage/jobs.ts';
import { ocspSignerStore } from '../storage/ocsp-signers.ts';
import { organizationStore } from '../storage/organizations.ts';
import { revocationStore } from '../storage/revocations.ts';
import { stationStore } from '../storage/stations.ts';
import { statusStore } from '../storage/statuses.ts';

/** What the parts are made from. */
export interface Foundation {
  readonly database: Database;
  readonly vault: Vault;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly monotonic: Monotonic;
  readonly random: RandomBytes;
  readonly logger: Logger;
  readonly processId: string;
}

export type Parts = ReturnType<typeof createParts>;

/** Each service takes of these what it needs. */
export function createParts({ database, vault, ...rest }: Foundation) {
  const authorities = authorityStore(database);
  const organizations = organizationStore(database);
  const keyring = vaultKeyring(vault);
  const clockMark = clockMarkStore(database);
  const accessParts: AccessParts = {
    store: accessStore(database),
    organizations,
    policy: rest.access,
    clock: rest.clock,
    random: rest.random,
  };
  const parts = {
    ...rest,
    accessParts,
    clockMark,
    signingTime: createSigningTime({ ...rest, clockMark }),
    store: issuanceStore(database),
    certificates: certificateStore(database),
    audit: auditStore(database),
    authorities,
    organizations,
    stations: stationStore(database),
    revocations: revocationStore(database),
    crls: crlStore(database),
    jobs: jobStore(database),
    signers: ocspSignerStore(database),
    status: statusStore(database),
    keyring,
    issuers: createIssuers(authorities, keyring, rest.profiles),
  };
  const ocsp = createOcspResponder(parts);
  return {
    ...parts,
    ocsp,
    statusChanged: (issuerId: string, serial: string, sequence?: number) =>
      ocsp.changed(issuerId, serial, sequence),
  };
}
