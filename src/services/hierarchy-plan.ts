/** What applying a declared hierarchy would do, in order, changing nothing. */

import type { AuthorityParts } from './authorities.ts';
import type { Authority } from './authority-records.ts';
import type { DeclaredAuthority, Hierarchy } from './hierarchies.ts';
import { type Organization, organizationDifferences } from './organizations.ts';

export type PlanAction =
  /** A row will be made; for authorities, with a key and a certificate. */
  | 'create'
  /** What exists will be as declared; for organizations only. */
  | 'update'
  /** A key will be made; the certificate has to wait for somebody outside. */
  | 'create-request'
  /** The key exists; its certificate will be signed. */
  | 'certify'
  /** Its own request, or that of one above it, is signed elsewhere (see activation), or whoever is above does not sign. */
  | 'await'
  | 'unchanged'
  /** It exists otherwise: authorities are not re-declared, they are rolled over or retired. */
  | 'differs';

export interface PlanStep {
  readonly kind: 'organization' | 'authority' | 'grant';
  /** For grants that of the authority; `organization` says whom it is given to. */
  readonly id: string;
  readonly organization?: string;
  readonly action: PlanAction;
  /** How the declaration differs from what exists, a sentence each. */
  readonly differences: readonly string[];
}

export interface Plan {
  readonly steps: readonly PlanStep[];
  /** What existed of the declared authorities, and of those above them. */
  readonly authorities: ReadonlyMap<string, Authority>;
  readonly organizations: ReadonlyMap<string, Organization>;
  /** `authority organization` of every grant that has to be there for new authorities and is not. */
  readonly missingGrants: ReadonlySet<string>;
}

export const grantKey = (authorityId: string, organizationId: string): string =>
  `${authorityId} ${organizationId}`;

export async function planHierarchy(
  parts: Pick<AuthorityParts, 'authorities' | 'organizations' | 'grants'>,
  hierarchy: Hierarchy,
): Promise<Plan> {
  const [authorityList, organizationList, grantList] = await Promise.all([
    parts.authorities.listAuthorities(),
    parts.organizations.listOrganizations(),
    parts.grants.listGrants({}),
  ]);
  const authorities = new Map(authorityList.map((one) => [one.id, one]));
  const organizations = new Map(organizationList.map((one) => [one.id, one]));
  const granted = new Set(
    grantList.map(({ authorityId, organizationId }) => grantKey(authorityId, organizationId)),
  );
  const missingGrants = new Set<string>();
  const owners = new Map(authorityList.map(({ id, organizationId }) => [id, organizationId]));
  for (const { id, organizationId } of hierarchy.authorities) {
    if (!owners.has(id)) owners.set(id, organizationId);
  }

  const steps: PlanStep[] = hierarchy.organizations.map((declared) =>
    organizationStep(declared, organizations.get(declared.id)),
  );
  const waiting = new Set(
    authorityList.filter(({ state }) => state === 'awaiting-certificate').map(({ id }) => id),
  );
  for (const declared of hierarchy.authorities) {
    const { id, parentId, organizationId } = declared;
    const existing = authorities.get(id);
    const found = existing ? authorityDifferences(declared, existing) : [];
    const hasEnded = isOver(parentId === undefined ? undefined : authorities.get(parentId));
    const isBelowWaiting = parentId !== undefined && waiting.has(parentId);
    const needsGrant =
      parentId !== undefined &&
      owners.get(parentId) !== organizationId &&
      !granted.has(grantKey(parentId, organizationId));
    if (needsGrant && !existing && !missingGrants.has(grantKey(parentId, organizationId))) {
      missingGrants.add(grantKey(parentId, organizationId));
      const step = { kind: 'grant', id: parentId, organization: organizationId } as const;
      steps.push({ ...step, action: 'create', differences: [] });
    }
    const action =
      found.length > 0
        ? 'differs'
        : authorityAction(declared, existing, isBelowWaiting, needsGrant || hasEnded);
    if (action === 'certify' || action === 'create') waiting.delete(id);
    if (action === 'create-request') waiting.add(id);
    steps.push({ kind: 'authority', id, action, differences: found });
  }
  return { steps, authorities, organizations, missingGrants };
}

/** Whether an authority certifies nobody any more. */
export const isOver = (authority: Pick<Authority, 'state'> | undefined): boolean =>
  authority?.state === 'retired' || authority?.state === 'revoked';

function organizationStep(declared: Organization, existing: Organization | undefined): PlanStep {
  const differences = existing ? organizationDifferences(declared, existing) : [];
  const action = !existing ? 'create' : differences.length > 0 ? 'update' : 'unchanged';
  return { kind: 'organization', id: declared.id, action, differences };
}

function authorityAction(
  declared: DeclaredAuthority,
  existing: Authority | undefined,
  isBelowWaiting: boolean,
  isStopped: boolean,
): PlanAction {
  if (!existing) return declared.external || isBelowWaiting ? 'create-request' : 'create';
  if (existing.state !== 'awaiting-certificate') return 'unchanged';
  return existing.external || isBelowWaiting || isStopped ? 'await' : 'certify';
}

/** How an authority differs from what is declared, a sentence each. */
function authorityDifferences(declared: DeclaredAuthority, existing: Authority): string[] {
  const pairs: [string, string, string][] = [
    ['title', declared.title, existing.title],
    ['organization', declared.organizationId, existing.organizationId],
    ['profile', declared.profile.name, existing.profile],
    ['key', declared.keyAlgorithm, existing.keyAlgorithm],
    ['under', placeOf(declared), placeOf(existing)],
  ];
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([what, wanted, found]) => `${what}: declared ${wanted}, exists as ${found}`);
}

const placeOf = ({ parentId, external }: Pick<Authority, 'parentId' | 'external'>): string =>
  parentId ?? (external ? 'external' : 'nobody');
