/**
 * Bringing a declared hierarchy to life. Applying again is harmless: what exists is left as it is,
 * what was interrupted is finished, nothing is ever deleted or re-keyed.
 */

import { type AuthorityParts, certifyIssuer, createAuthority, subjectOf } from './authorities.ts';
import type { Authority } from './authority-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { DeclaredAuthority, Hierarchy } from './hierarchies.ts';
import { grantKey, isOver, type Plan, type PlanStep, planHierarchy } from './hierarchy-plan.ts';
import {
  organizationChanged,
  organizationCreated,
  requireChanged,
  valuesOf,
} from './organization-changes.ts';
import type { Organization } from './organizations.ts';

export interface ApplyOptions {
  readonly actor: string;
  /**
   * Whether organizations that exist become as declared. A start leaves them alone, or it would
   * take back what was changed since the file was written.
   */
  readonly updateOrganizations?: true;
}

/**
 * Applies the hierarchy.
 * @returns the steps as they were carried out
 * @throws ServiceError `declaration-invalid`, before anything is changed, when the declaration
 *   contradicts what exists: authorities are not re-declared, they are rolled over or retired
 */
export async function applyHierarchy(
  parts: AuthorityParts,
  hierarchy: Hierarchy,
  options: ApplyOptions,
): Promise<readonly PlanStep[]> {
  const plan = await planHierarchy(parts, hierarchy);
  requireNoFaults(hierarchy, plan);
  return carryOut(parts, hierarchy, plan, options);
}

/** Everything in the hierarchy that cannot become so, whoever wants it. */
export function hierarchyFaults(hierarchy: Hierarchy, plan: Plan): FieldViolation[] {
  const contradictions = plan.steps
    .filter(({ action }) => action === 'differs')
    .flatMap(({ id, differences }) =>
      differences.map((message) => ({
        code: 'declaration-differs',
        message,
        field: `authorities.${id}`,
      })),
    );
  const organizations = organizationsOf(hierarchy, plan);
  const misnamed = hierarchy.authorities
    .filter(({ id }) => !plan.authorities.has(id))
    .flatMap((declared) => {
      const organization = organizations.get(declared.organizationId);
      if (!organization) return [];
      return subjectOf(declared, declared.profile, organization, 1).violations.map(
        ({ code, message }) => ({ code, message, field: `authorities.${declared.id}` }),
      );
    });
  const underEnded = hierarchy.authorities
    .filter(
      ({ id, parentId = '' }) =>
        !plan.authorities.has(id) && isOver(plan.authorities.get(parentId)),
    )
    .map(({ id, parentId }) => ({
      code: 'authority-not-active',
      message: `${parentId} is retired or revoked and certifies nobody`,
      field: `authorities.${id}.under`,
    }));
  return [...contradictions, ...misnamed, ...underEnded];
}

function requireNoFaults(hierarchy: Hierarchy, plan: Plan): void {
  const faults = hierarchyFaults(hierarchy, plan);
  if (faults.length === 0) return;
  const what = faults.some(({ code }) => code === 'declaration-differs')
    ? 'contradicts authorities that exist'
    : 'cannot be applied';
  throw new ServiceError('declaration-invalid', `hierarchy ${hierarchy.id} ${what}`, faults);
}

/** Does what the plan says, skipping what others have done meanwhile. */
export async function carryOut(
  parts: AuthorityParts,
  hierarchy: Hierarchy,
  plan: Plan,
  options: ApplyOptions,
): Promise<readonly PlanStep[]> {
  const { actor } = options;
  const steps: PlanStep[] = [];
  const organizations = organizationsOf(hierarchy, plan);
  const declaredOrganizations = new Map(hierarchy.organizations.map((one) => [one.id, one]));
  const declaredAuthorities = new Map(hierarchy.authorities.map((one) => [one.id, one]));
  for (const step of plan.steps) {
    if (step.kind === 'organization') {
      const organization = declaredOrganizations.get(step.id);
      if (!organization) throw new Error(`${step.id} was not declared`);
      steps.push(await putOrganization(parts, organization, step, options));
      continue;
    }
    steps.push(step);
    // A grant becomes one together with the authority that it is for.
    if (step.kind === 'grant') continue;
    const declared = declaredAuthorities.get(step.id);
    const organization = declared && organizations.get(declared.organizationId);
    if (!organization) throw new Error(`${step.id}: its organization was checked before`);
    if (step.action === 'create' || step.action === 'create-request') {
      const grantedBy = granting(declared, plan, declaredAuthorities);
      await createAuthority(parts, declared, organization, actor, grantedBy);
    }
    if (step.action === 'create' || step.action === 'certify') {
      await finishAuthority(parts, step.id, actor);
    }
  }
  return steps;
}

/** The organizations as they will be called: those of the file, and those that it only names. */
function organizationsOf(hierarchy: Hierarchy, plan: Plan): Map<string, Organization> {
  const declared = hierarchy.organizations.map((one): [string, Organization] => [one.id, one]);
  return new Map([...plan.organizations, ...declared]);
}

async function putOrganization(
  parts: AuthorityParts,
  organization: Organization,
  step: PlanStep,
  { actor, updateOrganizations }: ApplyOptions,
): Promise<PlanStep> {
  if (step.action === 'create') {
    const audit = organizationCreated(organization, actor, parts.clock());
    await parts.organizations.createOrganization({ organization, audit });
  }
  if (step.action !== 'update') return step;
  if (!updateOrganizations) {
    const { id, differences } = step;
    parts.logger.warn('organization-differs', { organization: id, differences });
    return { ...step, action: 'unchanged' };
  }
  const change = valuesOf(organization);
  const audit = organizationChanged(step.id, change, actor, parts.clock());
  const command = { id: step.id, change, audit };
  requireChanged(await parts.organizations.changeOrganization(command), step.id);
  return step;
}

/** The authority above, where it has to be granted together with this one. */
function granting(
  { parentId, organizationId }: DeclaredAuthority,
  plan: Plan,
  declared: ReadonlyMap<string, DeclaredAuthority>,
): Pick<Authority, 'id' | 'organizationId'> | undefined {
  if (parentId === undefined || !plan.missingGrants.has(grantKey(parentId, organizationId))) {
    return undefined;
  }
  return plan.authorities.get(parentId) ?? declared.get(parentId);
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
  if (issuer?.state !== 'awaiting-certificate') return;
  try {
    await certifyIssuer(parts, authority, issuer, actor);
  } catch (error) {
    // Somebody who applies the same at the same time may have been faster.
    const [present] = await parts.authorities.listIssuers(authorityId);
    if (present?.state === 'awaiting-certificate') throw error;
  }
}
