/** What is to certify a request: profile, authority and station, as far as the caller may use them. */

import type { Profile } from '../pki/profile.ts';
import { type AccessPolicy, type Principal, permits, reaches } from './access-policy.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import { ServiceError } from './errors.ts';
import type { Station, StationStore } from './station-records.ts';

export interface TargetParts {
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly authorities: Pick<AuthorityStore, 'findAuthority' | 'listAuthorities'>;
  readonly stations: Pick<StationStore, 'findStation'>;
  readonly access: AccessPolicy;
}

/** The action of those who may have profiles with `approval: true` issued. */
const APPROVE = 'requests:approve';

/**
 * A profile that requests can be made for. Whoever holds an OCSP responder's key can call revoked
 * certificates good: evpki makes those for itself only (`ocsp-signers.ts`), and so it is with
 * authorities.
 */
export function enrollableProfile(parts: Pick<TargetParts, 'profiles'>, name: string): Profile {
  const profile = parts.profiles.get(name);
  if (
    !profile ||
    profile.extensions.basicConstraints?.ca ||
    profile.extensions.extendedKeyUsage?.purposes.includes('OCSPSigning')
  ) {
    throw new ServiceError('profile-unknown', `no end-entity profile is called ${name}`);
  }
  return profile;
}

/** A profile with `approval: true` is for those only who may approve. */
export function requireApproval(parts: TargetParts, principal: Principal, profile: Profile): void {
  if (profile.request.approval && !permits(parts.access, principal, APPROVE)) {
    throw new ServiceError(
      'not-permitted',
      `${profile.name} is issued only to those whose role permits ${APPROVE}`,
    );
  }
}

/** The authority named, or the only one that the caller could mean. */
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

export async function namedStation(
  parts: TargetParts,
  authority: Authority,
  stationId: string | undefined,
): Promise<Station | undefined> {
  if (stationId === undefined) return undefined;
  const station = await parts.stations.findStation(authority.organizationId, stationId);
  if (!station) throw new ServiceError('not-found', `there is no station ${stationId}`);
  return station;
}

/**
 * A name that can be held against nothing registered is for those to vouch for who may approve
 * requests; everybody else has to say which station it is of (C7).
 */
export function requireRegistered(
  parts: TargetParts,
  principal: Principal,
  profile: Profile,
  station: Station | undefined,
): void {
  if (station || permits(parts.access, principal, APPROVE)) return;
  const unheld = profile.subject.find(({ source }) => source.from === 'request');
  if (unheld) {
    throw new ServiceError(
      'not-permitted',
      `the ${unheld.attribute} of ${profile.name} can be held against nothing registered: ` +
        `name a station, or ask somebody whose role permits ${APPROVE}`,
    );
  }
}
