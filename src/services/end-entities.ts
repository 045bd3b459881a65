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
import type { Organization } from './organizations.ts';
import { stationOfCommonName } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';
import { reviseStation, type StationParts, stationOrganization } from './stations.ts';

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

/** How often a registration is tried while others register the same charger. */
const ATTEMPTS = 10;

/**
 * Registers a charger of the caller's organization, or adds to what is registered about it. Doing
 * so again, in whatever spelling of its name, changes nothing; doing so at once with others loses
 * nothing of what any of them says.
 * @throws ServiceError as `putStation`; `conflict` when the name is the identity of a station that
 *   has another SECC id
 */
export async function registerEndEntity(
  parts: EndEntityParts,
  principal: Principal,
  entity: EndEntity,
): Promise<Station> {
  const organization = await stationOrganization(parts, principal, undefined);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const outcome = await revise(parts, principal, organization, entity);
    if (outcome !== 'stale') return outcome;
  }
  throw new ServiceError('conflict', `others are registering ${entity.commonName} at this moment`);
}

async function revise(
  parts: EndEntityParts,
  principal: Principal,
  organization: Organization,
  entity: EndEntity,
): Promise<Station | 'stale'> {
  const { commonName } = entity;
  const found = await stationOfCommonName(parts, organization.id, commonName);
  const known = found && isNameFor(found, commonName) ? found : undefined;
  if (found && !known && found.id === commonName) {
    throw new ServiceError('conflict', `the station ${found.id} has another SECC id`);
  }
  const serialNumber = entity.serialNumber ?? known?.serialNumber;
  const evses = evsesOf(entity, known?.evseIds ?? []);
  const details = {
    ...(serialNumber === undefined ? {} : { serialNumber }),
    // One spelling is registered, which certificates bear; which one a client uses may change.
    seccId: known?.seccId ?? commonName,
    evseIds: evses.map(({ text }) => text),
    ...(known?.certificateType === undefined ? {} : { certificateType: known.certificateType }),
    ...(known?.securityProfile === undefined ? {} : { securityProfile: known.securityProfile }),
    ...(known?.chain === undefined ? {} : { chain: known.chain }),
  };
  try {
    return await reviseStation(parts, principal, organization, {
      ...{ id: known?.id ?? identityFor(commonName), details, before: known },
      seen: { name: commonName, id: found?.id },
    });
  } catch (error) {
    throw error instanceof ServiceError ? inTheirTerms(error, evses) : error;
  }
}

/** Whether a station that is found by a name may have it as its SECC id. */
const isNameFor = ({ seccId }: Station, commonName: string): boolean =>
  seccId === undefined ||
  comparableValue('secc-id', seccId).toUpperCase() ===
    comparableValue('secc-id', commonName).toUpperCase();

/** An EVSE id with the field that it came in; undefined for one that is known already. */
interface NamedEvse {
  readonly text: string;
  readonly field: string | undefined;
}

/**
 * The EVSEs of a charger: those that are known, and of what came in those that are not. Its name is
 * one of them if it has the form; some clients say it where they know no EVSE ids.
 * @throws ServiceError `request-malformed` when they are more than a station has
 */
function evsesOf({ commonName, evseIds }: EndEntity, known: readonly string[]): NamedEvse[] {
  const normal = (text: string): string | undefined => {
    const evse = parseEvseId(text);
    return evse.ok ? evse.value.normal : undefined;
  };
  const there = new Set(known.map(normal));
  const given = evseIds
    .map((text, index) => ({ text, field: `body.evseID.${index}` }))
    .filter(({ text }) => text !== commonName);
  if (normal(commonName) !== undefined) given.push({ text: commonName, field: 'body.commonName' });
  const fresh = given.filter(({ text }) => !there.has(normal(text)) || normal(text) === undefined);
  if (known.length + fresh.length > MAX_EVSES) {
    throw new ServiceError('request-malformed', `a station has at most ${MAX_EVSES} EVSE ids`);
  }
  return [...known.map((text) => ({ text, field: undefined })), ...fresh];
}

/** As many as can be registered at once. */
const MAX_EVSES = 100;

/** The name itself, but for one that is longer than an identity may be, as SECC ids are. */
function identityFor(commonName: string): string {
  if (commonName.length <= MAX_IDENTITY) return commonName;
  return `secc-${createHash('sha256').update(commonName.toUpperCase()).digest('hex').slice(0, 32)}`;
}

/** Characters of an OCPP identity. */
const MAX_IDENTITY = 48;

/** A refusal of a station that names what came in. */
function inTheirTerms(
  { code, message, violations }: ServiceError,
  evses: readonly NamedEvse[],
): ServiceError {
  const named = violations.map(({ field, ...violation }) => {
    const theirs = field === undefined ? undefined : fieldOf(field, evses);
    return { ...violation, ...(theirs === undefined ? {} : { field: theirs }) };
  });
  return new ServiceError(code, message, named);
}

function fieldOf(field: string, evses: readonly NamedEvse[]): string | undefined {
  if (field === 'id' || field === 'body.seccId') return 'body.commonName';
  if (field === 'body.serialNumber') return 'body.chargeBoxSerialNumber';
  const [, index] = /^body\.evseIds\.(\d+)$/.exec(field) ?? [];
  return index === undefined ? field : evses[Number(index)]?.field;
}
