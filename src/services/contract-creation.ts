/**
 * Creating a contract: for an EMAID of the operator's own and a car that its maker has registered.
 * The operator learns of the car that it exists and its public key, and nothing else.
 */

import { type Emaid, parseEmaid } from '../identifiers/emaid.ts';
import type { Parsed } from '../identifiers/parsed.ts';
import { parsePcid } from '../identifiers/pcid.ts';
import type { Profile } from '../pki/profile.ts';
import { type AccessPolicy, type Principal, requireKind } from './access-policy.ts';
import type { AuditEvent, AuditWriter } from './audit.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type { CertificateStore } from './certificate-records.ts';
import { type BundleParts, contractKeyAlgorithm, makeBundle } from './contract-bundles.ts';
import type { Bundle, Contract, PncStandard } from './contract-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import { type Organization, organizationMeant } from './organizations.ts';
import type { ProvisioningStore } from './provisioning-records.ts';
import type { PathFactStore } from './trust-anchor-records.ts';
import { type ContractRecipient, findForContract } from './vehicle-lookup.ts';

export const CONTRACT_WRITE = 'contracts:write';
const DAY = 86_400_000;
export const MAX_PRIORITY = 100;

export interface ContractParts extends BundleParts {
  readonly access: AccessPolicy;
  readonly authorities: Pick<AuthorityStore, 'findAuthority' | 'findIssuer' | 'listAuthorities'>;
  readonly provisioning: Pick<ProvisioningStore, 'findByPcid'>;
  readonly certificates: Pick<CertificateStore, 'findCertificate' | 'findBySerial'>;
  readonly paths: PathFactStore;
  readonly audit: AuditWriter;
}

/** What an operator says of a contract, whoever makes its bundles. */
export interface ContractDetails {
  readonly emaid: string;
  readonly pcid: string;
  readonly standard?: PncStandard;
  /** Whose contract it is; the caller's organization without. */
  readonly organization?: string;
  readonly isDefault?: boolean;
  readonly priority?: number;
}

export interface NewContract extends ContractDetails {
  /** Needed only where several authorities could issue it. */
  readonly authority?: string;
  /** Needed only where the authority issues several profiles of contracts. */
  readonly profile?: string;
  readonly validityDays?: number;
}

/** A contract with its newest bundle. */
export interface ContractView {
  readonly contract: Contract;
  readonly bundle: Bundle;
}

/**
 * Creates a contract with its first bundle.
 * @throws ServiceError `request-malformed` with every field that is wrong, `not-found` for an
 *   organization out of reach, `not-permitted`, `emaid-not-allowed`, `vehicle-unknown`,
 *   `authority-unknown`, `authority-ambiguous`; and as `makeBundle`
 */
export async function createContract(
  parts: ContractParts,
  principal: Principal,
  wanted: NewContract,
): Promise<ContractView> {
  const common = await checkedContract(parts, principal, wanted);
  const issuingFor = await waysOfIssuing(parts, common, wanted);
  const car = await registeredCar(parts, common);
  return usingCar(parts, principal, common, car, async () => {
    const { profile, authority } = issuingFor(contractKeyAlgorithm(common, car));
    const { validityDays } = wanted;
    const contract: Contract = {
      ...common,
      issuing: { authorityId: authority.id, profile: profile.name },
      ...(validityDays === undefined ? {} : { validityDays }),
    };
    const isDefault = wanted.isDefault === true;
    const bundle = await makeBundle(parts, {
      ...{ contract, recipient: car, registrationId: car.id, reason: 'created' },
      actor: principal.actor,
      ...{ generation: 1, revokesFormer: false, begins: { isDefault } },
      audit: [carUsed(parts, principal, contract, car)],
    });
    return { contract: (await parts.contracts.findContract(contract.id)) ?? contract, bundle };
  });
}

/**
 * Makes a contract for a car that was found. Where none comes of it the caller has learned of the car
 * all the same, and its maker finds that in its log.
 */
export async function usingCar<T>(
  parts: Pick<ContractParts, 'audit' | 'clock'>,
  { actor }: Principal,
  { organizationId, pcid, standard }: Contract,
  car: ContractCar,
  make: () => Promise<T>,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    await parts.audit.recordAudit({
      ...{ at: parts.clock(), organizationId, counterpart: car.organizationId, actor },
      ...{ action: 'vehicle.looked-up', subject: pcid, details: { standards: [standard] } },
    });
    throw error;
  }
}

/**
 * What every new contract has to be, whoever makes its bundles and whether there is its car or not:
 * nobody looks for that before.
 * @throws ServiceError as `createContract`
 */
export async function checkedContract(
  parts: ContractParts,
  principal: Principal,
  wanted: ContractDetails,
): Promise<Contract> {
  const organization = await contractOrganization(parts, principal, wanted.organization);
  const { emaid, pcid, priority } = checkedDetails(wanted);
  requireProvider(organization, emaid);
  const standard = wanted.standard ?? 'iso15118-2';
  const now = parts.clock();
  return {
    id: newId('con', parts.random),
    organizationId: organization.id,
    ...{ emaid: emaid.normal, pcid, standard, priority },
    state: 'active',
    isDefault: false,
    createdAt: now,
    changedAt: now,
  };
}

/**
 * The organization whose contract a caller may make.
 * @throws ServiceError `not-found`, `not-permitted`, `request-malformed`
 */
export async function contractOrganization(
  parts: Pick<ContractParts, 'access' | 'organizations'>,
  principal: Principal,
  named?: string,
): Promise<Organization> {
  const organization = await organizationMeant(parts, principal, named, 'contract');
  requireKind(parts.access, principal, CONTRACT_WRITE, 'contract');
  return organization;
}

/** @throws ServiceError `not-permitted`, `emaid-not-allowed` for an EMAID that is not its own */
export function requireProvider(organization: Organization, emaid: Emaid): void {
  if (!organization.roles.includes('mo')) {
    throw new ServiceError('not-permitted', `${organization.id} is no mobility operator`);
  }
  const provider = emaid.country + emaid.provider;
  if (organization.providers?.includes(provider)) return;
  const message = `${provider} is none of the providers of ${organization.id}`;
  throw new ServiceError('emaid-not-allowed', message, [
    { code: 'emaid-not-allowed', message, field: 'body.emaid' },
  ]);
}

/** A car that a contract key can be encrypted for, and its maker. */
export type ContractCar = ContractRecipient & {
  readonly organizationId: string;
  /** The id of its registration. */
  readonly id: string;
};

/**
 * The car of a contract, as it is registered now.
 * @throws ServiceError `vehicle-unknown`
 */
export async function registeredCar(
  parts: Pick<ContractParts, 'provisioning' | 'clock'>,
  { pcid, standard }: Pick<Contract, 'pcid' | 'standard'>,
): Promise<ContractCar> {
  const found = await findForContract(parts, pcid, standard);
  if (found) {
    const { recipient, organizationId, registrationId: id } = found;
    return { ...recipient, organizationId, id };
  }
  throw new ServiceError(
    'vehicle-unknown',
    `no provisioning certificate of ${pcid} is registered for ${standard} and valid now`,
  );
}

/** For the maker's log: who has used what it has registered. The EMAID is not its business. */
export const carUsed = (
  { clock }: Pick<ContractParts, 'clock'>,
  { actor }: Principal,
  { organizationId, pcid, standard }: Contract,
  car: ContractCar,
): AuditEvent => ({
  ...{ at: clock(), actor, organizationId: car.organizationId, subject: pcid },
  action: 'vehicle.contracted',
  details: { standard, by: organizationId },
});

function checkedDetails({ emaid, pcid, priority = 0 }: ContractDetails) {
  const violations: FieldViolation[] = [];
  const taken = <T>(field: string, result: Parsed<T>): T | undefined => {
    if (result.ok) return result.value;
    violations.push({ code: 'invalid', message: result.reason, field });
    return undefined;
  };
  const checkedEmaid = taken('body.emaid', parseEmaid(emaid));
  const checkedPcid = taken('body.pcid', parsePcid(pcid));
  if (!Number.isInteger(priority) || priority < 0 || priority > MAX_PRIORITY) {
    const message = `is a whole number from 0 to ${MAX_PRIORITY}`;
    violations.push({ code: 'invalid', message, field: 'body.priority' });
  }
  if (violations.length > 0 || !checkedEmaid || !checkedPcid) {
    throw new ServiceError('request-malformed', 'this is no contract', violations);
  }
  return { emaid: checkedEmaid, pcid: checkedPcid.normal, priority };
}

/** @throws ServiceError `request-malformed` naming the days that the profile allows */
export function checkValidityDays(days: number | undefined, { name, validity }: Profile): void {
  if (days === undefined) return;
  const [least, most] = [Math.ceil(validity.minimum / DAY), Math.floor(validity.maximum / DAY)];
  if (Number.isInteger(days) && days >= least && days <= most) return;
  const message = `${name} allows ${least} to ${most} days`;
  throw new ServiceError('request-malformed', 'the contract cannot hold so long', [
    { code: 'invalid', message, field: 'body.validityDays' },
  ]);
}

interface Issuing {
  readonly profile: Profile;
  readonly authority: Authority;
}
type KeyOfCar = ReturnType<typeof contractKeyAlgorithm>;
type IssuingWanted = Pick<NewContract, 'authority' | 'profile' | 'validityDays'>;

const keysOfCars: Readonly<Record<PncStandard, readonly KeyOfCar[]>> = {
  'iso15118-2': ['P-256'],
  'iso15118-20': ['P-521', 'Ed448'],
};

/**
 * What certifies a contract, by the key that its car turns out to have. It is decided before the car
 * is looked for: whoever cannot make such a contract must not hear from the refusal whether there is
 * this car.
 * @throws ServiceError when it could be made for no car; what is returned does so for a key
 */
async function waysOfIssuing(
  parts: ContractParts,
  contract: Contract,
  wanted: IssuingWanted,
): Promise<(algorithm: KeyOfCar) => Issuing> {
  const ways = new Map<KeyOfCar, Issuing>();
  const refusals = new Map<KeyOfCar, ServiceError>();
  for (const algorithm of keysOfCars[contract.standard]) {
    try {
      const way = await chooseIssuing(parts, contract, algorithm, wanted);
      checkValidityDays(wanted.validityDays, way.profile);
      ways.set(algorithm, way);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      refusals.set(algorithm, error);
    }
  }
  const [refusal] = refusals.values();
  if (ways.size === 0 && refusal) throw refusal;
  return (algorithm) => {
    const way = ways.get(algorithm);
    if (way) return way;
    throw refusals.get(algorithm) ?? new Error(`no car of ${contract.standard} has ${algorithm}`);
  };
}

/**
 * The authority and the profile named, or the only ones that could be meant: active, of the
 * operator itself, and for keys like the car's. Where hierarchies come in pairs, the one that has
 * such a key itself.
 */
async function chooseIssuing(
  parts: ContractParts,
  contract: Contract,
  algorithm: KeyOfCar,
  named: Pick<NewContract, 'authority' | 'profile'>,
): Promise<Issuing> {
  const profiles = contractProfiles(parts, named.profile).filter(({ keys }) =>
    keys.includes(algorithm),
  );
  const own = (await parts.authorities.listAuthorities(contract.organizationId)).filter(
    ({ id, state }) => state === 'active' && (named.authority ?? id) === id,
  );
  const fitting = own.flatMap((authority) =>
    profiles
      .filter(({ issuedBy }) => issuedBy.includes(authority.profile))
      .map((profile) => ({ profile, authority })),
  );
  const alike = fitting.filter(({ authority }) => authority.keyAlgorithm === algorithm);
  const choices = alike.length > 0 ? alike : fitting;
  const [only, another] = choices;
  if (!only) {
    const which = named.authority ?? 'no active authority';
    throw new ServiceError(
      'authority-unknown',
      `${which} of ${contract.organizationId} issues no ${contract.standard} contract of this kind`,
    );
  }
  if (another) {
    const ways = choices.map(({ authority, profile }) => `${authority.id} (${profile.name})`);
    throw new ServiceError('authority-ambiguous', `it could be issued by ${ways.join(', ')}`);
  }
  return only;
}

function contractProfiles(
  { profiles }: Pick<ContractParts, 'profiles'>,
  named: string | undefined,
): readonly Profile[] {
  const all = [...profiles.values()].filter(({ kind }) => kind === 'contract');
  if (named === undefined) return all;
  const found = all.filter(({ name }) => name === named);
  if (found.length === 0) {
    throw new ServiceError('profile-unknown', `no profile of contracts is called ${named}`);
  }
  return found;
}
