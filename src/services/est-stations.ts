/** The station that a request of EST is for. */

import { parseStationIdentity } from '../identifiers/station-identity.ts';
import { attributeValue } from '../pki/names.ts';
import type { CertificateKind } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import type { Principal } from './access-policy.ts';
import type { Clock } from './clock.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { OrganizationStore } from './organizations.ts';
import { namedByEvse, stationOfCommonName } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';
import { stationAudit } from './stations.ts';

export interface EstStationParts {
  readonly stations: Pick<StationStore, 'findStationNamed' | 'registerStation'>;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly clock: Clock;
}

/** Certificates of these kinds are made for a station. */
const stationKinds: ReadonlySet<CertificateKind> = new Set(['station', 'station-combined', 'secc']);
export const isOfStation = (kind: CertificateKind): boolean => stationKinds.has(kind);

/** The station that a request is for. */
export interface RequestedStation {
  readonly station: Station;
  /** It is not registered yet: see `registerAtFirstSight`. */
  readonly isNew: boolean;
}

/**
 * The station that the request's common name is for. As with OCPP, an organization may let stations
 * be registered by asking: the name is its identity then.
 * @throws ServiceError `station-unknown`
 */
export async function requestedStation(
  parts: EstStationParts,
  organizationId: string,
  { subject }: CertificationRequest,
): Promise<RequestedStation> {
  const commonName = attributeValue(subject, 'CN');
  if (commonName === undefined) throw unknownStation('The request has no CN.');
  const registered = await stationOfCommonName(parts, organizationId, commonName);
  if (registered) return { station: namedByEvse(registered, commonName), isNew: false };
  const organization = await parts.organizations.findOrganization(organizationId);
  const identity = parseStationIdentity(commonName);
  if (!organization?.stationsOnFirstSight || !identity.ok) {
    throw unknownStation(`No station of ${organizationId} is called so.`);
  }
  const now = parts.clock();
  return {
    station: {
      id: identity.value,
      organizationId,
      evseIds: [],
      createdAt: now,
      lastSeenAt: now,
    },
    isNew: true,
  };
}

/**
 * Registers a station that asks for something that it can get.
 * @throws ServiceError `station-unknown` when the name has become one of another station
 */
export async function registerAtFirstSight(
  parts: EstStationParts,
  principal: Principal,
  station: Station,
): Promise<void> {
  const outcome = await parts.stations.registerStation({
    station,
    audit: stationAudit(parts, principal, station, 'registered', { firstSight: 'est' }),
  });
  if (outcome === 'name-taken') {
    throw unknownStation(`The name is taken in ${station.organizationId}.`);
  }
}

const unknownStation = (message: string) =>
  new ServiceError('station-unknown', 'the request is for no station that is registered', [
    { code: 'station-unknown', message, field: 'subject.CN' },
  ]);

/** Whoever has shown one name asks for another. */
export function otherName(message: string): ServiceError {
  const violation: FieldViolation = {
    code: 'name-not-authenticated',
    message,
    field: 'subject.CN',
  };
  return new ServiceError('name-not-authenticated', 'the request is for somebody else', [
    violation,
  ]);
}
