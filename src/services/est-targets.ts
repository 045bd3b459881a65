/** Which profile and which authority certify what is asked for at a label of EST. */

import type { Profile } from '../pki/profile.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import { isEnrollable } from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import type { EstCertificate, EstStandard } from './est-declarations.ts';
import type { EstLabel } from './est-labels.ts';
import { roleProfiles } from './est-roles.ts';
import { issuingChoices } from './issuing-choices.ts';

export interface EstTargetParts {
  readonly authorities: Pick<AuthorityStore, 'findAuthority' | 'listAuthorities'>;
  readonly profiles: ReadonlyMap<string, Profile>;
}

export interface EstTarget {
  readonly profile: Profile;
  readonly authority: Authority;
}

/**
 * What a label can certify under a standard, the preferred profile first; all are of one kind.
 * @throws ServiceError `est-label-unknown` for a standard that the label has nothing for
 */
export function labelProfiles(
  { profiles }: Pick<EstTargetParts, 'profiles'>,
  label: EstLabel,
  standard: EstStandard | undefined,
): readonly Profile[] {
  const names = label.role
    ? roleProfiles(label.role, standard)
    : [declaredCertificate(label, standard)?.profile ?? ''];
  const found = names.flatMap((name) => profiles.get(name) ?? []).filter(isEnrollable);
  if (found.length > 0) return found;
  const what = standard ?? 'requests that name no standard';
  throw new ServiceError('est-label-unknown', `the label ${label.name} has nothing for ${what}`);
}

/** As with roles, no standard means ISO 15118-2 where nothing else is declared for it. */
function declaredCertificate(
  { certificates = {} }: EstLabel,
  standard: EstStandard | undefined,
): EstCertificate | undefined {
  if (standard !== undefined) return certificates[standard];
  return certificates.unnamed ?? certificates['iso15118-2'] ?? certificates['iso15118-20'];
}

/**
 * Chooses profile and authority. Of several authorities that are equally right, the one whose key
 * is of the given algorithm; without one, of the first that the profile names.
 * @param strict whether only an authority with a key of this algorithm will do
 * @throws ServiceError `est-label-unknown`, `authority-unknown`, `authority-ambiguous`
 */
export async function estTarget(
  parts: EstTargetParts,
  label: EstLabel,
  standard: EstStandard | undefined,
  { keyAlgorithm, strict = false }: { keyAlgorithm?: KeyAlgorithm; strict?: boolean } = {},
): Promise<EstTarget> {
  const profiles = labelProfiles(parts, label, standard);
  const named = label.role ? undefined : declaredCertificate(label, standard)?.authority;
  const choices = await issuingChoices(
    parts,
    label.organizationId,
    profiles.map(({ name }) => name),
  );
  const fits = ({ id, keyAlgorithm: own }: Authority) =>
    (named === undefined || id === named) && (!strict || own === keyAlgorithm);
  for (const { profile: name, authorities } of choices) {
    const equals = authorities.filter(fits);
    const profile = profiles.find((one) => one.name === name);
    if (!profile || equals.length === 0) continue;
    return { profile, authority: oneOf(equals, profile, keyAlgorithm) };
  }
  const [first] = profiles;
  throw new ServiceError(
    'authority-unknown',
    `no active authority of ${label.organizationId} issues ${first?.name} for ${label.name}`,
  );
}

function oneOf(
  equals: readonly Authority[],
  profile: Profile,
  keyAlgorithm: KeyAlgorithm | undefined,
): Authority {
  const [only, ...others] = equals;
  if (only && others.length === 0) return only;
  const preferred = keyAlgorithm === undefined ? profile.keys : [keyAlgorithm, ...profile.keys];
  for (const algorithm of preferred) {
    const [one, another] = equals.filter((authority) => authority.keyAlgorithm === algorithm);
    if (one && !another) return one;
    if (another) break;
  }
  const ids = equals.map(({ id }) => id).join(', ');
  throw new ServiceError('authority-ambiguous', `${profile.name} is issued by ${ids}`);
}
