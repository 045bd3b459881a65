/** Charging stations: registering them, changing what is registered, looking at them. */

import { parseEvseId } from '../identifiers/evse-id.ts';
import type { Parsed } from '../identifiers/parsed.ts';
import { parseSeccName } from '../identifiers/secc-id.ts';
import { parseStationIdentity, parseStationSerialNumber } from '../identifiers/station-identity.ts';
import { type ChainPolicy, chainSizeFault } from '../ocpp/certificate-signed.ts';
import type { OmittedType } from '../ocpp/certificate-types.ts';
import { operatorNotAllowed } from '../pki/policy.ts';
import { type AccessPolicy, type Principal, reachesEveryOrganization } from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { foreignOperator } from './operators.ts';
import { type Organization, type OrganizationStore, organizationMeant } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import type {
  SecurityProfile,
  Station,
  StationEnrolment,
  StationStore,
} from './station-records.ts';

export interface StationParts {
  readonly stations: StationStore;
  readonly organizations: Pick<OrganizationStore, 'findOrganization' | 'isOperatorTaken'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

/** What somebody registers about a station; what is left out is not registered any more. */
export interface StationDetails {
  readonly serialNumber?: string;
  readonly seccId?: string;
  readonly evseIds?: readonly string[];
  readonly certificateType?: OmittedType;
  readonly securityProfile?: SecurityProfile;
  readonly chain?: ChainPolicy;
  /** Left out, it stays: what an inventory writes again and again lifts no refusal. */
  readonly enrolment?: StationEnrolment;
}

/**
 * Registers a station, or replaces what is registered about it. Doing so again changes nothing.
 * @param named the organization, for those who reach others than their own
 * @throws ServiceError `request-malformed` with every field that is wrong, `operator-not-allowed`
 *   with every id of an operator that is none of the organization's, `not-found` for an organization
 *   out of reach, `conflict` when another station has one of the names
 */
export async function putStation(
  parts: StationParts,
  principal: Principal,
  id: string,
  details: StationDetails,
  named?: string,
): Promise<{ readonly station: Station; readonly created: boolean }> {
  const organization = await stationOrganization(parts, principal, named);
  const checked = await checkedStation(parts, organization, id, details);
  const existing = await parts.stations.findStation(organization.id, checked.id);
  const station = stationWith(parts, organization, { checked, details }, existing);
  if (!existing) {
    const command = { station, audit: stationAudit(parts, principal, station, 'registered') };
    const outcome = await parts.stations.registerStation(command);
    if (outcome === 'registered') return { station, created: true };
    if (outcome === 'name-taken') throw nameTaken();
    // Somebody else has registered it since; what is asked for here is the newer word.
  } else if (sameDetails(existing, station)) {
    return { station: existing, created: false };
  }
  const command = {
    ...{ station, enrolment: details.enrolment },
    audit: stationAudit(parts, principal, station, 'changed'),
  };
  if ((await parts.stations.changeStation(command)) === 'name-taken') throw nameTaken();
  return { station, created: false };
}

/** What somebody has made of what was registered, who has to be told when that changes meanwhile. */
export interface StationRevision {
  readonly id: string;
  readonly details: StationDetails;
  /** The station as it was; undefined when it is to be a new one. */
  readonly before: Station | undefined;
  /** Who was called so when it was looked up. */
  readonly seen: { readonly name: string; readonly id: string | undefined };
}

/**
 * As `putStation`, but of several who do so at once none undoes what another has done.
 * @returns `stale`, and nothing is written, when what was seen is not so any more
 * @throws ServiceError as `putStation`
 */
export async function reviseStation(
  parts: StationParts,
  principal: Principal,
  organization: Organization,
  { id, details, before, seen }: StationRevision,
): Promise<Station | 'stale'> {
  const checked = await checkedStation(parts, organization, id, details);
  const station = stationWith(parts, organization, { checked, details }, before);
  if (before && sameDetails(before, station)) return before;
  const audit = stationAudit(parts, principal, station, before ? 'changed' : 'registered');
  const { enrolment } = details;
  const outcome = before
    ? await parts.stations.changeStation({ station, enrolment, from: before, audit })
    : await parts.stations.registerStation({ station, seen, audit });
  if (outcome === 'name-taken') throw nameTaken();
  return outcome === 'changed' || outcome === 'registered' ? station : 'stale';
}

const stationWith = (
  { clock }: Pick<StationParts, 'clock'>,
  organization: Organization,
  wanted: {
    readonly checked: Awaited<ReturnType<typeof checkedStation>>;
    readonly details: StationDetails;
  },
  before: Station | undefined,
): Station => {
  const enrolment = wanted.details.enrolment ?? before?.enrolment;
  return {
    organizationId: organization.id,
    createdAt: before?.createdAt ?? clock(),
    ...wanted.checked,
    ...(enrolment === 'refused' ? { enrolment } : {}),
    ...(before?.lastSeenAt ? { lastSeenAt: before.lastSeenAt } : {}),
  };
};

/** @throws ServiceError `not-found`, also for stations of organizations out of reach */
export async function findStation(
  parts: StationParts,
  principal: Principal,
  id: string,
  named?: string,
): Promise<Station> {
  const organization = await stationOrganization(parts, principal, named);
  const station = await parts.stations.findStation(organization.id, id);
  if (!station) throw new ServiceError('not-found', `there is no station ${id}`);
  return station;
}

/**
 * A page of stations, newest first; of every organization for those who reach all and name none.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned, `not-found`
 */
export async function listStations(
  parts: StationParts,
  principal: Principal,
  wanted: PageWanted & { readonly organization?: string },
): Promise<Page<Station>> {
  const { organization: named } = wanted;
  const everywhere = named === undefined && reachesEveryOrganization(parts.access, principal);
  const filter = everywhere
    ? {}
    : { organizationId: (await stationOrganization(parts, principal, named)).id };
  return readPage(wanted, (position) => parts.stations.listStations(filter, position));
}

/** The organization whose stations a caller means: see `organizationMeant`. */
export const stationOrganization = (
  parts: {
    readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
    readonly access: AccessPolicy;
  },
  principal: Principal,
  named: string | undefined,
): Promise<Organization> => organizationMeant(parts, principal, named, 'station');

/** The entry for a station that was registered or changed. */
export const stationAudit = (
  parts: Pick<StationParts, 'clock'>,
  principal: Principal,
  station: Station,
  what: 'registered' | 'changed',
  details: AuditEvent['details'] = {},
): AuditEvent => ({
  at: parts.clock(),
  organizationId: station.organizationId,
  actor: principal.actor,
  action: `station.${what}`,
  subject: station.id,
  details: { ...plainDetails(station), ...details },
});

async function checkedStation(
  parts: StationParts,
  organization: Organization,
  id: string,
  details: StationDetails,
): Promise<Omit<Station, 'organizationId' | 'enrolment' | 'createdAt' | 'lastSeenAt'>> {
  const violations: FieldViolation[] = [];
  const taken = <T>(field: string, result: Parsed<T>): T | undefined => {
    if (result.ok) return result.value;
    violations.push({ code: 'invalid', message: result.reason, field });
    return undefined;
  };
  const { serialNumber, seccId, evseIds = [], certificateType, securityProfile, chain } = details;
  const identity = taken('id', parseStationIdentity(id));
  const serial =
    serialNumber === undefined
      ? undefined
      : taken('body.serialNumber', parseStationSerialNumber(serialNumber));
  const secc = seccId === undefined ? undefined : taken('body.seccId', parseSeccName(seccId));
  const evses = new Map(
    evseIds.flatMap((text, index) => {
      const evse = taken(`body.evseIds.${index}`, parseEvseId(text));
      return evse ? [[evse.normal, evse.display] as const] : [];
    }),
  );
  const named = [
    ...(secc === undefined ? [] : [{ field: 'body.seccId', name: secc }]),
    ...evseIds.map((name, index) => ({ field: `body.evseIds.${index}`, name })),
  ];
  const sizeFault =
    chain?.maximumSize === undefined ? undefined : chainSizeFault(chain.maximumSize);
  if (sizeFault !== undefined) {
    violations.push({ code: 'invalid', message: sizeFault, field: 'body.chain.maximumSize' });
  }
  const foreign = await foreignNames(parts, organization, named);
  if (foreign.length > 0 && violations.length === 0) {
    const message = `not every EVSE or SECC id is one of ${organization.id}`;
    throw new ServiceError('operator-not-allowed', message, foreign);
  }
  violations.push(...foreign);
  if (violations.length > 0 || identity === undefined) {
    throw new ServiceError('request-malformed', 'this is no station', violations);
  }
  return {
    id: identity,
    ...(serial === undefined ? {} : { serialNumber: serial }),
    ...(secc === undefined ? {} : { seccId: secc }),
    evseIds: [...evses.values()],
    ...(certificateType === undefined ? {} : { certificateType }),
    ...(securityProfile === undefined ? {} : { securityProfile }),
    ...(chain === undefined || Object.keys(chain).length === 0 ? {} : { chain }),
  };
}

/** What is wrong with names of operators that are none of the organization's. */
async function foreignNames(
  { organizations }: StationParts,
  organization: Organization,
  named: readonly { readonly field: string; readonly name: string }[],
): Promise<FieldViolation[]> {
  const violations: FieldViolation[] = [];
  for (const { field, name } of named) {
    const operator = await foreignOperator(organizations, organization, name);
    if (operator !== undefined) violations.push(operatorNotAllowed(operator, field));
  }
  return violations;
}

const plainDetails = (station: Station) => ({
  serialNumber: station.serialNumber ?? null,
  seccId: station.seccId ?? null,
  evseIds: station.evseIds,
  certificateType: station.certificateType ?? null,
  securityProfile: station.securityProfile ?? null,
  chainIncludesRoot: station.chain?.includeRoot ?? null,
  chainMaximumSize: station.chain?.maximumSize ?? null,
  enrolment: station.enrolment ?? 'allowed',
});

const sameDetails = (a: Station, b: Station): boolean =>
  JSON.stringify(plainDetails(a)) === JSON.stringify(plainDetails(b));

const nameTaken = () =>
  new ServiceError(
    'conflict',
    'the identity, serial number or SECC id is a name of another station of the organization',
  );
