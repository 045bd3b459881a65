/** What the labels of roles certify: for each standard the profiles, the preferred ones first. */

import { stationProfiles } from '../ocpp/certificate-types.ts';
import type { EstRole, EstStandard } from './est-declarations.ts';

const withAnnexB = (profile: string): readonly string[] => [profile, `${profile}.annex-b`];

/** `unnamed` where a request that names no standard means neither. */
const profilesOfRoles: Readonly<
  Record<EstRole, Readonly<Partial<Record<EstStandard | 'unnamed', readonly string[]>>>>
> = {
  cpo: { 'iso15118-2': stationProfiles.secc, 'iso15118-20': stationProfiles['secc-20'] },
  mo: {
    'iso15118-2': ['iso15118-2-contract'],
    'iso15118-20': withAnnexB('iso15118-20-contract'),
  },
  oem: {
    'iso15118-2': ['iso15118-2-oem-provisioning'],
    'iso15118-20': withAnnexB('iso15118-20-oem-provisioning'),
  },
  // ISO 15118-2 has no certificates of vehicles.
  veh: { 'iso15118-20': withAnnexB('iso15118-20-vehicle') },
  cps: { 'iso15118-2': ['iso15118-2-cps'], 'iso15118-20': withAnnexB('iso15118-20-cps') },
  cso: { unnamed: stationProfiles.station },
};

/**
 * The profiles of a role for a standard; for none it means ISO 15118-2 where it has that, as
 * Hubject's service does. Empty where the role has nothing for the standard.
 */
export function roleProfiles(role: EstRole, standard: EstStandard | undefined): readonly string[] {
  const profiles = profilesOfRoles[role];
  if (standard !== undefined) return profiles[standard] ?? [];
  return profiles.unnamed ?? profiles['iso15118-2'] ?? profiles['iso15118-20'] ?? [];
}

/** All profiles of a role. */
export const allProfiles = (role: EstRole): readonly string[] =>
  Object.values(profilesOfRoles[role]).flat();
