/**
 * Provisioning certificates by the PCID of their vehicle, whole and with the root above them: for
 * mobility operators that encrypt contract keys themselves, and so have to see for themselves to
 * whom. That somebody of another organization has looked stands in both logs.
 */

import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { type AccessPolicy, type Principal, permits, reaches } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { deleteProvisioning, type ProvisioningParts } from './provisioning.ts';
import {
  type ProvisioningCertificate,
  type ProvisioningStandard,
  type ProvisioningStore,
  provisioningStandards,
} from './provisioning-records.ts';
import type { ValidateChain } from './provisioning-registration.ts';
import { pcidOf } from './vehicle-lookup.ts';

/** For those of other organizations. */
const LOOK_UP = 'provisioning-certificates:lookup';

export interface VehicleCertificateParts {
  readonly provisioning: Pick<ProvisioningStore, 'findByPcid'>;
  readonly validateChain: ValidateChain;
  readonly access: AccessPolicy;
  readonly audit: AuditWriter;
  readonly clock: Clock;
}

/** What is registered of a vehicle, and the trust anchor that it leads to. */
export interface VehicleCertificate {
  readonly car: ProvisioningCertificate;
  readonly root: Certificate;
}

/**
 * The provisioning certificate of a vehicle, of the caller's organization or, for those who may look
 * vehicles up, of any. It is valid and not revoked, and so is everything above it.
 * @param text the PCID
 * @param standard without, the first that the vehicle is registered for
 * @throws ServiceError `not-found`, `vehicle-unknown` with why it does not hold,
 *   `request-malformed` for what is no PCID
 */
export async function vehicleCertificate(
  parts: VehicleCertificateParts,
  principal: Principal,
  text: string,
  standard?: ProvisioningStandard,
): Promise<VehicleCertificate> {
  const pcid = pcidOf(text, 'params.pcid');
  const mayLookUp = permits(parts.access, principal, LOOK_UP);
  const [car] = (await carsOf(parts, pcid, standard)).filter(
    ({ organizationId }) => mayLookUp || reaches(parts.access, principal, organizationId),
  );
  if (!car) throw unknown(pcid);
  const trusted = await trustedVehicle(parts, car);
  if (car.organizationId !== principal.organizationId) {
    await parts.audit.recordAudit({
      at: parts.clock(),
      organizationId: principal.organizationId,
      counterpart: car.organizationId,
      actor: principal.actor,
      action: 'vehicle.looked-up',
      subject: pcid,
      details: { standards: [car.standard], certificate: car.sha256 },
    });
  }
  return trusted;
}

/**
 * A registered certificate with the root that it leads to now.
 * @throws ServiceError `vehicle-unknown` with why it does not hold
 */
export async function trustedVehicle(
  { validateChain, clock }: Pick<VehicleCertificateParts, 'validateChain' | 'clock'>,
  car: ProvisioningCertificate,
): Promise<VehicleCertificate> {
  const verdict = await validateChain({
    certificate: car.certificate,
    candidates: car.subCertificates,
    purpose: 'oem-provisioning',
    organizationId: car.organizationId,
    at: clock(),
  });
  if (!verdict.ok) {
    const why = verdict.problems.map(({ message }) => message).join(' ');
    throw new ServiceError(
      'vehicle-unknown',
      `the provisioning certificate of ${car.pcid} does not hold: ${why}`,
    );
  }
  const root = verdict.path.at(-1);
  if (!root) throw new Error(`the path of ${car.id} is empty`);
  return { car, root: readCertificate(root) };
}

/**
 * Deletes what the caller's organization has registered of a vehicle, for every standard or the one
 * named; its contracts end. Deleting again is `not-found`, but ends what was left.
 * @param text the PCID
 * @throws ServiceError `not-found`, `request-malformed`; and as `deleteProvisioning`
 */
export async function deleteVehicle(
  parts: ProvisioningParts,
  principal: Principal,
  text: string,
  standard?: ProvisioningStandard,
): Promise<void> {
  const pcid = pcidOf(text, 'params.pcid');
  const own = ({ organizationId }: ProvisioningCertificate) =>
    reaches(parts.access, principal, organizationId);
  const registered = (await carsOf(parts, pcid, standard)).filter(own);
  // What a call has left that was interrupted before the contracts had ended.
  const filter = {
    pcid,
    state: 'deleted',
    ...(standard === undefined ? {} : { standard }),
  } as const;
  const deleted = await parts.provisioning.listProvisioning(filter, { limit: 100 });
  for (const { id } of [...registered, ...deleted.items.filter(own)]) {
    await deleteProvisioning(parts, principal, id);
  }
  if (registered.length === 0) throw unknown(pcid);
}

async function carsOf(
  { provisioning }: Pick<VehicleCertificateParts, 'provisioning'>,
  pcid: string,
  standard: ProvisioningStandard | undefined,
): Promise<ProvisioningCertificate[]> {
  const standards = standard === undefined ? provisioningStandards : [standard];
  const found = await Promise.all(standards.map((one) => provisioning.findByPcid(pcid, one)));
  return found.flatMap((car) => car ?? []);
}

const unknown = (pcid: string): ServiceError =>
  new ServiceError('not-found', `there is no provisioning certificate of the vehicle ${pcid}`);
