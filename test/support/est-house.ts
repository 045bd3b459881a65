/** The services of EST over a database of the demo, with people and stations. */

import { expect } from 'vitest';
import { readPemBlocks } from '../../src/pki/pem.ts';
import type { Profile } from '../../src/pki/profile.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import type { EnrolmentSecret } from '../../src/services/enrolment-secret-records.ts';
import { createSecret } from '../../src/services/enrolment-secrets.ts';
import type { ServiceError } from '../../src/services/errors.ts';
import { type EstCaller, type EstEnrolment, estEnrol } from '../../src/services/est.ts';
import type { EstDeclarations } from '../../src/services/est-declarations.ts';
import type { NotAuthenticated } from '../../src/services/refusals.ts';
import type { IssuedAnswer } from '../../src/services/request-answers.ts';
import { putStation, type StationDetails } from '../../src/services/stations.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import { demoDeclarations } from './declarations.ts';
import { preparedBackends } from './prepared-databases.ts';
import type { KeyPair } from './public-keys.ts';
import { newRequest } from './requests.ts';
import { type Services, servicesOver, start } from './services.ts';

export const client = (roles: string[], organizationId = 'demo-cpo'): Principal => ({
  actor: `client:${roles.join('-')}`,
  organizationId,
  roles,
});
export const operator = client(['cpo-operator']);
export const machine = client(['est-client']);
export const administrator = client(['super'], 'instance');

export interface EstHouse {
  readonly services: Services;
  /** Time passes only by this; it never goes back. */
  pass(milliseconds: number): void;
  /** Registers a station of the demo's operator. */
  station(id: string, details?: StationDetails): Promise<void>;
  /** Makes a one-time secret, and says who is at the door with it. */
  secret(commonName: string, label?: string, seconds?: number): Promise<OneTime>;
  /** Asks for a certificate of that caller's; at `cpo` unless said otherwise. */
  enrol(caller: EstCaller, csr: Uint8Array, change?: Partial<EstEnrolment>): Promise<IssuedAnswer>;
  /** Whether stations of the demo's operator are taken at first sight. */
  takeAtFirstSight(taken: boolean): Promise<void>;
  /** The details of audit entries with this action, newest last. */
  audited(action: string): Promise<(Record<string, unknown> & { readonly actor: string })[]>;
  close(): Promise<void>;
}

export interface OneTime {
  readonly secret: EnrolmentSecret;
  readonly text: string;
  readonly caller: EstCaller;
}

export interface EstHouseOptions {
  readonly est?: (shipped: EstDeclarations) => EstDeclarations;
  /** Profiles in place of the shipped ones of the same name. */
  readonly profiles?: (shipped: ReadonlyMap<string, Profile>) => readonly Profile[];
  /** Is told what is about to be signed, and may throw. */
  readonly signing?: () => void;
}

/** Opens one; stations have to be registered. */
export async function openEstHouse(options: EstHouseOptions = {}): Promise<EstHouse> {
  const [sqlite] = preparedBackends;
  const prepared = await sqlite?.empty();
  if (!prepared) throw new Error('there is no SQLite');
  let passed = 0;
  const began = Date.now();
  const clock = () => new Date(began + passed);
  const processId = 'process-1';
  const database = await openDatabase(prepared.url, { clock, processId });
  const { est = (shipped) => shipped, profiles = () => [], signing } = options;
  const shipped = demoDeclarations();
  const changed = profiles(shipped.profiles).map((one) => [one.name, one] as const);
  const services = await servicesOver(database, {
    ...{ dataDir: prepared.dataDir, vault: 'known', processId, clock },
    ...(signing ? { signing } : {}),
    declarations: {
      ...shipped,
      est: est(shipped.est),
      profiles: new Map([...shipped.profiles, ...changed]),
    },
  });
  await start(services);
  const house: EstHouse = {
    services,
    pass(milliseconds) {
      passed += milliseconds;
    },
    async station(id, details = {}) {
      await putStation(services, operator, id, details);
    },
    async secret(commonName, label = 'cpo', seconds = 3600) {
      const made = await createSecret(services, operator, { label, commonName, seconds });
      return { ...made, caller: { basic: { user: commonName, password: made.text } } };
    },
    async enrol(caller, csr, change = {}) {
      const answer = await estEnrol(services, { ...question(caller, csr), ...change });
      if (answer.outcome !== 'issued') throw new Error(answer.outcome);
      return answer;
    },
    async takeAtFirstSight(stationsOnFirstSight) {
      const [at, actor, subject] = [clock(), 'test', 'demo-cpo'];
      await services.organizations.changeOrganization({
        id: 'demo-cpo',
        change: { stationsOnFirstSight },
        audit: { at, organizationId: subject, actor, action: 'test', subject, details: {} },
      });
    },
    async audited(action) {
      const rows = await database
        .reader<AuditEntryRow>('audit_entries')
        .where({ action })
        .orderBy('sequence');
      return rows.map(({ actor, details }) => ({ ...JSON.parse(details), actor }));
    },
    async close() {
      await database.close();
      await prepared.remove();
    },
  };
  await house.takeAtFirstSight(false);
  return house;
}

export const question = (caller: EstCaller, csr: Uint8Array): EstEnrolment => ({
  ...{ label: 'cpo', standard: undefined, caller },
  csr: { ok: true, value: csr },
});

/** A request in DER. */
export function csrOf(
  subject: string | readonly string[],
  options: {
    readonly key?: KeyAlgorithm;
    readonly pair?: KeyPair;
    readonly extensions?: readonly Uint8Array[];
  } = {},
): Uint8Array {
  const [block] = readPemBlocks(newRequest(subject, options));
  if (!block) throw new Error('no PEM');
  return block.der;
}

/** Expects a refusal with this code. */
export async function refused(asked: Promise<unknown>, code: string): Promise<ServiceError> {
  const error = await asked.then(
    (answer) => {
      throw new Error(`answered: ${JSON.stringify(answer)}`);
    },
    (reason: ServiceError) => reason,
  );
  expect(error).toMatchObject({ code });
  return error;
}

/** Expects that somebody is turned away, for this reason. */
export async function turnedAway(
  asked: Promise<unknown>,
  reason: string,
): Promise<NotAuthenticated> {
  const error = (await refused(asked, 'not-authenticated')) as NotAuthenticated;
  expect(error.refusal.reason).toBe(reason);
  return error;
}
