/** Which contract a car gets, and what of it goes into the car. */

import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import type { FailureReason } from '../iso15118/installation/failures.ts';
import { sameBytes } from '../pki/byte-order.ts';
import { type BundleParts, recipientFingerprint } from './contract-bundles.ts';
import type { Bundle, Contract, PncStandard } from './contract-records.ts';
import type { ContractStore } from './contract-store.ts';
import { bundleForInstallation, bundleForUpdate, lastForCar } from './current-bundles.ts';
import { type ErrorCode, ServiceError } from './errors.ts';
import { keyReplaced, NotInstalled, notRegistered } from './installation-cars.ts';
import type { ProvisioningCertificate, ProvisioningStore } from './provisioning-records.ts';

export interface InstallationBundleParts extends BundleParts {
  readonly provisioning: Pick<ProvisioningStore, 'findByPcid'>;
}

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
  const { pcid } = car;
  let failure: NotInstalled | undefined;
  for (const contract of contracts) {
    const bundle = await bundleOr(parts, contract, () =>
      bundleForInstallation(parts, contract, car),
    );
    if (!(bundle instanceof NotInstalled)) return { contract, bundle };
    if (bundle.reason !== 'contract-missing') failure ??= bundle;
  }
  const message = `No contract is active for the vehicle ${pcid}.`;
  throw failure ?? new NotInstalled('contract-missing', message, pcid);
}

/**
 * The contract whose certificate a car wants updated, with a bundle for the key of that certificate.
 * @param contract as `contracts.findByCertificate` has it
 * @param oldCertificate DER
 * @throws NotInstalled
 */
export async function updatedBundle(
  parts: InstallationBundleParts,
  contract: Contract,
  oldCertificate: Uint8Array,
): Promise<ChosenContract> {
  const { pcid, emaid } = contract;
  if (contract.state === 'ended') {
    throw new NotInstalled('contract-ended', `The contract ${emaid} has ended.`, pcid);
  }
  const registrationId = await registrationOf(parts, contract, oldCertificate);
  const wanted = { contract, oldContractCertificate: oldCertificate, registrationId };
  const bundle = await bundleOr(parts, contract, () => bundleForUpdate(parts, wanted));
  if (bundle instanceof NotInstalled) throw bundle;
  return { contract, bundle };
}

/**
 * The registration of the car that has an old contract certificate. A car that has been given a new
 * provisioning key is the one with that key: the hardware that has the former one, and what was
 * installed into it, gets nothing any more.
 * @throws NotInstalled
 */
async function registrationOf(
  { contracts, provisioning }: InstallationBundleParts,
  { id, pcid, standard }: Contract,
  oldCertificate: Uint8Array,
): Promise<string> {
  const car = await provisioning.findByPcid(pcid, standard);
  if (!car) throw notRegistered(pcid, standard);
  const bundles = await contracts.listBundles(id);
  const old = bundles.findIndex(({ certificate }) => sameBytes(certificate, oldCertificate));
  const installed = old < 0 ? undefined : lastForCar(bundles.slice(old));
  if (installed?.recipientSha256 !== recipientFingerprint(car)) throw keyReplaced(pcid);
  return car.id;
}

/** What keeps a contract from the car, while others may still be for it. */
const inTheWay: ReadonlyMap<ErrorCode, FailureReason> = new Map<ErrorCode, FailureReason>([
  ['contract-not-active', 'contract-missing'],
  ['contract-external', 'contract-missing'],
  ['recipient-unfitting', 'contract-missing'],
  ['authority-not-active', 'contract-missing'],
  ['vehicle-unknown', 'provisioning-certificate-replaced'],
  ['csr-refused', 'service-unavailable'],
  ['profile-unknown', 'service-unavailable'],
  ['bundle-outrun', 'service-unavailable'],
]);

async function bundleOr(
  { logger }: Pick<InstallationBundleParts, 'logger'>,
  { id, emaid, pcid }: Contract,
  make: () => Promise<Bundle>,
): Promise<Bundle | NotInstalled> {
  try {
    return await make();
  } catch (error) {
    const reason = error instanceof ServiceError ? inTheWay.get(error.code) : undefined;
    if (reason === undefined) throw error;
    // The car hears of it, but it is for the operator of the contract to mend.
    if (reason === 'service-unavailable')
      logger.warn('contract-not-renewed', { contract: id, error });
    return new NotInstalled(
      reason,
      messages[reason] ?? `The contract ${emaid} is not active.`,
      pcid,
    );
  }
}

const messages: Readonly<Partial<Record<FailureReason, string>>> = {
  'provisioning-certificate-replaced': 'The vehicle was registered anew at this moment.',
  'service-unavailable': 'A contract for this vehicle cannot be renewed now.',
};
