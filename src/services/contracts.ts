/** The life of a contract: looking at it, renewing, suspending and ending it, and its rank. */

import { parseEmaid } from '../identifiers/emaid.ts';
import { parsePcid } from '../identifiers/pcid.ts';
import { type Principal, reaches, reachesEveryOrganization, requireKind } from './access-policy.ts';
import {
  CONTRACT_WRITE,
  type ContractParts,
  type ContractView,
  carUsed,
  checkValidityDays,
  MAX_PRIORITY,
  registeredCar,
} from './contract-creation.ts';
import type { Contract, ContractState, PncStandard } from './contract-records.ts';
import type { ContractStore } from './contract-store.ts';
import { renewBundle } from './current-bundles.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { organizationMeant } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import { CRL_DELAY_MILLISECONDS } from './revocation.ts';

const SUSPEND = 'contracts:suspend';
const END = 'contracts:end';

/** @throws ServiceError `not-found`, also for contracts of organizations out of reach */
export async function findContract(
  parts: Pick<ContractParts, 'contracts' | 'access'>,
  principal: Principal,
  id: string,
): Promise<ContractView> {
  const contract = await parts.contracts.findContract(id);
  if (!contract || !reaches(parts.access, principal, contract.organizationId)) {
    throw new ServiceError('not-found', `there is no contract ${id}`);
  }
  const [bundle] = await parts.contracts.listBundles(id);
  if (!bundle) throw new Error(`the contract ${id} has no bundle`);
  return { contract, bundle };
}

export interface ContractSearch extends PageWanted {
  readonly organization?: string;
  readonly emaid?: string;
  readonly pcid?: string;
  readonly state?: ContractState;
}

/**
 * A page of contracts, newest first; of every organization for those who reach all and name none.
 * @throws ServiceError `request-malformed` for an EMAID, PCID or cursor that is none, `not-found`
 *   for an organization out of reach
 */
export async function listContracts(
  parts: Pick<ContractParts, 'contracts' | 'access' | 'organizations'>,
  principal: Principal,
  wanted: ContractSearch,
): Promise<Page<Contract>> {
  const { organization } = wanted;
  const everywhere =
    organization === undefined && reachesEveryOrganization(parts.access, principal);
  const filter = {
    ...(everywhere
      ? {}
      : {
          organizationId: (await organizationMeant(parts, principal, organization, 'contracts')).id,
        }),
    ...searched(wanted),
  };
  return readPage(wanted, (position) => parts.contracts.listContracts(filter, position));
}

function searched({ emaid, pcid, state }: ContractSearch) {
  const parsedEmaid = emaid === undefined ? undefined : parseEmaid(emaid);
  const parsedPcid = pcid === undefined ? undefined : parsePcid(pcid);
  const violations: FieldViolation[] = [];
  for (const [field, parsed] of Object.entries({ emaid: parsedEmaid, pcid: parsedPcid })) {
    if (parsed?.ok === false) {
      violations.push({ code: 'invalid', message: parsed.reason, field: `query.${field}` });
    }
  }
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'nothing can be found by this', violations);
  }
  return {
    ...(parsedEmaid?.ok ? { emaid: parsedEmaid.value.normal } : {}),
    ...(parsedPcid?.ok ? { pcid: parsedPcid.value.normal } : {}),
    ...(state === undefined ? {} : { state }),
  };
}

/**
 * Renews a contract: a new key and certificate, for the car as it is registered now.
 * @param options.revokesFormer whether its certificates so far are revoked at once; they hold until
 *   they end otherwise, so that the car can change over
 * @param options.validityDays of the new certificate alone; as the contract has it without
 * @throws ServiceError `not-found`, `not-permitted`, `contract-not-active`, `contract-external`,
 *   `vehicle-unknown`; and as `makeBundle`
 */
export async function renewContract(
  parts: ContractParts,
  principal: Principal,
  id: string,
  options: { readonly revokesFormer?: boolean; readonly validityDays?: number } = {},
): Promise<ContractView> {
  const { contract: found } = await findContract(parts, principal, id);
  requireKind(parts.access, principal, CONTRACT_WRITE, 'contract');
  const contract = withValidity(parts, found, options.validityDays);
  if (contract.state !== 'active') {
    throw new ServiceError('contract-not-active', `${id} is ${contract.state}`);
  }
  const car = await registeredCar(parts, contract);
  const bundle = await renewBundle(parts, {
    ...{ contract, recipient: car, registrationId: car.id, actor: principal.actor },
    revokesFormer: options.revokesFormer === true,
    audit: [carUsed(parts, principal, contract, car)],
  });
  return { contract, bundle };
}

/** @throws ServiceError `request-malformed` for what the profile does not allow */
function withValidity(
  { profiles }: Pick<ContractParts, 'profiles'>,
  contract: Contract,
  validityDays: number | undefined,
): Contract {
  const profile = contract.issuing && profiles.get(contract.issuing.profile);
  if (validityDays === undefined || !profile) return contract;
  checkValidityDays(validityDays, profile);
  return { ...contract, validityDays };
}

/**
 * Suspends a contract: its certificates are on hold until it is resumed. Doing so again changes
 * nothing.
 * @throws ServiceError `not-found`, `not-permitted`, `contract-not-active` for one that has ended
 */
export const suspendContract = (
  parts: ContractParts,
  principal: Principal,
  id: string,
  reason?: string,
): Promise<ContractView> =>
  changeState(parts, principal, id, { action: SUSPEND, from: 'active', to: 'suspended', reason });

/**
 * Resumes a suspended contract. Certificates that somebody held or revoked for themselves stay so.
 * @throws ServiceError as `suspendContract`
 */
export const resumeContract = (
  parts: ContractParts,
  principal: Principal,
  id: string,
): Promise<ContractView> =>
  changeState(parts, principal, id, { action: SUSPEND, from: 'suspended', to: 'active' });

/**
 * Ends a contract for good and revokes its certificates. Doing so again changes nothing.
 * @param options.keepsBrought that those stay as they are that its operator has brought
 * @throws ServiceError `not-found`, `not-permitted`
 */
export const endContract = (
  parts: ContractParts,
  principal: Principal,
  id: string,
  reason?: string,
  { keepsBrought = false } = {},
): Promise<ContractView> =>
  changeState(parts, principal, id, { action: END, to: 'ended', reason, keepsBrought });

const words = { active: 'resumed', suspended: 'suspended', ended: 'ended' } as const;

interface Step {
  readonly action: string;
  /** Any but ended without. */
  readonly from?: ContractState;
  readonly to: ContractState;
  readonly reason?: string | undefined;
  readonly keepsBrought?: boolean;
}

async function changeState(
  parts: ContractParts,
  principal: Principal,
  id: string,
  { action, ...step }: Step,
): Promise<ContractView> {
  const { contract } = await findContract(parts, principal, id);
  requireKind(parts.access, principal, action, 'contract');
  const changed = await recordState(parts, contract, step, principal.actor);
  const view = await findContract(parts, principal, id);
  if (!changed && view.contract.state !== step.to) {
    throw new ServiceError('contract-not-active', `${id} is ${view.contract.state}`);
  }
  return view;
}

/** @returns false, and nothing changed, when the contract is not in a state for it */
async function recordState(
  parts: Pick<ContractParts, 'contracts' | 'clock' | 'statusChanged'>,
  { id, organizationId, emaid, pcid, standard }: Contract,
  { from, to, reason, keepsBrought = false }: Omit<Step, 'action'>,
  actor: string,
): Promise<boolean> {
  const at = parts.clock();
  const result = await parts.contracts.changeState({
    ...{ id, to, crlDue: new Date(at.getTime() + CRL_DELAY_MILLISECONDS) },
    from: from === undefined ? ['active', 'suspended'] : [from],
    ...(reason === undefined ? {} : { reason }),
    keepsBrought,
    audit: {
      ...{ at, actor, organizationId, subject: id, action: `contract.${words[to]}` },
      details: { emaid, pcid, standard, ...(reason === undefined ? {} : { reason }) },
    },
  });
  if (result.outcome === 'stale') return false;
  for (const { issuerId, serial, sequence } of result.statuses) {
    parts.statusChanged(issuerId, serial, sequence);
  }
  return true;
}

/**
 * Ends every contract of a car whose provisioning certificate is gone, one after the other: what
 * is interrupted is finished by doing it again.
 * @returns how many there were
 */
export async function endContractsOf(
  parts: Pick<ContractParts, 'contracts' | 'clock' | 'statusChanged'>,
  car: { readonly pcid: string; readonly standard: PncStandard },
  why: { readonly actor: string; readonly reason: string },
): Promise<number> {
  let ended = 0;
  for (const contract of await parts.contracts.contractsOfCar(car.pcid, car.standard)) {
    const step = { to: 'ended', reason: why.reason } as const;
    if (await recordState(parts, contract, step, why.actor)) ended += 1;
  }
  return ended;
}

/**
 * The contracts that a car can have installed, in the order in which it gets them: the default
 * first, then by priority, then the oldest.
 */
export async function contractsOfCar(
  { contracts }: { readonly contracts: Pick<ContractStore, 'contractsOfCar'> },
  pcid: string,
  standard: PncStandard,
): Promise<Contract[]> {
  const all = await contracts.contractsOfCar(pcid, standard);
  return all.filter(({ state }) => state === 'active');
}

/**
 * Changes the rank of a contract among those of its car. A new default takes the place of the
 * former one, whosever contract that is; what the car could not get cannot.
 * @throws ServiceError `not-found`, `not-permitted`, `request-malformed`, `contract-not-active` for
 *   one that has ended, and for a new default that is suspended
 */
export async function changeRank(
  parts: ContractParts,
  principal: Principal,
  id: string,
  rank: { readonly isDefault?: boolean; readonly priority?: number },
): Promise<ContractView> {
  const { contract, bundle } = await findContract(parts, principal, id);
  requireKind(parts.access, principal, CONTRACT_WRITE, 'contract');
  const { isDefault, priority } = rank;
  const isWrong = priority !== undefined && !isPriority(priority);
  if (isWrong || (isDefault === undefined && priority === undefined)) {
    const message = `is a whole number from 0 to ${MAX_PRIORITY}, or \`default\` says something`;
    throw new ServiceError('request-malformed', 'this is no change', [
      { code: 'invalid', message, field: 'body.priority' },
    ]);
  }
  const { organizationId, pcid, standard } = contract;
  const outcome = await parts.contracts.changeRank({
    id,
    ...rank,
    audit: {
      ...{ at: parts.clock(), actor: principal.actor, organizationId, subject: id },
      action: 'contract.ranked',
      details: { pcid, standard, default: isDefault ?? null, priority: priority ?? null },
    },
  });
  if (outcome === 'ended') throw new ServiceError('contract-not-active', `${id} has ended`);
  if (outcome === 'not-active') {
    throw new ServiceError('contract-not-active', `${id} is suspended: resume it first`);
  }
  return { contract: (await parts.contracts.findContract(id)) ?? contract, bundle };
}

const isPriority = (priority: number): boolean =>
  Number.isInteger(priority) && priority >= 0 && priority <= MAX_PRIORITY;
