/**
 * End entities: what platforms of Plug & Charge call a charger that is registered by the name that
 * its certificates towards vehicles bear. Here it is a station. Who registers end entities knows no
 * OCPP identities; one that an operator has registered by its identity is found by its names.
 */

import { createHash } from 'node:crypto';
import { parseEvseId } from '../identifiers/evse-id.ts';
import { comparableValue } from '../pki/policy/value-forms.ts';
import type { Principal } from './access-policy.ts';
import { ServiceError } from './errors.ts';
import { stationOfCommonName } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';
import { putStation, type StationParts, stationOrganization } from './stations.ts';

export interface EndEntityParts extends StationParts {
  readonly stations: Pick<StationStore, 'findStationNamed'> & StationParts['stations'];
}

export interface EndEntity {
  /** What the CN of its certificates towards vehicles is to be, in any spelling. */
  readonly commonName: string;
  readonly evseIds: readonly string[];
  /** That of the station towards its CSMS. */
  readonly serialNumber?: string;
}

/**
 * Registers a charger of the caller's organization, or adds to what is registered about it. Doing
 * so again, in whatever spelling of its name, changes nothing.
 * @throws ServiceError as `putStation`; `conflict` when the name is the identity of a station that
 *   has another SECC id
 */
export async function registerEndEntity(
  parts: EndEntityParts,
  principal: Principal,
  entity: EndEntity,
): Promise<Station> {
  const { commonName } = entity;
  const organization = await stationOrganization(parts, principal, undefined);
  const found = await stationOfCommonName(parts, organization.id, commonName);
  const known = found && isNameFor(found, commonName) ? found : undefined;
  if (found && !known && found.id === commonName) {
    throw new ServiceError('conflict', `the station ${found.id} has another SECC id`);
  }
  const serialNumber = entity.serialNumber ?? known?.serialNumber;
  const details = {
    ...(serialNumber === undefined ? {} : { serialNumber }),
    // One spelling is registered, which certificates bear; which one a client uses may change.
    seccId: known?.seccId ?? commonName,
    evseIds: [...evseIdsOf(entity), ...(known?.evseIds ?? [])],
    ...(known?.certificateType === undefined ? {} : { certificateType: known.certificateType }),
    ...(known?.securityProfile === undefined ? {} : { securityProfile: known.securityProfile }),
  };
  try {
    const id = known?.id ?? identityFor(commonName);
    return (await putStation(parts, principal, id, details)).station;
  } catch (error) {
    throw error instanceof ServiceError ? inTheirTerms(error) : error;
  }
}

/** Whether a station that is found by a name may have it as its SECC id. */
const isNameFor = ({ seccId }: Station, commonName: string): boolean =>
  seccId === undefined ||
  comparableValue('secc-id', seccId).toUpperCase() ===
    comparableValue('secc-id', commonName).toUpperCase();

/** The name counts as an EVSE id if it is one; some clients say it where they know no EVSE ids. */
function evseIdsOf({ commonName, evseIds }: EndEntity): string[] {
  if (parseEvseId(commonName).ok) return [...evseIds, commonName];
  return evseIds.filter((text) => text !== commonName);
}

/** The name itself, but for one that is longer than an identity may be, as SECC ids are. */
function identityFor(commonName: string): string {
  if (commonName.length <= MAX_IDENTITY) return commonName;
  return `secc-${createHash('sha256').update(commonName.toUpperCase()).digest('hex').slice(0, 32)}`;
}

/** Characters of an OCPP identity. */
const MAX_IDENTITY = 48;

/** A refusal of a station that names what came in. */
function inTheirTerms({ code, message, violations }: ServiceError): ServiceError {
  const named = violations.map((violation) => ({
    ...violation,
    ...(violation.field === undefined ? {} : { field: fieldOf(violation.field) }),
  }));
  return new ServiceError(code, message, named);
}

const fieldOf = (field: string): string =>
  field
    .replace(/^(id|body\.seccId)$/, 'body.commonName')
    .replace(/^body\.evseIds\b/, 'body.evseID')
    .replace(/^body\.serialNumber$/, 'body.chargeBoxSerialNumber');
