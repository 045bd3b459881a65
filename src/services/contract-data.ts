/**
 * Contracts as platforms of Plug & Charge name them: by EMAID, PCID and standard. To ask for the
 * same contract again is to renew it.
 */

import { type Emaid, parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import { readCertificate } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { attributeValue } from '../pki/names.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { Principal } from './access-policy.ts';
import { bringBundle, bringNextBundle } from './brought-bundles.ts';
import type { BundleText } from './brought-faults.ts';
import { type ContractParts, type ContractView, createContract } from './contract-creation.ts';
import type { Contract, PncStandard } from './contract-records.ts';
import {
  type ContractSearch,
  changeRank,
  endContract,
  findContract,
  listContracts,
  renewContract,
} from './contracts.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { organizationMeant } from './organizations.ts';
import { pcidOf } from './vehicle-lookup.ts';

const DAY = 86_400_000;
/** Of contracts that are read at a time. */
const PAGE = 100;

/** A contract by what is in it. */
export interface ContractName {
  readonly emaid: string;
  readonly pcid: string;
  readonly standard: PncStandard;
}

/**
 * Makes a contract with a key of evpki's, or renews it if there is one: its certificate ends on the
 * day on which the contract ends, or the day before.
 * @returns `created` is false for one that was renewed
 * @throws ServiceError `request-malformed` for a period that cannot be certified; and as
 *   `createContract` and `renewContract`
 */
export async function generateContractData(
  parts: ContractParts,
  principal: Principal,
  wanted: ContractName & { readonly begins: Date; readonly ends: Date },
): Promise<ContractView & { readonly created: boolean }> {
  const { emaid, pcid, standard } = wanted;
  const validityDays = validityOf(wanted, parts.clock());
  const present = await presentContract(parts, principal, wanted);
  const made = present
    ? renewContract(parts, principal, present.id, { validityDays })
    : createContract(parts, principal, { emaid, pcid, standard, validityDays });
  return { ...(await made.catch(inTheirTerms)), created: present === undefined };
}

/** Who says when a contract ends has named no days. */
function inTheirTerms(error: unknown): never {
  if (!(error instanceof ServiceError) || !error.violations.some(isOfDays)) throw error;
  const violations = error.violations.map((violation) =>
    isOfDays(violation) ? { ...violation, field: 'body.contractEnds' } : violation,
  );
  throw new ServiceError(error.code, error.message, violations);
}

const isOfDays = (violation: object): boolean =>
  'field' in violation && violation.field === 'body.validityDays';

/**
 * Takes a bundle that was made elsewhere: the first of its contract, or the next.
 * @param wanted.emaid the one in the certificate without
 * @throws ServiceError as `bringBundle` and `bringNextBundle`
 */
export async function bringContractData(
  parts: ContractParts,
  principal: Principal,
  wanted: Omit<ContractName, 'emaid'> & { readonly emaid?: string; readonly bundle: BundleText },
): Promise<ContractView & { readonly created: boolean }> {
  const { pcid, standard, bundle } = wanted;
  const emaid = wanted.emaid ?? certifiedEmaid(bundle);
  const present = await presentContract(parts, principal, { emaid, pcid, standard });
  if (!present) {
    const view = await bringBundle(parts, principal, { emaid, pcid, standard }, bundle);
    return { ...view, created: true };
  }
  return { ...(await bringNextBundle(parts, principal, present.id, bundle)), created: false };
}

/**
 * The contracts of the caller's organization that have not ended, with an EMAID or of a car.
 * @throws ServiceError `request-malformed`, `not-found` when there is none
 */
export async function contractsNamed(
  parts: ContractParts,
  principal: Principal,
  wanted: Partial<ContractName>,
): Promise<readonly ContractView[]> {
  const { emaid, pcid, standard } = wanted;
  const search = {
    ...(emaid === undefined ? {} : { emaid }),
    ...(pcid === undefined ? {} : { pcid }),
  };
  const found = [
    ...(await everyContract(parts, principal, { ...search, state: 'active' })),
    ...(await everyContract(parts, principal, { ...search, state: 'suspended' })),
  ];
  const present = found
    .filter((one) => (standard ?? one.standard) === one.standard)
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  if (present.length === 0) {
    throw new ServiceError('not-found', `there is no contract of ${emaid ?? pcid}`);
  }
  return Promise.all(present.map(({ id }) => findContract(parts, principal, id)));
}

async function everyContract(
  parts: ContractParts,
  principal: Principal,
  search: Omit<ContractSearch, 'limit' | 'cursor'>,
): Promise<Contract[]> {
  const found: Contract[] = [];
  let cursor: string | undefined;
  do {
    const from = cursor === undefined ? {} : { cursor };
    const page = await listContracts(parts, principal, { ...search, limit: PAGE, ...from });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

/**
 * Makes a contract the one that its car gets first, for every standard that there is an active one
 * for.
 * @throws ServiceError as `contractsNamed` and `changeRank`
 */
export async function makeDefault(
  parts: ContractParts,
  principal: Principal,
  name: Omit<ContractName, 'standard'>,
): Promise<void> {
  const views = await contractsNamed(parts, principal, name);
  const active = views.filter(({ contract }) => contract.state === 'active');
  for (const { contract } of active.length > 0 ? active : views) {
    await changeRank(parts, principal, contract.id, { isDefault: true });
  }
}

/**
 * Ends the contracts of an EMAID, whatever cars they are for.
 * @param options.keepsCertificates that nothing is revoked by it: only where evpki has made none of
 *   the bundles
 * @throws ServiceError `not-found`, `not-permitted`, `request-malformed`, `conflict`
 */
export async function endContractsNamed(
  parts: ContractParts,
  principal: Principal,
  emaid: string,
  { keepsCertificates }: { readonly keepsCertificates: boolean },
): Promise<void> {
  const views = await contractsNamed(parts, principal, { emaid });
  if (keepsCertificates && views.some(({ contract }) => contract.issuing)) {
    throw new ServiceError(
      'conflict',
      `evpki has issued the certificate of ${emaid}: it is revoked when the contract ends`,
    );
  }
  const options = { keepsBrought: keepsCertificates };
  for (const { contract } of views) {
    await endContract(parts, principal, contract.id, undefined, options);
  }
}

/** The contract of the caller's organization with this name, if there is one that goes on. */
async function presentContract(
  parts: ContractParts,
  principal: Principal,
  { emaid: emaidText, pcid: pcidText, standard }: ContractName,
): Promise<Contract | undefined> {
  const { id } = await organizationMeant(parts, principal, undefined, 'contract');
  const pcid = pcidOf(pcidText, 'body.pcid');
  const emaid = emaidOf(emaidText);
  const contracts = await parts.contracts.contractsOfCar(pcid, standard);
  return contracts.find((one) => one.organizationId === id && sameEmaid(emaidOf(one.emaid), emaid));
}

/** @throws ServiceError `request-malformed` */
export function emaidOf(text: string): Emaid {
  const emaid = parseEmaid(text);
  if (emaid.ok) return emaid.value;
  throw malformed([{ code: 'invalid', message: emaid.reason, field: 'body.emaid' }]);
}

/**
 * The common name of the first certificate; what is wrong with the chain is said later.
 * @throws ServiceError `request-malformed`
 */
export function certifiedEmaid({ certificateChain }: BundleText): string {
  try {
    const [leaf] = readPemBlocks(certificateChain);
    const name = leaf && attributeValue(readCertificate(leaf.der).subject, 'CN');
    if (name !== undefined) return name;
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
  }
  const message = 'is not in the contract certificate, or that cannot be read';
  throw malformed([{ code: 'emaid', message, field: 'body.emaid' }]);
}

/**
 * Whole days from now to the end of a contract: what evpki certifies holds from the moment in which
 * it does.
 */
function validityOf(
  { begins, ends }: { readonly begins: Date; readonly ends: Date },
  now: Date,
): number {
  const violations: FieldViolation[] = [];
  const refuse = (field: string, message: string) =>
    violations.push({ code: 'period', message, field: `body.${field}` });
  // What begins on this day, in whatever time zone, begins now.
  if (begins.getTime() > now.getTime() + DAY) {
    refuse('contractBegins', 'is later than tomorrow: certificates hold from when they are made');
  }
  if (ends <= now) refuse('contractEnds', 'is in the past');
  if (ends <= begins) refuse('contractEnds', 'is before contractBegins');
  if (violations.length > 0) throw malformed(violations);
  return Math.floor((ends.getTime() - now.getTime()) / DAY);
}

const malformed = (violations: readonly FieldViolation[]) =>
  new ServiceError('request-malformed', 'this is no contract data', violations);
