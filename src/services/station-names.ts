/**
 * Whose name a station may have certified. A request is made by the station, whoever brings it, so
 * its common name is a claim: it is held against what is registered about the station.
 *
 * - A registered serial number (towards the CSMS) or SECC id (towards vehicles) has to be the CN.
 * - Without one the CN has to be the station's identity, which the CSMS has authenticated.
 * - Where an organization takes stations at first sight, nobody has registered anything: any CN is
 *   taken unless it is the name of another station. It is not registered from then on: that would
 *   turn the claim of a station into a fact. It is kept from others by the certificate in force,
 *   whatever else its subject says.
 */

import { parseEvseId } from '../identifiers/evse-id.ts';
import { stationProfiles } from '../ocpp/certificate-types.ts';
import { attributeValue } from '../pki/names.ts';
import { buildSubject, type Facts } from '../pki/policy/subject.ts';
import type { Profile } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import type { NameQuestion } from './certificate-records.ts';
import type { Organization } from './organizations.ts';
import type { Station, StationStore } from './station-records.ts';

/** What policy may take from, or demand of, a request on behalf of an organization's station. */
export function registeredFacts(organization: Organization, station: Station | undefined): Facts {
  return {
    'organization.name': organization.name,
    ...(organization.country === undefined ? {} : { 'organization.country': organization.country }),
    ...(station ? stationFacts(organization, station) : {}),
  };
}

function stationFacts({ stationsOnFirstSight }: Organization, station: Station): Facts {
  const { id } = station;
  const serialNumber = station.serialNumber ?? (stationsOnFirstSight ? undefined : id);
  const seccId = station.seccId ?? (stationsOnFirstSight ? undefined : id);
  return {
    'station.identity': id,
    ...(serialNumber === undefined ? {} : { 'station.serialNumber': serialNumber }),
    ...(seccId === undefined ? {} : { 'station.seccId': seccId }),
  };
}

const profilesOfStations = Object.values(stationProfiles).flat();

/**
 * What must not be the name of another station of the organization, for `isNameOfOther`; undefined
 * where there is nothing to ask: what is registered for the station itself is its own whatever
 * others were certified for.
 */
export function nameQuestion(
  profiles: ReadonlyMap<string, Profile>,
  organization: Organization,
  station: Station,
  profile: Profile,
  request: CertificationRequest,
): NameQuestion | undefined {
  const commonName = attributeValue(request.subject, 'CN');
  if (commonName === undefined) return undefined;
  const facts = registeredFacts(organization, station);
  if (isDemanded(profile, facts)) return undefined;
  // A profile may certify the name in another spelling: the normal form of an SECC id.
  const certified = [profile.name, ...profilesOfStations].flatMap((name) => {
    const rules = profiles.get(name)?.subject ?? [];
    return attributeValue(buildSubject(rules, request.subject, facts).subject, 'CN') ?? [];
  });
  return {
    organizationId: organization.id,
    stationId: station.id,
    names: [...new Set([commonName, ...certified])],
  };
}

/** Whether policy lets the CN be nothing but a registered value. */
const isDemanded = (profile: Profile, facts: Facts): boolean =>
  profile.subject.some(({ attribute, source }) => {
    if (attribute !== 'CN') return false;
    if (source.from !== 'request') return true;
    return source.equals !== undefined && facts[source.equals] !== undefined;
  });

/**
 * The station that a common name is for: the one of the organization whose serial number, SECC id
 * or identity it is, or one of whose EVSEs. What it says is a claim, whoever brings it: the station
 * is who would have to be allowed to have it.
 */
export const stationOfCommonName = (
  parts: { readonly stations: Pick<StationStore, 'findStationNamed'> },
  organizationId: string,
  commonName: string,
): Promise<Station | undefined> => parts.stations.findStationNamed(organizationId, commonName);

/**
 * The same station, with the name that it is asked for as its SECC id where that is an EVSE id that
 * is registered for it, and no SECC id is: it is as good a name towards vehicles (ISO 15118-2
 * annex F leaves the form open).
 */
export function namedByEvse(station: Station, commonName: string): Station {
  if (station.seccId !== undefined) return station;
  const evse = parseEvseId(commonName);
  const isIts = (text: string): boolean => {
    const own = parseEvseId(text);
    return own.ok && evse.ok && own.value.normal === evse.value.normal;
  };
  return station.evseIds.some(isIts) ? { ...station, seccId: commonName } : station;
}
