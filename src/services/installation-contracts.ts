/** Which contract a car gets, and what of it goes into the car. */

import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import { sameBytes } from '../pki/byte-order.ts';
import type { BundleParts } from './contract-bundles.ts';
import type { Bundle, Contract, PncStandard } from './contract-records.ts';
import type { ContractStore } from './contract-store.ts';
import { bundleForInstallation, bundleForUpdate } from './current-bundles.ts';
import { type ErrorCode, ServiceError } from './errors.ts';
import { NotInstalled } from './installation-cars.ts';
import type { ProvisioningCertificate } from './provisioning-records.ts';

export type InstallationBundleParts = BundleParts;

type Reads<Name extends keyof ContractStore> = { readonly contracts: Pick<ContractStore, Name> };

/** A contract with the bundle that is for this car. */
export interface ChosenContract {
  readonly contract: Contract;
  readonly bundle: Bundle;
}

/**
 * The contracts that a car can get, the one that it gets first of all in front: what is active, in
 * the order that its operators and then `preferred` give.
 * @param preferred EMAIDs; those named come before the others
 */
export async function contractsFor(
  { contracts }: Reads<'contractsOfCar'>,
  pcid: string,
  standard: PncStandard,
  preferred: readonly string[] = [],
): Promise<readonly Contract[]> {
  const active = (await contracts.contractsOfCar(pcid, standard)).filter(
    ({ state }) => state === 'active',
  );
  const place = (contract: Contract): number => {
    const index = preferred.findIndex((text) => namesContract(text, contract));
    return index < 0 ? preferred.length : index;
  };
  return active
    .map((contract) => ({ contract, place: place(contract) }))
    .sort((a, b) => a.place - b.place)
    .map(({ contract }) => contract);
}

function namesContract(text: string, { emaid }: Contract): boolean {
  const [named, own] = [parseEmaid(text), parseEmaid(emaid)];
  return named.ok && own.ok && sameEmaid(named.value, own.value);
}

/**
 * The first of the contracts that has a bundle for the car, made now where the stored one is for
 * another key or has ended.
 * @throws NotInstalled
 */
export async function firstBundle(
  parts: InstallationBundleParts,
  car: ProvisioningCertificate,
  contracts: readonly Contract[],
): Promise<ChosenContract> {
  for (const contract of contracts) {
    const bundle = await bundleUnless(() => bundleForInstallation(parts, contract, car));
    if (bundle) return { contract, bundle };
  }
  const message = `No contract is active for the vehicle ${car.pcid}.`;
  throw new NotInstalled('contract-missing', message, car.pcid);
}

/**
 * The contract whose certificate a car wants updated, with a bundle for the key of that certificate.
 * @param oldCertificate DER
 * @throws NotInstalled
 */
export async function updatedBundle(
  parts: InstallationBundleParts,
  emaid: string,
  oldCertificate: Uint8Array,
): Promise<ChosenContract> {
  const contract = await contractOf(parts, emaid, oldCertificate);
  if (!contract) {
    throw new NotInstalled('contract-missing', `No contract ${emaid} has this certificate.`);
  }
  const { pcid } = contract;
  if (contract.state === 'ended') {
    throw new NotInstalled('contract-ended', `The contract ${emaid} has ended.`, pcid);
  }
  const bundle = await bundleUnless(() =>
    bundleForUpdate(parts, { contract, oldContractCertificate: oldCertificate }),
  );
  if (bundle) return { contract, bundle };
  throw new NotInstalled('contract-missing', `The contract ${emaid} is not active.`, pcid);
}

/** The contract with this EMAID, in any of its spellings, that this certificate was made for. */
export async function contractOf(
  { contracts }: Reads<'listContracts' | 'listBundles'>,
  emaid: string,
  certificate: Uint8Array,
): Promise<Contract | undefined> {
  // One EMAID is in as many contracts as its driver has cars: a page holds them.
  const { items } = await contracts.listContracts({ emaid }, { limit: 100 });
  for (const contract of items) {
    const bundles = await contracts.listBundles(contract.id);
    if (bundles.some((bundle) => sameBytes(bundle.certificate, certificate))) return contract;
  }
  return undefined;
}

/** What keeps a contract from the car, while others may still be for it. */
const inTheWay: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'contract-not-active',
  'contract-external',
  'recipient-unfitting',
  'authority-not-active',
]);

async function bundleUnless(make: () => Promise<Bundle>): Promise<Bundle | undefined> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof ServiceError && inTheWay.has(error.code)) return undefined;
    throw error;
  }
}
