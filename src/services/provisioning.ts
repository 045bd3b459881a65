/**
 * Provisioning certificates that makers have registered of their vehicles: looking at them, and
 * deleting them. See also `provisioning-registration.ts` and `vehicle-lookup.ts`.
 */

import {
  type AccessPolicy,
  type Principal,
  reaches,
  reachesEveryOrganization,
  requireKind,
} from './access-policy.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { type OrganizationStore, organizationMeant } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import {
  type ProvisioningCertificate,
  type ProvisioningRecord,
  type ProvisioningStandard,
  type ProvisioningState,
  type ProvisioningStore,
  provisioningStandards,
} from './provisioning-records.ts';
import { operatorsEvent, provisioningAudit } from './provisioning-registration.ts';
import { pcidOf } from './vehicle-lookup.ts';

const DELETE = 'provisioning-certificates:delete';
/** The kind of certificates that it is about: roles may be limited to others. */
const KIND = 'oem-provisioning';

/**
 * Ends the contracts of a vehicle whose provisioning certificate has been deleted; to do so again
 * is harmless.
 */
export type EndContracts = (command: {
  readonly pcid: string;
  /** The standard of the certificate that was deleted. */
  readonly standard: ProvisioningStandard;
  /** The standards for which the vehicle is registered still. */
  readonly remaining: readonly ProvisioningStandard[];
  readonly actor: string;
  readonly at: Date;
}) => Promise<void>;

export interface ProvisioningParts {
  readonly provisioning: ProvisioningStore;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly endContracts: EndContracts;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

/** @throws ServiceError `not-found`, also for those of organizations out of reach */
export async function findProvisioning(
  parts: Pick<ProvisioningParts, 'provisioning' | 'access'>,
  principal: Principal,
  id: string,
): Promise<ProvisioningRecord> {
  const record = await parts.provisioning.findProvisioning(id);
  if (!record || !reaches(parts.access, principal, record.organizationId)) {
    throw new ServiceError('not-found', `there is no provisioning certificate ${id}`);
  }
  return record;
}

/**
 * A page, newest first; of every organization for those who reach all and name none.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned and for what is no
 *   PCID, `not-found` for an organization out of reach
 */
export async function listProvisioning(
  parts: Pick<ProvisioningParts, 'provisioning' | 'organizations' | 'access'>,
  principal: Principal,
  wanted: PageWanted & {
    readonly organization?: string;
    readonly pcid?: string;
    readonly standard?: ProvisioningStandard;
    readonly state?: ProvisioningState;
    readonly expiresBefore?: Date;
  },
): Promise<Page<ProvisioningRecord>> {
  const { organization: named, pcid, limit, cursor, ...rest } = wanted;
  const everywhere = named === undefined && reachesEveryOrganization(parts.access, principal);
  const filter = {
    ...rest,
    ...(pcid === undefined ? {} : { pcid: pcidOf(pcid, 'query.pcid') }),
    ...(everywhere
      ? {}
      : { organizationId: (await organizationMeant(parts, principal, named, 'vehicle')).id }),
  };
  return readPage({ limit, cursor }, (position) =>
    parts.provisioning.listProvisioning(filter, position),
  );
}

/**
 * Deletes what is registered of a vehicle; its contracts end. The same again ends what a call that
 * was interrupted has left, unless the vehicle has been registered anew.
 * @throws ServiceError `not-found`; `not-permitted` naming the kind of certificates; `conflict` for
 *   one that was replaced: the vehicle would stay registered
 */
export async function deleteProvisioning(
  parts: ProvisioningParts,
  principal: Principal,
  id: string,
): Promise<ProvisioningRecord> {
  const record = await findProvisioning(parts, principal, id);
  requireKind(parts.access, principal, DELETE, KIND);
  const at = parts.clock();
  const audit = provisioningAudit('deleted', record, principal, at);
  const outcome =
    record.state === 'registered'
      ? await parts.provisioning.deleteRegistered({
          ...{ id, audit },
          forOperators: operatorsEvent('deregistered', record, principal, at),
        })
      : 'unchanged';
  const present = outcome === 'deleted' ? record : await findProvisioning(parts, principal, id);
  if (outcome === 'unchanged' && present.state === 'replaced') {
    throw new ServiceError('conflict', `${id} was replaced: delete the one in its place`);
  }
  const { pcid, standard, organizationId } = record;
  const registered = await registeredOf(parts, pcid);
  const remaining = registered.map((one) => one.standard);
  const isAnothers = registered.some((one) => one.organizationId !== organizationId);
  if (!isAnothers && !remaining.includes(standard)) {
    const { actor } = principal;
    await parts.endContracts({ pcid, standard, remaining, actor, at });
  }
  return outcome === 'deleted' ? { ...record, state: 'deleted', endedAt: at } : present;
}

async function registeredOf(
  { provisioning }: Pick<ProvisioningParts, 'provisioning'>,
  pcid: string,
): Promise<ProvisioningCertificate[]> {
  const found = await Promise.all(
    provisioningStandards.map((standard) => provisioning.findByPcid(pcid, standard)),
  );
  return found.flatMap((one) => one ?? []);
}
