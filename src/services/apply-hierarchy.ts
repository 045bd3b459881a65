/**
 * Bringing a declared hierarchy to life. Applying again is harmless: what exists is left as it is,
 * what was interrupted is finished, nothing is ever deleted or re-keyed.
 */

import { type AuthorityParts, certifyIssuer, createAuthority } from './authorities.ts';
import type { Authority } from './authority-records.ts';
import { ServiceError } from './errors.ts';
import type { DeclaredAuthority, Hierarchy } from './hierarchies.ts';

export type PlanAction =
  /** A key and a certificate will be made. */
  | 'create'
  /** A key will be made; the certificate has to wait for somebody outside. */
  | 'create-request'
  /** The key exists; its certificate will be signed. */
  | 'certify'
  /** Its own request, or that of one above it, is signed elsewhere: see activation. */
  | 'await'
  | 'unchanged';

export interface PlanStep {
  readonly authority: string;
  readonly action: PlanAction;
  /** How the declaration differs from what exists; such differences are not applied. */
  readonly differences: readonly string[];
}

/** What applying the hierarchy would do, in order, changing nothing. */
async function planHierarchy(parts: AuthorityParts, hierarchy: Hierarchy): Promise<PlanStep[]> {
  const existing = new Map(
    (await parts.authorities.listAuthorities()).map((authority) => [authority.id, authority]),
  );
  const waiting = new Set<string>();
  return hierarchy.authorities.map((declared) => {
    const authority = existing.get(declared.id);
    const isBelowWaiting = declared.parentId !== undefined && waiting.has(declared.parentId);
    const action = planAction(declared, authority, isBelowWaiting);
    if (action === 'await' || action === 'create-request') waiting.add(declared.id);
    return {
      authority: declared.id,
      action,
      differences: authority ? differences(declared, authority) : [],
    };
  });
}

function planAction(
  declared: DeclaredAuthority,
  existing: Authority | undefined,
  isBelowWaiting: boolean,
): PlanAction {
  if (!existing) return declared.external || isBelowWaiting ? 'create-request' : 'create';
  if (existing.state !== 'awaiting-certificate') return 'unchanged';
  return existing.external || isBelowWaiting ? 'await' : 'certify';
}

function differences(declared: DeclaredAuthority, existing: Authority): string[] {
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

/**
 * Applies the hierarchy.
 * @returns the plan as it was carried out
 * @throws ServiceError `declaration-invalid`, before anything is changed, when the declaration
 *   contradicts what exists: authorities are not re-declared, they are rolled over or retired
 */
export async function applyHierarchy(
  parts: AuthorityParts,
  hierarchy: Hierarchy,
  actor: string,
): Promise<PlanStep[]> {
  const plan = await planHierarchy(parts, hierarchy);
  const contradictions = plan.flatMap(({ authority, differences: found }) =>
    found.map((text) => ({
      code: 'declaration-differs',
      message: text,
      field: `authorities.${authority}`,
    })),
  );
  if (contradictions.length > 0) {
    throw new ServiceError(
      'declaration-invalid',
      `hierarchy ${hierarchy.id} contradicts authorities that exist`,
      contradictions,
    );
  }
  for (const organization of hierarchy.organizations) {
    await parts.organizations.putOrganization(organization, parts.clock());
  }
  const organizations = new Map(hierarchy.organizations.map((one) => [one.id, one]));
  for (const declared of hierarchy.authorities) {
    const organization = organizations.get(declared.organizationId);
    if (!organization) throw new Error(`${declared.id}: organization was validated before`);
    await createAuthority(parts, declared, organization, actor);
    await finishAuthority(parts, declared.id, actor);
  }
  return plan;
}

/** Has an authority's first certificate signed, if it is ours to sign and not there yet. */
async function finishAuthority(
  parts: AuthorityParts,
  authorityId: string,
  actor: string,
): Promise<void> {
  const authority = await parts.authorities.findAuthority(authorityId);
  if (!authority || authority.external || authority.state !== 'awaiting-certificate') return;
  if (authority.parentId !== undefined) {
    const parent = await parts.authorities.findAuthority(authority.parentId);
    // Under an authority that is certified outside: activating that one finishes this one too.
    if (parent?.state === 'awaiting-certificate') return;
  }
  const [issuer] = await parts.authorities.listIssuers(authorityId);
  if (issuer?.state === 'awaiting-certificate') {
    await certifyIssuer(parts, authority, issuer, actor);
  }
}
