/** Contract installation of ISO 15118-20. */

import type { Iso20ResponseCode } from '../iso15118/exi/iso20-messages.ts';
import { responseCodeFor } from '../iso15118/installation/failures.ts';
import {
  type Iso20Installation,
  readIso20Installation,
} from '../iso15118/installation/iso20-request.ts';
import { buildIso20Failure, buildIso20Response } from '../iso15118/installation/iso20-response.ts';
import type { RequestFailure } from '../iso15118/installation/request-reading.ts';
import type { Contract } from './contract-records.ts';
import { asNotInstalled, registeredCar } from './installation-cars.ts';
import { type ChosenContract, contractsFor, firstBundle } from './installation-contracts.ts';
import { acceptedReadings, readingsOf } from './installation-readings.ts';
import type {
  InstallationAnswer,
  InstallationCommand,
  InstallationParts,
} from './installation-records.ts';
import {
  afterDelivery,
  deliveryOrder,
  requestFingerprint,
  sessionKey,
} from './installation-sessions.ts';
import { cpsFor, written } from './installation-signing.ts';
import type { ProvisioningCertificate } from './provisioning-records.ts';

const standard = 'iso15118-20';
/** No car is plugged in and asks for its contracts that long. */
const FORGOTTEN_AFTER = 86_400_000;

/** ISO 15118-20 8.3.4.3.8: as in -2, but the car may have several contracts, and asks for each. */
export async function installIso20(
  parts: InstallationParts,
  command: InstallationCommand,
): Promise<InstallationAnswer> {
  const reading = await readIso20Installation(command.exi, acceptedReadings);
  if (!reading.ok) return failed(parts, reading.failure);
  const { request } = reading;
  const { sessionId } = request;
  const readings = readingsOf(request);
  try {
    return { readings, ...(await install(parts, command, request)) };
  } catch (error) {
    const { reason, message, pcid } = asNotInstalled(error);
    const responseCode = responseCodeFor(standard, reason);
    return {
      ...failed(parts, { sessionId, responseCode, reason, message }),
      readings,
      failure: { reason, message, ...(pcid === undefined ? {} : { pcid }) },
    };
  }
}

async function install(
  parts: InstallationParts,
  command: InstallationCommand,
  request: Iso20Installation,
): Promise<Omit<InstallationAnswer, 'readings'>> {
  const { sessionId, certificate, subCertificates, rootCertificateIds } = request;
  const pcid = request.pcid.normal;
  const car = await registeredCar(parts, standard, { pcid, certificate, subCertificates });
  const cps = await cpsFor(parts, standard, rootCertificateIds, pcid);
  const contracts = await contractsFor(parts, pcid, standard, [
    ...request.prioritizedEmaids.map(({ normal }) => normal),
    ...(command.prioritizedEmaids ?? []),
  ]);
  const most = mostChains(command, request);
  const choice = await chosen(parts, command, request, car, contracts, most);
  const { contract, bundle, remaining } = choice;
  if (bundle.curve === 'P-256') throw new Error(`the bundle ${bundle.id} is not one of -20`);
  const { subCertificates: above, curve, dhPublicKey, encryptedPrivateKey } = bundle;
  const delivery = {
    sessionId,
    ...{ at: parts.clock(), curve, dhPublicKey, encryptedPrivateKey },
    certificate: bundle.certificate,
    subCertificates: above,
    remainingContractCertificateChains: remaining,
  };
  const exi = await written(parts, choice, cps, () => buildIso20Response(delivery, cps));
  const remainingContracts = remaining;
  return { exi, responseCode: 'OK', contract, signedBy: cps, remainingContracts };
}

/** A car that takes none would not ask. */
const mostChains = (
  { maximumContractCertificateChains: charger }: InstallationCommand,
  { maximumContractCertificateChains: car }: Iso20Installation,
): number => Math.max(1, Math.min(car, charger ?? car));

/**
 * The contract that the car gets now, and how many more it could ask for: those that cannot be had
 * take no place of those that can.
 */
async function chosen(
  parts: InstallationParts,
  { exi }: InstallationCommand,
  { sessionId }: Iso20Installation,
  car: ProvisioningCertificate,
  contracts: readonly Contract[],
  most: number,
): Promise<ChosenContract & { readonly remaining: number }> {
  if (most === 1 || contracts.length < 2) {
    return { remaining: 0, ...(await firstBundle(parts, car, contracts)) };
  }
  const key = sessionKey(car.pcid, sessionId);
  const requestSha256 = requestFingerprint(exi);
  const session = await parts.sessions.findSession(key);
  const asking = { contracts: contracts.map(({ id }) => id), most, session, requestSha256 };
  const order = deliveryOrder(asking);
  const inOrder = [...contracts].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  const choice = await firstBundle(parts, car, inOrder);
  const { id } = choice.contract;
  const { delivered, remaining } = afterDelivery(asking, order, id);
  const updatedAt = parts.clock();
  await parts.sessions.keepSession(
    { key, requestSha256, delivered, updatedAt },
    new Date(updatedAt.getTime() - FORGOTTEN_AFTER),
  );
  return { remaining, ...choice };
}

const failed = (
  { clock }: Pick<InstallationParts, 'clock'>,
  { sessionId, responseCode, reason, message }: RequestFailure<Iso20ResponseCode>,
): InstallationAnswer => ({
  exi: buildIso20Failure(sessionId, clock(), responseCode),
  responseCode,
  readings: [],
  failure: { reason, message },
});
