/** Which of an organization's authorities could issue one of several profiles. */

import type { Profile } from '../pki/profile.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';

/** Authorities that are equally right for a profile; never empty. */
export interface IssuingChoice {
  readonly profile: string;
  readonly authorities: readonly Authority[];
}

/**
 * What an organization's active authorities can issue of these profiles: those of the first profile
 * first, and of its issuers those that it names first.
 */
export async function issuingChoices(
  parts: {
    readonly authorities: Pick<AuthorityStore, 'listAuthorities'>;
    readonly profiles: ReadonlyMap<string, Profile>;
  },
  organizationId: string | undefined,
  profiles: readonly string[],
): Promise<IssuingChoice[]> {
  const active = (await parts.authorities.listAuthorities(organizationId)).filter(
    ({ state }) => state === 'active',
  );
  return profiles.flatMap((name) => issuersOf(parts.profiles.get(name), active));
}

function issuersOf(
  profile: Profile | undefined,
  authorities: readonly Authority[],
): IssuingChoice[] {
  if (!profile) return [];
  const ranks =
    profile.issuedBy.length === 0
      ? [authorities]
      : profile.issuedBy.map((name) => authorities.filter((one) => one.profile === name));
  return ranks
    .filter((rank) => rank.length > 0)
    .map((rank) => ({ profile: profile.name, authorities: rank }));
}

/**
 * Of equals, those that have a key like the one to be certified: hierarchies of ISO 15118-20 come
 * in pairs. All of them if none has.
 */
export function ofKey(
  equals: readonly Authority[],
  keyAlgorithm: KeyAlgorithm | undefined,
): readonly Authority[] {
  const alike = equals.filter((authority) => authority.keyAlgorithm === keyAlgorithm);
  return equals.length > 1 && alike.length > 0 ? alike : equals;
}
