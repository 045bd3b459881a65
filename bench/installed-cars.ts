/**
 * Vehicles with contracts in a database that evpki has made itself, and its services over that
 * database as `src/app.ts` puts them together.
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createParts } from '../src/app/parts.ts';
import { loadPolicies } from '../src/declarations.ts';
import { demoPassphrase } from '../src/keystore/passphrase.ts';
import { openVault } from '../src/keystore/vault.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { emptyKeyList } from '../src/pki/key-list.ts';
import type { Principal } from '../src/services/access-policy.ts';
import type { PncStandard } from '../src/services/contract-records.ts';
import { openCps } from '../src/services/cps-signers.ts';
import type {
  InstallationCommand,
  InstallationParts,
} from '../src/services/installation-records.ts';
import type { Logger } from '../src/services/logger.ts';
import { validateChain } from '../src/services/validation.ts';
import { openDatabase } from '../src/storage/database.ts';
import { observationStore } from '../src/storage/observations.ts';
import { vaultStore } from '../src/storage/vault.ts';
import type { TestApp } from '../test/support/app.ts';
import {
  askToInstall,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  type Vehicle,
} from '../test/support/vehicles.ts';

export const demo = {
  'iso15118-2': {
    hierarchy: 'ca/demo.yaml',
    organizations: { oem: 'demo-oem', mo: 'demo-mo', cpo: 'demo-cpo' },
    schema: 'urn:iso:15118:2:2013:MsgDef',
  },
  'iso15118-20': {
    hierarchy: 'ca/iso15118-20.yaml',
    organizations: { oem: 'oem', mo: 'mo', cpo: 'cpo' },
    schema: 'urn:iso:std:iso:15118:-20:CommonMessages',
  },
} as const;

export interface Car {
  readonly vehicle: Vehicle;
  /** Its CertificateInstallationReq. */
  readonly exi: Uint8Array;
}

/** As many vehicles as asked for, each with a contract, made through the doors of a running evpki. */
export async function makeCars(
  evpki: TestApp,
  standard: PncStandard,
  howMany: number,
): Promise<Car[]> {
  const { organizations } = demo[standard];
  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  const maker = await as(organizations.oem, 'oem');
  const operator = await as(organizations.mo, 'emsp-operator');
  const roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
  const cars: Car[] = [];
  for (let i = 1; i <= howMany; i++) {
    const vehicle = await leaveFactory(evpki, maker, standard);
    const emaid = `DE8EVC${String(i).padStart(8, '0')}`;
    const contract = { emaid, pcid: vehicle.pcid, standard };
    sent(await evpki.call('POST', '/v1/contracts', contract, operator), 201);
    const { exi } = await askToInstall(vehicle, roots);
    cars.push({ vehicle, exi });
  }
  return cars;
}

const nothing = () => undefined;
const silent: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silent,
};

export interface Installations {
  readonly parts: InstallationParts;
  /** The same, but that the database is asked once: for a vehicle that asks again and again. */
  readonly withoutDatabase: InstallationParts;
  commandFor(car: Car): InstallationCommand;
  close(): Promise<void>;
}

/** The parts that answer vehicles in this process, over a database that evpki has made. */
export async function openInstallations(
  dataDir: string,
  standard: PncStandard,
): Promise<Installations> {
  const clock = () => new Date();
  const processId = 'bench';
  const database = await openDatabase(`sqlite:${join(dataDir, 'evpki.sqlite')}`, {
    ...{ clock, processId },
  });
  const passphrase = await demoPassphrase(join(dataDir, 'demo-passphrase'));
  const record = await vaultStore(database).findVault();
  if (!record) throw new Error('no vault');
  const parts = createParts({
    ...{ database, publicUrl: 'http://pki.example', clock, processId, ...loadPolicies() },
    apiUrl: () => 'https://localhost:8543',
    vault: await openVault(passphrase, record),
    blockedKeys: emptyKeyList,
    monotonic: () => performance.now(),
    random: randomBytes,
    logger: silent,
    metrics: createMetrics(() => observationStore(database).observe(1), clock),
    askOutbound: async () => ({ ok: false, failure: 'host-not-allowed' }),
    clientKeys: 0,
  });
  const kept = {
    ...parts,
    provisioning: askedOnce(parts.provisioning),
    contracts: askedOnce(parts.contracts),
    cpsSigners: askedOnce(parts.cpsSigners),
    anchors: askedOnce(parts.anchors),
    paths: askedOnce(parts.paths),
  };
  const principal: Principal = {
    ...{ actor: 'client:bench', organizationId: demo[standard].organizations.cpo },
    roles: ['csms'],
  };
  return {
    parts: parts.installation,
    withoutDatabase: {
      ...parts.installation,
      ...kept,
      audit: { recordAudit: async () => undefined },
      validateChain: (question) => validateChain(kept, question),
      openCps: (question) => openCps(kept, question),
    },
    commandFor: ({ exi }) => ({ principal, standard, action: 'Install', exi }),
    close: () => database.close(),
  };
}

/** A store whose methods go on answering as they did at first. */
function askedOnce<Store extends object>(store: Store): Store {
  const answers = new Map<string | symbol, unknown>();
  return new Proxy(store, {
    get: (target, method) => {
      const ask = Reflect.get(target, method) as (...given: unknown[]) => unknown;
      return (...given: unknown[]) => {
        if (!answers.has(method)) answers.set(method, ask(...given));
        return answers.get(method);
      };
    },
  });
}
