/**
 * Hierarchies: which authorities exist, under whom and with which profile, as declared in
 * `ca/*.yaml`. What the operator wrote is validated into a {@link Hierarchy}; `authorities.ts`
 * compares that with what exists and makes the difference.
 */

import { z } from 'zod';
import { type DeclarationError, declarationErrors } from '../pki/declaration-errors.ts';
import type { Profile } from '../pki/profile.ts';
import { type KeyAlgorithm, keyAlgorithms } from '../pki/public-key.ts';
import { INSTANCE_ORGANIZATION } from './access-policy.ts';
import {
  declaredId,
  type Organization,
  organizationDetails,
  organizationOf,
  visibleName,
} from './organizations.ts';

const authorityFile = z.strictObject({
  /** Short enough for later generations to add their number. */
  title: visibleName.max(60, 'must have at most 60 characters'),
  organization: declaredId,
  profile: z.string(),
  key: z.enum(keyAlgorithms),
  /** The id of the authority above, or `external` when its certificate is signed elsewhere. */
  under: declaredId.optional(),
});

const hierarchyFile = z.strictObject({
  hierarchy: declaredId,
  description: z.string().optional(),
  demo: z.boolean().default(false),
  organizations: z.record(declaredId, organizationDetails),
  authorities: z.record(declaredId, authorityFile),
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

/** What exists already and may be named without being declared again. */
export interface KnownHierarchy {
  readonly organizations: ReadonlySet<string>;
  /** Authorities that others may stand under, with their profiles. */
  readonly authorities: ReadonlyMap<string, { readonly profile: string }>;
}

/** A file that evpki starts with stands by itself: it is reviewed without knowing a database. */
const nothingKnown: KnownHierarchy = { organizations: new Set(), authorities: new Map() };

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
  known: KnownHierarchy = nothingKnown,
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

  const organizations = Object.entries(file.organizations).map(([organizationId, details]) =>
    organizationOf(organizationId, details),
  );

  if (Object.hasOwn(file.organizations, INSTANCE_ORGANIZATION)) {
    fault(`organizations.${INSTANCE_ORGANIZATION}`, 'is evpki itself, which is not declared');
  }

  const declared = new Map<string, DeclaredAuthority>();
  for (const [authorityId, authority] of Object.entries(file.authorities)) {
    const path = `authorities.${authorityId}`;
    if (authorityId === 'external') fault(path, 'is what stands above authorities from elsewhere');
    const profile = profiles.get(authority.profile);
    const isDeclared = Object.hasOwn(file.organizations, authority.organization);
    if (!isDeclared && !known.organizations.has(authority.organization)) {
      fault(`${path}.organization`, `there is no organization ${authority.organization}`);
    }
    if (!profile) {
      fault(`${path}.profile`, `no profile ${authority.profile} exists in policies/`);
      continue;
    }
    const parent =
      authority.under === undefined
        ? undefined
        : (ownProperty(file.authorities, authority.under) ??
          known.authorities.get(authority.under));
    const parentProfile = parent && profiles.get(parent.profile);
    for (const message of profileFaults(authority, profile, parent?.profile, parentProfile)) {
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

/** What YAML calls `constructor` is nothing that every object has. */
const ownProperty = <T>(object: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

function profileFaults(
  authority: AuthorityFile,
  profile: Profile,
  parentProfileName: string | undefined,
  parentProfile: Profile | undefined,
): { key: keyof AuthorityFile; text: string }[] {
  const faults: { key: keyof AuthorityFile; text: string }[] = [];
  const { under } = authority;
  if (profile.extensions.basicConstraints?.ca !== true) {
    faults.push({ key: 'profile', text: `${profile.name} is not a profile of authorities` });
  }
  if (profile.exported) {
    faults.push({ key: 'profile', text: `${profile.name} is for exports (authority export)` });
  }
  if (!profile.keys.includes(authority.key)) {
    faults.push({ key: 'key', text: `${profile.name} allows ${profile.keys.join(', ')}` });
  }
  if (profile.kind === 'root-ca') {
    if (under !== undefined) faults.push({ key: 'under', text: 'a root stands under nobody' });
  } else if (under === undefined) {
    faults.push({ key: 'under', text: 'names the authority above it, or `external`' });
  } else if (under !== 'external') {
    if (parentProfileName === undefined) {
      faults.push({ key: 'under', text: `there is no authority ${under}` });
    } else if (profile.issuedBy.length > 0 && !profile.issuedBy.includes(parentProfileName)) {
      const allowed = profile.issuedBy.join(', ');
      faults.push({ key: 'under', text: `${profile.name} is issued by ${allowed}` });
    }
    const above = parentProfile?.extensions.basicConstraints?.pathLength;
    const own = profile.extensions.basicConstraints?.pathLength;
    // RFC 5280 4.2.1.9, as policy will have it when the certificate is signed.
    if (above !== undefined && (own === undefined || own >= above)) {
      const asked = own ?? 'unlimited';
      const text = `a path length of ${asked} does not fit below ${under}, which has ${above}`;
      faults.push({ key: 'under', text });
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
