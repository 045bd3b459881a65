/**
 * Hierarchies: which authorities exist, under whom and with which profile, as declared in
 * `ca/*.yaml`. What the operator wrote is validated into a {@link Hierarchy}; `authorities.ts`
 * compares that with what exists and makes the difference.
 */

import { z } from 'zod';
import { type DeclarationError, declarationErrors } from '../pki/declaration-errors.ts';
import type { Profile } from '../pki/profile.ts';
import { type KeyAlgorithm, keyAlgorithms } from '../pki/public-key.ts';
import { type Organization, organizationRoles } from './organizations.ts';

const id = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens')
  .max(48);
const label = z.string().min(1).max(64);

const organizationFile = z.strictObject({
  name: label,
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be two upper-case letters')
    .optional(),
  roles: z.array(z.enum(organizationRoles)).min(1),
  /** Whether a charging station that is not registered becomes so by asking through OCPP. */
  stationsOnFirstSight: z.boolean().default(false),
});

const authorityFile = z.strictObject({
  title: label,
  organization: id,
  profile: z.string(),
  key: z.enum(keyAlgorithms),
  /** The id of the authority above, or `external` when its certificate is signed elsewhere. */
  under: id.optional(),
});

const hierarchyFile = z.strictObject({
  hierarchy: id,
  description: z.string().optional(),
  demo: z.boolean().default(false),
  organizations: z.record(id, organizationFile),
  authorities: z.record(id, authorityFile),
});

export interface DeclaredAuthority {
  readonly id: string;
  readonly title: string;
  readonly organizationId: string;
  readonly profile: Profile;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly parentId?: string;
  readonly external: boolean;
}

export interface Hierarchy {
  readonly id: string;
  /** Whether it may run with a passphrase that evpki makes up itself. */
  readonly demo: boolean;
  readonly organizations: readonly Organization[];
  /** Every authority stands after the one above it. */
  readonly authorities: readonly DeclaredAuthority[];
}

export type HierarchyResult =
  | { readonly ok: true; readonly hierarchy: Hierarchy }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

/**
 * Validates a parsed hierarchy file.
 * @param document what the YAML says
 * @param source the file's name, for messages
 * @param profiles the profiles that authorities may name
 * @returns the hierarchy, or every error of the file
 */
export function parseHierarchy(
  document: unknown,
  source: string,
  profiles: ReadonlyMap<string, Profile>,
): HierarchyResult {
  const shape = hierarchyFile.safeParse(document);
  if (!shape.success) {
    return {
      ok: false,
      errors: declarationErrors(source, document, hierarchyFile, shape.error.issues),
    };
  }
  const file = shape.data;
  const errors: DeclarationError[] = [];
  const fault = (path: string, message: string) => errors.push({ source, path, message });

  const organizations = Object.entries(file.organizations).map(
    ([organizationId, { name, country, roles, stationsOnFirstSight }]): Organization => ({
      id: organizationId,
      name,
      ...(country === undefined ? {} : { country }),
      roles,
      ...(stationsOnFirstSight ? { stationsOnFirstSight } : {}),
    }),
  );

  const declared = new Map<string, DeclaredAuthority>();
  for (const [authorityId, authority] of Object.entries(file.authorities)) {
    const path = `authorities.${authorityId}`;
    const profile = profiles.get(authority.profile);
    if (!(authority.organization in file.organizations)) {
      fault(`${path}.organization`, `no organization ${authority.organization} is declared`);
    }
    if (!profile) {
      fault(`${path}.profile`, `no profile ${authority.profile} exists in policies/`);
      continue;
    }
    for (const message of profileFaults(authority, profile, file.authorities)) {
      fault(`${path}.${message.key}`, message.text);
    }
    const external = authority.under === 'external';
    declared.set(authorityId, {
      id: authorityId,
      title: authority.title,
      organizationId: authority.organization,
      profile,
      keyAlgorithm: authority.key,
      ...(authority.under === undefined || external ? {} : { parentId: authority.under }),
      external,
    });
  }

  const ordered = parentsFirst(declared, (authorityId) =>
    fault(`authorities.${authorityId}.under`, 'the authorities form a circle'),
  );
  if (errors.length > 0) return { ok: false, errors };
  return {
    ok: true,
    hierarchy: { id: file.hierarchy, demo: file.demo, organizations, authorities: ordered },
  };
}

type AuthorityFile = z.infer<typeof authorityFile>;

function profileFaults(
  authority: AuthorityFile,
  profile: Profile,
  authorities: Readonly<Record<string, AuthorityFile>>,
): { key: keyof AuthorityFile; text: string }[] {
  const faults: { key: keyof AuthorityFile; text: string }[] = [];
  const { under } = authority;
  if (profile.extensions.basicConstraints?.ca !== true) {
    faults.push({ key: 'profile', text: `${profile.name} is not a profile of authorities` });
  }
  if (!profile.keys.includes(authority.key)) {
    faults.push({ key: 'key', text: `${profile.name} allows ${profile.keys.join(', ')}` });
  }
  if (profile.kind === 'root-ca') {
    if (under !== undefined) faults.push({ key: 'under', text: 'a root stands under nobody' });
  } else if (under === undefined) {
    faults.push({ key: 'under', text: 'names the authority above it, or `external`' });
  } else if (under !== 'external') {
    const parent = authorities[under];
    if (!parent) faults.push({ key: 'under', text: `no authority ${under} is declared` });
    else if (profile.issuedBy.length > 0 && !profile.issuedBy.includes(parent.profile)) {
      const allowed = profile.issuedBy.join(', ');
      faults.push({ key: 'under', text: `${profile.name} is issued by ${allowed}` });
    }
  }
  return faults;
}

/** Orders authorities so that parents come first; calls `circular` once for each that cannot. */
function parentsFirst(
  declared: ReadonlyMap<string, DeclaredAuthority>,
  circular: (authorityId: string) => void,
): DeclaredAuthority[] {
  const ordered = new Map<string, DeclaredAuthority>();
  let left = [...declared.values()];
  while (left.length > 0) {
    const ready = left.filter(
      ({ parentId }) => parentId === undefined || ordered.has(parentId) || !declared.has(parentId),
    );
    if (ready.length === 0) {
      for (const authority of left) circular(authority.id);
      break;
    }
    for (const authority of ready) ordered.set(authority.id, authority);
    left = left.filter(({ id: authorityId }) => !ordered.has(authorityId));
  }
  return [...ordered.values()];
}
