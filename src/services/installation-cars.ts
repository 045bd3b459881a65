/** Whether a car is who it says: its provisioning certificate is registered, valid and not revoked. */

import type { FailureReason } from '../iso15118/installation/failures.ts';
import { sameBytes } from '../pki/byte-order.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { ProvisioningCertificate, ProvisioningStore } from './provisioning-records.ts';
import type { ChainFailure, ChainQuestion, ChainVerdict } from './validation.ts';

export interface InstallationCarParts {
  readonly provisioning: Pick<ProvisioningStore, 'findByPcid'>;
  readonly validateChain: (question: ChainQuestion) => Promise<ChainVerdict>;
  readonly clock: Clock;
}

/** A request that gets no contract, beyond what its own bytes tell. */
export class NotInstalled extends Error {
  readonly reason: FailureReason;
  readonly pcid: string | undefined;

  constructor(reason: FailureReason, message: string, pcid?: string) {
    super(message);
    this.reason = reason;
    this.pcid = pcid;
  }
}

/**
 * What an error means to a car: one that another try may spare it, or none at all.
 * @throws the error, unless it is what a car can be told
 */
export function asNotInstalled(error: unknown): NotInstalled {
  if (error instanceof NotInstalled) return error;
  if (!(error instanceof ServiceError)) throw error;
  // Whose contract it is and what stands in its way is not for the charger's operator.
  const message = `The contract cannot be made ready at this moment (${error.code}).`;
  return new NotInstalled('service-unavailable', message);
}

/**
 * The car as its maker has registered it.
 * @param sent what the car has sent: its certificate, whose key has signed the request, and with
 *   -20 those above it; in -2 only the maker's registration has them
 * @throws NotInstalled
 */
export async function registeredCar(
  parts: InstallationCarParts,
  standard: ProvisioningCertificate['standard'],
  sent: {
    readonly pcid: string;
    readonly certificate: Certificate;
    readonly subCertificates?: readonly Certificate[];
  },
): Promise<ProvisioningCertificate> {
  const { pcid, certificate, subCertificates = [] } = sent;
  const car = await parts.provisioning.findByPcid(pcid, standard);
  if (!car) throw notRegistered(pcid, standard);
  const verdict = await parts.validateChain({
    certificate,
    candidates: [...car.subCertificates, ...subCertificates.map(({ der }) => der)],
    purpose: 'oem-provisioning',
    organizationId: car.organizationId,
    at: parts.clock(),
  });
  // A maker may certify the same key anew; a contract key is encrypted for the key.
  if (sameBytes(car.spki, certificate.spki)) {
    if (!verdict.ok) throw notTrusted('provisioning certificate', verdict, pcid);
    return car;
  }
  // Anybody can write a PCID into a certificate: only the maker's own car learns that it is known.
  throw verdict.ok ? keyReplaced(pcid) : notRegistered(pcid, standard);
}

/** The same for a vehicle that is not there, and for one that is somebody else's to know of. */
export function notRegistered(
  pcid: string,
  standard: ProvisioningCertificate['standard'],
): NotInstalled {
  const message = `The vehicle ${pcid} is not registered for ${standard}.`;
  return new NotInstalled('provisioning-certificate-unknown', message, pcid);
}

export function keyReplaced(pcid: string): NotInstalled {
  const message = `Another key is registered for the vehicle ${pcid}.`;
  return new NotInstalled('provisioning-certificate-replaced', message, pcid);
}

const reasons: Readonly<Record<ChainFailure, FailureReason>> = {
  chain: 'chain-untrusted',
  revoked: 'certificate-revoked',
  expired: 'certificate-expired',
  'not-yet-valid': 'certificate-not-yet-valid',
};

/** That a chain does not hold. */
export function notTrusted(
  what: string,
  { failure, problems }: Extract<ChainVerdict, { readonly ok: false }>,
  pcid?: string,
): NotInstalled {
  const sentences = problems.map(({ message }) => message).join(' ');
  return new NotInstalled(reasons[failure], `The ${what} does not hold: ${sentences}`, pcid);
}
