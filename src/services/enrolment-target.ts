/**
 * What is to certify a request: profile, authority and station, as far as the caller may use them;
 * and whether somebody else has to approve it.
 */

import type { Profile } from '../pki/profile.ts';
import { type AccessPolicy, type Principal, permitsKind, reaches } from './access-policy.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import { ServiceError } from './errors.ts';
import type { Station, StationStore } from './station-records.ts';

export interface TargetParts {
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly authorities: Pick<AuthorityStore, 'findAuthority' | 'listAuthorities'>;
  readonly stations: Pick<StationStore, 'findStation'>;
  readonly access: AccessPolicy;
}

/** The action of those who answer for names that can be held against nothing registered. */
const VOUCH = 'certificates:vouch';

/**
 * A profile that requests can be made for. Whoever holds an OCSP responder's key can call revoked
 * certificates good: evpki makes those for itself only (`ocsp-signers.ts`), and so it is with
 * authorities.
 * @throws ServiceError `profile-unknown`
 */
export function enrollableProfile(parts: Pick<TargetParts, 'profiles'>, name: string): Profile {
  const profile = parts.profiles.get(name);
  if (!profile || !isEnrollable(profile)) {
    throw new ServiceError('profile-unknown', `no end-entity profile is called ${name}`);
  }
  return profile;
}

export const isEnrollable = ({ extensions }: Profile): boolean =>
  !extensions.basicConstraints?.ca &&
  !extensions.extendedKeyUsage?.purposes.includes('OCSPSigning');

/**
 * Whether somebody else has to approve it: where the profile demands a second person, always; else
 * where a name can be held against nothing registered and the caller may not vouch for it (C7).
 */
export function needsApproval(
  parts: Pick<TargetParts, 'access'>,
  principal: Principal,
  profile: Profile,
  station: Station | undefined,
): boolean {
  if (profile.request.approval) return true;
  const vouches = permitsKind(parts.access, principal, VOUCH, profile.kind);
  return !vouches && takesUnheldNames(profile, station);
}

/**
 * Whether the profile takes a name from the request that nobody has registered. Of a station its
 * common name is known, or kept apart from those of others; hosts are registered nowhere.
 */
function takesUnheldNames({ subject, extensions }: Profile, station: Station | undefined): boolean {
  if (extensions.subjectAltName) return true;
  return subject.some(
    ({ source }) =>
      source.from === 'request' && !(station && source.equals?.startsWith('station.') === true),
  );
}

/**
 * The authority named, or the only one that the caller could mean.
 * @throws ServiceError `authority-unknown`, `authority-ambiguous`
 */
export async function chooseAuthority(
  parts: TargetParts,
  principal: Principal,
  profile: Profile,
  named: string | undefined,
): Promise<Authority> {
  const issues = ({ profile: own }: Authority) =>
    profile.issuedBy.length === 0 || profile.issuedBy.includes(own);
  const visible = (authority: Authority) =>
    reaches(parts.access, principal, authority.organizationId);

  if (named !== undefined) {
    const authority = await parts.authorities.findAuthority(named);
    if (!authority || !visible(authority)) {
      throw new ServiceError('authority-unknown', `there is no authority ${named}`);
    }
    return authority;
  }
  const fitting = (await parts.authorities.listAuthorities()).filter(
    (authority) => visible(authority) && issues(authority),
  );
  const [only, ...others] = fitting;
  if (!only) {
    throw new ServiceError('authority-unknown', `no authority of yours issues ${profile.name}`);
  }
  if (others.length > 0) {
    const ids = fitting.map(({ id }) => id).join(', ');
    throw new ServiceError('authority-ambiguous', `${profile.name} is issued by ${ids}`);
  }
  return only;
}

/** @throws ServiceError `not-found` */
export async function namedStation(
  parts: Pick<TargetParts, 'stations'>,
  authority: Authority,
  stationId: string | undefined,
): Promise<Station | undefined> {
  if (stationId === undefined) return undefined;
  const station = await parts.stations.findStation(authority.organizationId, stationId);
  if (!station) throw new ServiceError('not-found', `there is no station ${stationId}`);
  return station;
}
